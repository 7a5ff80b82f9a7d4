"""The terminal client.

What is where, from the inside out:

    model        who, where and what: users, rooms, targets, limits
    happenings   events of rooms as sentences; `durations` how long something holds
    membership   what can be asked about rooms; `room_commands` what is asked,
                 `entering_commands` to go into them
    audit        what was done to keep order, in words
    moderation   what can be asked to keep order; `moderation_commands` what is asked in rooms,
                 `server_commands` on the server; `call` is one use of such a command
    account      accounts, sign-ins, codes; `account_commands` what is done about the own one,
                 `token_commands` about what is signed in to it
    items        what the server and the connection told: flat, frozen facts
    outbox       what was written here and is not acknowledged yet, each one as `pending` has it;
                 `records` writes it as lines
    state        everything the client knows; `intake` is the funnel that changes it,
                 `reading` and `own_posts` its two halves, `orders` the person's side
    standing     being put out of a room, muted, invited; `catching_up` the end of a replay
    effects      what follows from a change; `entries` may stand in the scroll-back
    command_table the slash commands as data; `commands` understands what is typed by it
    completion   what Tab offers
    answer_line  what is typed in answer to a question
    refusals     what each reason of the server means for the person
    render       entries as styled lines; `status` what stands around the input
    jsonl        events as objects of JSON
    wrap, styles columns and colours
    scrollback   what was printed last and can still be changed
    backoff      how long to wait before the next attempt to connect
    ------------ above: pure. below: shells
    endpoint     where a server is, `proxy` what leads to it; pure
    handshake    what a server shows of itself: TLS or not, a certificate
    known_hosts  the certificates that a person trusted
    trust        whether and how a server may be spoken to; `question` asks the person
    session/     the connection: sign-in, the Chat stream, reconnect, resume
    storage      the state directory; filelock and echo are the guarded parts
    ignored      whom a person ignores
    credentials  tokens in it; `journal` outboxes, and `keeper` brings one up to date
    ports        what the client needs of a screen and of a connection
    lookups      users, rooms and history, asked of the server
    dispatch     what each command means: effects, a question to the server or to the person
    errands      what is asked of the server beside everything else
    client       ties typed lines and items to state, session and screen
    prompt       the scrolling screen (prompt_toolkit), `printing` what goes above it; plain: the
                 same without
    question_bar questions on the screen, with hidden answers; `answers` those without a screen
    interactive  puts all of this together for `chat-cli`
    scripts/     `chat-cli send`, `tail`, and the own account without a screen
    cli          arguments; `program` is what it shares with chat-admin, `exits` the exit codes
    errors       what can go wrong; `stopping` how the program is asked to end
    admin/       `chat-admin`, a program of its own

The pure part imports the standard library alone, except that `wrap` and `styles` ask
prompt_toolkit for widths and styles. All may use `chat_text`. Only `session` and `admin` import
the stubs and grpc; nothing here imports the server. `cli` imports the heavy parts when they are
needed, so that the first paint and `--help` wait for none of them.
"""
