"""What may be in a record that is stored or sent: nothing that a codec would have to guess."""

import types
from dataclasses import fields, is_dataclass
from enum import IntEnum
from typing import Any, Union, get_args, get_origin, get_type_hints


def is_plain(declared: Any) -> bool:
    """Whether a declared type holds plain values only: no float, set, list or dictionary."""
    if get_origin(declared) is tuple:
        return all(part is Ellipsis or is_plain(part) for part in get_args(declared))
    if get_origin(declared) in (Union, types.UnionType):
        return all(map(is_plain, get_args(declared)))
    if declared in (int, str, bytes, bool, types.NoneType):
        return True
    return isinstance(declared, type) and (issubclass(declared, IntEnum) or is_record(declared))


def is_record(declared: type) -> bool:
    """Whether a class is a named tuple or a frozen dataclass, and its fields are all plain."""
    hints = get_type_hints(declared)
    if issubclass(declared, tuple):
        return tuple(hints) == declared.__dict__.get("_fields") and all(
            map(is_plain, hints.values())
        )
    return (
        is_dataclass(declared)
        and "__slots__" in vars(declared)
        and "__setattr__" in vars(declared)  # a frozen class refuses by its own
        and all(map(is_plain, hints.values()))
        and len(fields(declared)) == len(hints)
    )
