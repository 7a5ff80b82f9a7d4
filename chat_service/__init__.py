"""The chat server: one log, one state machine, one fan-out.

The way of one message
    A client's request reaches the `edge`, which makes it a Command and gives it to
    the `log`. The log's one writer thread lets the `core` decide it, writes the
    events that follow, and commits. Only then the events come back to the event
    loop, where the `hub` hands them, encoded once, to everybody who reads the room,
    and the sender gets the Ack. Nobody sees a message that a crash can take back.

        client -> edge -> log [ decide -> evolve -> write -> COMMIT ] -> hub -> clients

Words
    room          a log of events with a place (`seq`) each, dense from 1
    member        a user who belongs to a room
    user          who speaks: an id for life, a name as an attribute
    session       one signed-in client of a user, known by its token
    command       an order, which may be refused; event: a fact that has happened
    subscription  one stream's reading of rooms: a bounded queue of encoded frames
    fan-out       handing one frame to all subscriptions of a room
    tick          what a room gathers between two fan-outs
    epoch         the life of the data; a seq means nothing in another epoch
    instance      one server process on one port; the launcher starts several

Packages, and what each may import of the project
    core          rules, pure                          nothing
    histogram     how values are spread                nothing
    log           the durable order, in SQLite         core, histogram
    hub           live rooms                           core, histogram
    retention     how much rooms keep                  core
    edge          gRPC                                 those four, retention, codes, chat_protos
    transcripts   public rooms as files of text        core, log, config, chat_text
    renewal       a server's certificate as it runs    certificates, config, edge
    live          what changes while a server runs     core, log, edge, config, transcripts, renewal
    services      the services of the contract         log, hub, edge
    following     what follows the log                 log, hub, edge, transcripts
    wiring        the parts of a server, put together  all of these, config, posix
    server        clockwork and clean stop             wiring, config, core, renewal
    instance      one server as a process              server, config, address, logs, posix
    launcher      fresh processes, watched   certificates, codes, config, link, logs, posix
    link          what launcher and admin say          nothing
    admin         the operator's side, a process       config, link, logs, chat_protos, chat_text
    codes         one-time codes for people            nothing
    config        what each process is told            limits of the parts; retention
    address       whether it can be listened on        config
    certificates  read and checked                     config
    plain         dataclasses as values of JSON        nothing
    cli           what a person asked for              certificates, config, settings, launcher
    settings      the table of settings, their sources config, core, retention
    logs          what a line of the log looks like    chat_text
    posix         what Windows does not have           nothing

`tests/test_layers.py` holds these arrows.
"""
