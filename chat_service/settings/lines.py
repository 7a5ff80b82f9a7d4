"""On which lines of a TOML text its keys stand. Pure.

The parser tells no positions. But a header or a value parses alone: from where one ends, the
next one ends with the first line up to which it parses.
"""

import tomllib
from collections.abc import Iterator
from typing import Any

Key = tuple[str, ...]


def lines_of(text: str) -> dict[Key, int]:
    """Return the line, from 1, on which each key and each table begins. The text parses."""
    found: dict[Key, int] = {}
    table: Key = ()
    for line, is_header, part in _parts(text.split("\n")):
        above = () if is_header else table
        for key in _keys(part):
            found.setdefault((*above, *key), line)
            if is_header:
                table = key
    return found


def _parts(lines: list[str]) -> Iterator[tuple[int, bool, dict[str, Any]]]:
    """Yield each header or value: its line, whether it is a header, and what it says alone."""
    begin = 0
    for end in range(1, len(lines) + 1):
        try:
            part = tomllib.loads("\n".join(lines[begin:end]))
        except tomllib.TOMLDecodeError:
            # The beginning of a value of several lines.
            continue
        if part:
            yield begin + 1, lines[begin].lstrip().startswith("["), part
        begin = end


# Any: a value of TOML.
def _keys(value: Any) -> Iterator[Key]:
    """Yield all keys, each after that in which it is."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (name,)
            yield from ((name, *key) for key in _keys(inner))
