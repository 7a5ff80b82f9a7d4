"""`chat-admin`: what the operator of a server does from scripts.

    cli          runs a command; exit codes
    arguments    what the command line may say
    directory    finds the server of a data directory
    api          the calls of AdminService on one channel
    commands     what each command asks and prints
    accounts     the same of those about accounts, bans and the audit log
    ports        which instance is meant
    export       a room's history as text or as lines of JSON
    objects      answers as objects of JSON, whose names stay
    tables       answers as lines for people

Results go to stdout, everything else to stderr. Exit codes are those of `exits`. Only the
standard library is imported before the arguments are read, and grpc not before something
listens.
"""
