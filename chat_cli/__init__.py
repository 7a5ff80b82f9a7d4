"""The terminal client.

What is where, from the inside out:

    model        who, where and what: users, rooms, targets, limits
    items        what the server and the connection told: flat, frozen facts
    outbox       what was written here and is not acknowledged yet; `records` writes it as lines
    state        everything the client knows; `intake` is the funnel that changes it,
                 `reading` and `own_posts` its two halves, `orders` the person's side
    effects      what follows from a change; `entries` may stand in the scroll-back
    commands     the table of slash commands; parsing and help come from it
    completion   what Tab offers
    render       entries as styled lines; `status` what stands around the input
    jsonl        events as objects of JSON
    wrap, styles columns and colours
    backoff      how long to wait before the next attempt to connect
    ------------ above: pure. below: shells
    session/     the connection: sign-in, the Chat stream, reconnect, resume
    storage      the state directory; filelock is the guarded part
    credentials  tokens in it; `journal` outboxes, and `keeper` brings one up to date
    ports        what the client needs of a screen and of a connection
    lookups      users, rooms and history, asked of the server
    client       ties typed lines and items to state, session and screen
    prompt       the scrolling screen (prompt_toolkit); plain: the same without
    interactive  puts all of this together for `chat-cli`
    scripts/     `chat-cli send` and `chat-cli tail`
    cli          arguments and exit codes; `program` is what it shares with chat-admin
    admin/       `chat-admin`, a program of its own

The pure part imports the standard library alone, except that `wrap` and `styles` ask
prompt_toolkit for widths and styles. All may use `chat_text`. Only `session` and `admin` import
the stubs and grpc; nothing here imports the server. `cli` imports the heavy parts when they are
needed, so that the first paint and `--help` wait for none of them.
"""
