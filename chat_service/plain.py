"""Frozen dataclasses as values of JSON, and back. Pure.

What is told to another process travels so. `of` reads strictly: every field, nothing else,
each of its kind.
"""

import types
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


# Any: a value of whatever kind, and what JSON can hold of it.
def plain(value: Any) -> Any:
    """Return what JSON can hold of a value: dataclasses, tuples, paths, text, numbers, None."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


# Any: what was JSON may be anything.
def read(kind: type[T], value: Any) -> T:
    """Read what `plain` and JSON made of a value of this kind. Raises ValueError naming where."""
    found: T = _read(kind, value, "")
    return found


def _kinds(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _read(kind: Any, value: Any, where: str) -> Any:
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        (kind,) = (part for part in parts if part is not types.NoneType)
        return _read(kind, value, where)
    if origin is tuple:
        return _read_tuple(parts, value, where)
    if is_dataclass(kind):
        return _read_fields(kind, value, where)
    if kind is Path and type(value) is str:
        return Path(value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{where or 'it'} is no {kind.__name__}")
    return value


def _read_tuple(parts: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{where} is no list")
    if parts[1:] == (...,):
        parts = parts[:1] * len(value)
    if len(parts) != len(value):
        raise ValueError(f"{where} has not {len(parts)} items")
    return tuple(
        _read(part, item, f"{where}[{place}]")
        for place, (part, item) in enumerate(zip(parts, value, strict=True))
    )


def _read_fields(kind: Any, value: Any, where: str) -> Any:
    kinds = _kinds(kind)
    if not isinstance(value, dict):
        raise ValueError(f"{where or 'it'} is no object")
    if value.keys() != kinds.keys():
        odd = ", ".join(sorted(value.keys() ^ kinds.keys()))
        raise ValueError(f"{where or 'it'} lacks, or does not know: {odd}")
    found = {name: _read(part, value[name], f"{where}.{name}") for name, part in kinds.items()}
    return kind(**found)
