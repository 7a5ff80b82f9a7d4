"""The last minutes of an instance, or of all together, as rows of little bars. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.console.lines import Line, pad
from chat_service.admin.console.units import duration, percent, rate, size

_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class _Measure:
    title: str
    of: Callable[[pb.Sample], float]
    written: Callable[[float], str]
    # Whether the lowest bar is 0; else it is the smallest value, where only change tells.
    from_zero: bool = True


_MEASURES = (
    _Measure("users", lambda sample: sample.users, lambda value: f"{value:.0f}"),
    _Measure("in msg/s", lambda sample: sample.messages_in, rate),
    _Measure("out msg/s", lambda sample: sample.messages_out, rate),
    _Measure("cpu", lambda sample: sample.cpu, percent),
    _Measure("memory", lambda sample: sample.memory_bytes, size, from_zero=False),
)
_LABEL = max(len(measure.title) for measure in _MEASURES)
_FIGURE = len("999 MiB")
# Columns of bars that the longest heading needs too.
_TITLE = len("all instances, the last 14m55s") - _LABEL - 1


def sparkline(values: Sequence[float | None], width: int, from_zero: bool = True) -> str:
    """Draw values as at most `width` bars; where there is none, a blank.

    If there are more values than bars, a bar is the highest of its share of them: a peak
    is not lost.
    """
    if width < 1:
        return ""
    bars = min(width, len(values))
    shares = [values[n * len(values) // bars : (n + 1) * len(values) // bars] for n in range(bars)]
    heights = [max((v for v in share if v is not None), default=None) for share in shares]
    known = [value for value in heights if value is not None]
    low = 0.0 if from_zero else min(known, default=0.0)
    span = max(known, default=0.0) - low

    def bar(value: float | None) -> str:
        if value is None:
            return " "
        return _BARS[round((value - low) / span * (len(_BARS) - 1)) if span > 0 else 0]

    return "".join(map(bar, heights))


def summed(series: Iterable[Sequence[pb.Sample]], interval_ms: int) -> list[pb.Sample]:
    """Add up the samples of several instances, moment by moment, oldest first.

    Samples less than half an interval apart are of one moment, which has the time of the
    latest; an instance counts once in it. One that has no sample there adds nothing.
    """
    latest_first = sorted(
        ((sample.time_ms, number, sample) for number, of in enumerate(series) for sample in of),
        key=lambda found: found[0],
        reverse=True,
    )
    sums: list[pb.Sample] = []
    counted: set[int] = set()
    for time_ms, number, sample in latest_first:
        if not sums or sums[-1].time_ms - time_ms > interval_ms // 2:
            sums.append(pb.Sample(time_ms=time_ms))
            counted.clear()
        if number not in counted:
            counted.add(number)
            sums[-1].users += sample.users
            sums[-1].messages_in += sample.messages_in
            sums[-1].messages_out += sample.messages_out
            sums[-1].cpu += sample.cpu
            sums[-1].memory_bytes += sample.memory_bytes
    return sums[::-1]


def statistics_lines(
    of: str, samples: Sequence[pb.Sample], interval_ms: int, width: int
) -> list[Line]:
    """Show the samples of `of`, oldest first, in `width` columns: bars, and three figures each."""
    if not samples:
        return [Line(f"{of}: nothing was measured yet")]
    spread = _spread(samples, interval_ms)
    covered = samples[-1].time_ms - samples[0].time_ms
    figures = 3 * (_FIGURE + 1)
    bars = min(max(len(spread), _TITLE), max(0, width - _LABEL - figures - 1))
    what = pad(f"{of}, the last {duration(covered)}", _LABEL + 1 + bars)
    titles = "".join(pad(title, _FIGURE + 1, right=True) for title in ("min", "now", "max"))
    lines = [Line(("class:header", what + titles))]
    for measure in _MEASURES:
        values = [None if sample is None else measure.of(sample) for sample in spread]
        known = [value for value in values if value is not None]
        shown = (min(known), known[-1], max(known))
        lines.append(
            Line(
                pad(measure.title, _LABEL + 1),
                ("class:spark", pad(sparkline(values, bars, measure.from_zero), bars)),
                "".join(pad(measure.written(v), _FIGURE + 1, right=True) for v in shown),
            )
        )
    return lines


def _spread(samples: Sequence[pb.Sample], interval_ms: int) -> list[pb.Sample | None]:
    """Put None where samples are missing: the instance did not serve then."""
    spread: list[pb.Sample | None] = []
    before = samples[0].time_ms
    for sample in samples:
        missing = round((sample.time_ms - before) / max(1, interval_ms)) - 1
        # What is wider than any terminal is cut: a clock that was set may ask for millions.
        spread += [None] * max(0, min(missing, 500))
        spread.append(sample)
        before = sample.time_ms
    return spread
