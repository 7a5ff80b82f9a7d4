"""What the service promises, tried on real servers that are killed, frozen and overrun.

Each scenario here breaks something on purpose, at moments that come from a seed, and then
compares what every client was told with what everybody else was told and with what is
stored. Each has a negative control: the same scenario against a server that was patched to
break the promise must be noticed, or the scenario proves nothing. Controls always have the
small sizes: where there is less to find, it is harder.

    make test                          small sizes, some seconds for each scenario
    make chaos                         full sizes, up to half an hour for each
    make chaos ARGS="-k storm"         one of them
    CHAT_TESTS_SEED=…                  the moments of an earlier run again

What was counted and measured stands in a table at the end of each run.

    server    one real chat-server, to be killed, frozen and started again
    faults    the patched servers of the negative controls; `patched` brings them in
    record    what all clients were told, and every contradiction in it
    client    a client that comes back, resumes, and sends again what was not answered
    kills     a storm of kill -9
    journal   what a server wrote and synced, and what a power cut leaves of it
    crowd     people who come and go, and check what they are told
    frozen    readers that do not read
    control   somebody who is answered while others attack; a process of its own
    fuzz      requests made by chance, of every kind
    paired    calls in pairs, and whether one of each pair takes longer
    disk      a real file system that can be filled
    insight   what a running server holds, told from inside
    relay     a connection in between that can be cut or fall silent
    load      posts at a rate, and waiting for a condition
    scale     the sizes; figures: the table

The modules without tests import the stubs and never the service, but for `faults`, which
is loaded by the process that it patches.
"""
