"""The benchmark: what the server does, measured from outside. `python -m bench --help`.

A run is some rounds; a round runs every workload once, each on a fresh server with a
fresh data directory. A workload takes the same figures in every round, and the report
shows their medians with the least and the greatest value.

    workloads/  what is done and measured, one module each
    load        the load as a workload uses it: readers, senders, and a watch on the CPU
    readers     a process of subscribers: most count bytes, a few witnesses decode
    senders     a process of senders: as fast as acks allow, or by a schedule
    worker      the two ends between the benchmark and such a process
    server      the server under load, started as a person starts it
    chat        what the load says to the chat service
    rpc, http2  calls and framing, made for reading much at little cost
    workload, scale, figures, report   the shape of a workload, its size, its results

Another kind of server is one more class beside `server.ChatServer`, and, if it does not
speak gRPC, its own readers and senders; workloads, load, worker and report stay as they are.

Imports `chat_protos` of the project and starts its commands; measures nothing in-process.
"""
