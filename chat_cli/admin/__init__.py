"""`chat-admin`: what the operator of a server does from scripts.

    cli          arguments and exit codes
    directory    finds the server of a data directory
    api          the calls of AdminService on one channel
    commands     what each command asks and prints
    export       a room's history as text or as lines of JSON
    objects      answers as objects of JSON, whose names stay
    tables       answers as lines for people

Results go to stdout, everything else to stderr. Exit codes are those of `exits`. Only the
standard library is imported before the arguments are read, and grpc not before something
listens.
"""
