"""The workloads, each in a module of its own; `ALL` is the order of a run."""

from bench.workload import Workload
from bench.workloads import delay, fan_out, history, ingest, memory, start_up

ALL: tuple[Workload, ...] = (
    fan_out.SMALL,
    fan_out.LARGE,
    ingest.PIPELINED,
    ingest.WAITING,
    delay.SMALL,
    delay.LARGE,
    memory.WORKLOAD,
    start_up.WORKLOAD,
    history.WORKLOAD,
)
