"""The wires that a load can speak: how subscribers listen on each, and how senders post.

    wire     what the processes of readers and senders need of a wire
    tally    what a subscriber counts: the same bytes as the witness
    chat     gRPC: subscribers and senders of the chat service
    lines    what wires of lines have in common: a socket for each client
    irc, nats, plain   such wires

A wire is chosen by its name, which travels to the processes of the load.
"""

from bench.wires import chat, irc, nats, plain
from bench.wires.wire import Wire

WIRES: dict[str, Wire] = {wire.name: wire for wire in (chat.WIRE, irc.WIRE, nats.WIRE, plain.WIRE)}
