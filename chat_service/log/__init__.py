"""The one durable order of everything that happened.

    contract    what a log promises: submit orders, be told of commits, read history
    sqlite      SqliteLog: one writer thread, group commit, WAL with FULL sync
    batch       the orders of one commit, decided and written
    datafile    opens the file, and refuses one that is damaged or not ours
    inspection  looks at every page of a large file while the server serves
    reserve     tells whether the disk has come down to what is kept back
    tables      the tables of the state, written as they change and loaded at start
    rows        the rows of events and first answers, which grow with the messages
    history     reads of room events on read-only connections
    limits      how much may wait; pure
    clock       the time of events, which goes on when the wall clock goes back
    schema      the tables, as numbered migrations

There is no second event store: the tables of rooms' events, users, rooms,
members and sessions are written in the same transaction and are the log.
Imports `core` of the project, and the standard library.
"""
