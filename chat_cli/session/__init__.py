"""The connection to the server: the only part of the client that knows grpc and the stubs.

    wire      the contract's messages to items and back
    errors    statuses to exceptions
    api       the calls on one channel
    accounts, rooms, moderation  those of each further service; `unary` is what they share
    joined    what a sign-in brings
    identity  signing in and out, with the tokens that are kept; `given` a token from outside
    streams   the Chat stream with its orders, and Subscribe, for `tail`, without
    sign_in   signing in, with the password where one is needed
    session   keeps a stream open, comes back when it breaks

Imports grpc, the stubs and the pure part of the client; nothing of the screens.
"""
