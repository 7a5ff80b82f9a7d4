"""The rules of chat, pure: what is decided, and what follows from it.

    decide(state, command, facts, now) -> Accepted(events, answer) | Rejection
    evolve(state, event)

A command is an order that may be refused; an event is a fact that has happened.
Everything that must hold for ever (unique names, numbering, who may do what) is
decided here, in the order of the log. Nothing here reads a clock, a file, a
socket or a random number; the time comes in as integer milliseconds. Nothing
iterates over a set, hashes with `hash()`, or computes with floats, so that the
same commands give the same events on every machine.

    model      the records
    state      State: all that is known, in tables
    table      a dictionary with a scratch layer
    commands   the orders
    events     the facts
    decide     orders to facts, or a rejection: one table of
               instances, signing, sessions, registration, accounts, tokens, blocks,
               rooms, entry, membership, properties, invites, messages, deletion,
               moderation, administration, banning, pruning, and what they share:
               decision, access, bans, audit, sanctions, departures, ownership
    evolve     facts into the state
    errors     the reasons of every rejection
    limits     the figures that decisions use
    names      what a name may be; what a text may be

Imports nothing of the project and no I/O.
"""
