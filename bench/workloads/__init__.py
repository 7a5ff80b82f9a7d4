"""The workloads, each in a module of its own; `ALL` is the order of a run."""

from bench.workload import Workload
from bench.workloads import connections, delay, fan_out, heavy, history, ingest, pruning, start_up

ALL: tuple[Workload, ...] = (
    fan_out.SMALL,
    fan_out.LARGE,
    ingest.PIPELINED,
    ingest.WAITING,
    delay.SMALL,
    delay.LARGE,
    heavy.SMALL,
    heavy.LARGE,
    connections.WORKLOAD,
    start_up.WORKLOAD,
    history.WORKLOAD,
    pruning.WORKLOAD,
)
