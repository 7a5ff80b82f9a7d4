"""What the scenarios counted and measured, as a table at the end of the run."""

from collections.abc import Iterator, MutableMapping


class Figures(MutableMapping[str, object]):
    """The figures of one test, in the order in which they were noted.

    A value is shown as it is; floats with three digits. Say the unit in the key.
    """

    def __init__(self) -> None:
        self._noted: dict[str, object] = {}

    def __getitem__(self, key: str) -> object:
        return self._noted[key]

    def __setitem__(self, key: str, value: object) -> None:
        self._noted[key] = value

    def __delitem__(self, key: str) -> None:
        del self._noted[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._noted)

    def __len__(self) -> int:
        return len(self._noted)


def table(noted: dict[str, Figures]) -> list[str]:
    """Return the lines of the table: each test with its figures."""
    width = max((len(key) for figures in noted.values() for key in figures), default=0)
    lines = []
    for test, figures in noted.items():
        if figures:
            lines.append(test)
            lines += [f"    {key:<{width}}  {_shown(value)}" for key, value in figures.items()]
    return lines


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
