"""The connection to the server: the only part of the client that knows grpc and the stubs.

    wire      the contract's messages to items and back
    errors    statuses to exceptions
    api       the calls on one channel
    accounts  those about the own account; `joined` is what a sign-in brings
    identity  signing in and out, with the tokens that are kept; `given` a token from outside
    session   the Chat stream: reconnect, resume, one reader and one writer
    reader    the Subscribe stream for `tail`: the same without orders

Imports grpc, the stubs and the pure part of the client; nothing of the screens.
"""
