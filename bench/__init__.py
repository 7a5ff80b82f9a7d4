"""The benchmark: what the server does, measured from outside. `python -m bench --help`.

A run is some rounds; a round runs every workload once, each on a fresh server with a
fresh data directory. A workload takes the same figures in every round, and the report
shows their medians with the least and the greatest value.

    series      all rounds of a run: who carries which load when
    workloads/  what is done and measured, one module each
    peers/      the servers that ours is compared with, and how each is run
    load        the load as a workload uses it: readers, senders, and a watch on the CPU
    readers     a process of subscribers: most count bytes, a few witnesses decode
    senders     a process of senders: as fast as answers allow, or by a schedule
    wires/      what such clients speak: gRPC to ours, the peers' protocols to them
    worker      the two ends between the benchmark and such a process
    server      the server under load, started as a person starts it
    stored      data that a server starts with
    chat, texts what the load says
    rpc, http2  calls and framing, made for reading much at little cost
    workload, scale, figures, report   the shape of a workload, its size, its results

Imports `chat_protos` of the project and starts its commands; `stored` alone imports the
server's log. Measures nothing in-process.
"""
