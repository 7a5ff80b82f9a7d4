"""The first process of `chat-server`: starts the others, watches them, leaves none behind.

    actions       what is to be done now, as the rules say it; pure
    place         one instance, whichever process fills it now; pure
    places        all of them; pure
    wishes        what an operator has asked for and is not answered yet; pure
    supervisor    the rules: all places and wishes; pure
    outbox        what waits to be said to a process that may be slow; pure
    channel       lines both ways on a socket, which never holds up the loop
    processes     fresh processes, and their end
    admin         the admin process: begun, replaced, ended last
    journal       lines of the log, from everybody to file, screen and console
    certificate   the one that the launch makes for itself, where it needs one
    signals       signals as bytes on a socket
    reload        the configuration as it is now, and read again
    launcher      the loop that carries out the rules
    entry         lock, signals and terminal around it

May import of the project: chat_service.certificates, codes, config, link, logs, posix. Never
imports grpc: a process that has started gRPC's threads should not start others.
"""

from chat_service.launcher.entry import run

__all__ = ["run"]
