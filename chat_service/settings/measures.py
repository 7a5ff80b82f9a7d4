"""Sizes and times: values with a unit. Pure."""

import re
from dataclasses import dataclass

from chat_service.settings.kinds import BadValueError, Plain, Value, quoted

K, M, G = 1 << 10, 1 << 20, 1 << 30
SECOND = 1000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
YEAR = 365 * DAY

_SIZE = re.compile(r"([0-9]{1,18})([KMGT]?)")
_SIZE_SHIFTS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_SPAN = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))?(ms|s|m|h|d)", re.ASCII)
_SPAN_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


@dataclass(frozen=True, slots=True)
class Size(Plain):
    """Bytes, as 64M: K, M, G and T are powers of 1024."""

    low: int
    high: int

    @property
    def words(self) -> str:
        """Both bounds."""
        return f"a size from {_size(self.low)} to {_size(self.high)}"

    def refused(self) -> BadValueError:
        """Show how it is written, too."""
        return BadValueError(f"not {self.words} such as 64K, 1M or 1G")

    def take(self, value: object) -> Value:
        """Read a number of bytes, or text with a unit."""
        if type(value) is int:
            # Not by its text: thousands of digits have none.
            size = value
        else:
            found = _SIZE.fullmatch(value.strip().upper() if isinstance(value, str) else "")
            if found is None:
                raise self.refused()
            size = int(found[1]) << _SIZE_SHIFTS[found[2]]
        if not self.low <= size <= self.high:
            raise self.refused()
        return size

    def write(self, value: Value) -> str:
        """Return text with the largest unit that fits, or a number."""
        assert isinstance(value, int)
        text = _size(value)
        return text if text.isdigit() else quoted(text)


@dataclass(frozen=True, slots=True)
class Span(Plain):
    """A stretch of time, as 90s; bounds are in milliseconds.

    The value is in units of `unit_ms`; it is a fraction where the unit is a second, unless
    it is `whole`. With `bare`, a number without a unit counts seconds.
    """

    low_ms: int
    high_ms: int
    unit_ms: int = 1
    whole: bool = False
    bare: bool = False

    @property
    def words(self) -> str:
        """Both bounds."""
        return f"a time from {_span(self.low_ms)} to {_span(self.high_ms)}"

    def refused(self) -> BadValueError:
        """Show how it is written, too."""
        return BadValueError(f"not {self.words} such as 500ms, 30s, 5m, 12h or 7d")

    def take(self, value: object) -> Value:
        """Read text with a unit."""
        text = value if isinstance(value, str) else ""
        if self.bare and isinstance(value, int | float) and abs(value) <= self.high_ms:
            text = str(value)
        if self.bare and text[-1:].isdigit():
            text += "s"
        found = _SPAN.fullmatch(text)
        if found is None:
            raise self.refused()
        unit = _SPAN_MS[found[3]]
        thousandths = int(found[1]) * 1000 + int((found[2] or "").ljust(3, "0"))
        exact_ms, rest = divmod(thousandths * unit, 1000)
        if rest or exact_ms % self._step_ms or not self.low_ms <= exact_ms <= self.high_ms:
            raise self.refused()
        return exact_ms // self.unit_ms if self._is_whole else exact_ms / self.unit_ms

    def write(self, value: Value) -> str:
        """Return text with the largest unit that fits."""
        assert isinstance(value, int | float)
        return quoted(_span(round(value * self.unit_ms)))

    @property
    def _is_whole(self) -> bool:
        return self.whole or self.unit_ms == 1

    @property
    def _step_ms(self) -> int:
        return self.unit_ms if self.whole else 1


def _size(size: int) -> str:
    for unit in "TGMK":
        if size and size % (1 << _SIZE_SHIFTS[unit]) == 0:
            return f"{size >> _SIZE_SHIFTS[unit]}{unit}"
    return str(size)


def _span(span_ms: int) -> str:
    for unit, unit_ms in _SPAN_MS.items():
        if span_ms % unit_ms == 0 and span_ms:
            return f"{span_ms // unit_ms}{unit}"
    return "0s"
