"""The instances as a table: which columns there is room for, and what stands in them. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from prompt_toolkit.utils import get_cwidth

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.console.lines import Fragments, pad
from chat_service.admin.console.styles import sign_and_word
from chat_service.admin.console.units import duration, percent, rate, size
from chat_text.sanitize import sanitize

# Columns of the longest address that is shown whole: [::ffff:192.168.100.100]:50051.
_ADDRESS = 30
# Blanks between two columns, at most.
_GAP = 3


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a table, each at most as wide as was asked for."""

    header: Fragments
    # Of each instance its row, and below it what is wrong with it, if that is long.
    body: list[list[Fragments]]
    total: Fragments


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    width: int
    cell: Callable[[pb.Instance], str]
    # What stands in the row of the totals.
    total: Callable[[Sequence[pb.Instance]], str]
    right: bool = True
    # Whether it is empty unless the instance serves: what is wrong stands there then.
    measured: bool = False


def table(
    instances: Sequence[pb.Instance],
    width: int,
    now_ms: int,
    zone: tzinfo | None = None,
    short: bool = False,
) -> Table:
    """Lay out the instances in `width` columns. `zone` None is that of the machine.

    Where it is narrow, this goes in turn: since when, the host in the address (if all have
    the same), rooms, restarts, how long, CPU, memory, messages out and in, users, the state.
    What is wrong with an instance stands in the place of its figures, and if it is too long
    for that, or the instance serves, below; `short` cuts it instead.
    """
    columns = _chosen(instances, width, now_ms, zone)
    between = len(columns) - 1
    left = width - sum(column.width for column in columns)
    gap = " " * max(1, min(_GAP, left // between if between else 1))
    header = _row(columns, gap, lambda column: column.title)
    total = _row(columns, gap, lambda column: column.total(instances))
    return Table(
        [("class:header", header)],
        [_instance_rows(instance, columns, gap, width, short) for instance in instances],
        [("class:total", total)],
    )


def problem_of(instance: pb.Instance) -> str:
    """Tell in one line what is wrong with an instance; empty if nothing."""
    return sanitize(instance.problem)


def address_of(instance: pb.Instance) -> str:
    """Tell where an instance listens."""
    return sanitize(instance.address)


def _chosen(
    instances: Sequence[pb.Instance], width: int, now_ms: int, zone: tzinfo | None
) -> list[_Column]:
    full = _address_column(instances, address_of)
    hosts = {instance.address.rpartition(":")[0] for instance in instances}
    short = _address_column(instances, lambda one: ":" + address_of(one).rpartition(":")[2])
    columns = [full, *_other_columns(now_ms, zone)]
    # From the first that goes to the last.
    for goes in ("SINCE", "ADDRESS", "ROOMS", "RESTARTS", "UP", "CPU", "MEMORY", "OUT/S", "IN/S",
                 "USERS", "STATE"):  # fmt: skip
        if sum(column.width + 1 for column in columns) - 1 <= width:
            break
        if goes != "ADDRESS":
            columns = [column for column in columns if column.title != goes]
        elif len(hosts) == 1:
            columns[0] = short
    return columns


def _address_column(
    instances: Sequence[pb.Instance], shown: Callable[[pb.Instance], str]
) -> _Column:
    def cell(instance: pb.Instance) -> str:
        text = shown(instance)
        # The port tells instances apart.
        return text if get_cwidth(text) <= _ADDRESS else "…" + text[1 - _ADDRESS :]

    widest = max((get_cwidth(cell(instance)) for instance in instances), default=0)
    return _Column("ADDRESS", max(len("ADDRESS"), widest), cell, lambda _: "total", right=False)


def _other_columns(now_ms: int, zone: tzinfo | None) -> list[_Column]:
    def state(instance: pb.Instance) -> str:
        return " ".join(sign_and_word(instance.state))

    def serving(instances: Sequence[pb.Instance]) -> str:
        up = sum(instance.state == pb.INSTANCE_STATE_SERVING for instance in instances)
        return f"{up} of {len(instances)}"

    def since(instance: pb.Instance) -> str:
        return f"{datetime.fromtimestamp(instance.since_ms / 1000, zone):%b %d %H:%M}"

    def up(instance: pb.Instance) -> str:
        return duration(now_ms - instance.since_ms)

    def restarts(instances: Sequence[pb.Instance]) -> str:
        return str(sum(instance.restarts for instance in instances))

    return [
        _Column("STATE", 10, state, serving, right=False),
        _Column("SINCE", 12, since, lambda _: ""),
        _Column("UP", 6, up, lambda _: ""),
        _measured("USERS", 5, lambda sample: sample.users, str),
        _measured("ROOMS", 5, lambda sample: sample.rooms, str),
        _measured("IN/S", 5, lambda sample: sample.messages_in, rate),
        _measured("OUT/S", 5, lambda sample: sample.messages_out, rate),
        _measured("CPU", 5, lambda sample: sample.cpu, percent),
        _measured("MEMORY", 7, lambda sample: sample.memory_bytes, size),
        _Column("RESTARTS", 8, lambda instance: str(instance.restarts), restarts),
    ]


def _measured(
    title: str, width: int, of: Callable[[pb.Sample], float], written: Callable[[float], str]
) -> _Column:
    def cell(instance: pb.Instance) -> str:
        if instance.HasField("sample"):
            return written(of(instance.sample))
        return "-" if instance.state == pb.INSTANCE_STATE_SERVING else ""

    def total(instances: Sequence[pb.Instance]) -> str:
        samples = [instance.sample for instance in instances if instance.HasField("sample")]
        return written(sum(map(of, samples))) if samples else ""

    return _Column(title, width, cell, total, measured=True)


def _row(columns: Sequence[_Column], gap: str, cell: Callable[[_Column], str]) -> str:
    return gap.join(pad(cell(column), column.width, column.right) for column in columns)


def _instance_rows(
    instance: pb.Instance, columns: Sequence[_Column], gap: str, width: int, short: bool
) -> list[Fragments]:
    problem = problem_of(instance)
    serves = instance.state == pb.INSTANCE_STATE_SERVING
    measured = [column.width for column in columns if column.measured]
    place = sum(measured) + len(gap) * (len(measured) - 1)
    inside = bool(measured) and (short or (not serves and get_cwidth(problem) <= place))
    row: Fragments = []
    for column in columns:
        style = ""
        text = pad(column.cell(instance), column.width, column.right)
        if column.title == "STATE":
            style = f"class:state.{sign_and_word(instance.state)[1]}"
        elif column.measured and problem and inside:
            if not measured:
                continue
            # It takes the place of them all.
            measured = []
            style, text = "class:problem", pad(problem, place)
        row += [("", gap), (style, text)] if row else [(style, text)]
    if not problem or inside:
        return [row]
    return [row, [("class:problem", pad("  └ " + problem, width).rstrip())]]
