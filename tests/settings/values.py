"""Random values of the settings, within the bounds of each."""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path

from hypothesis import strategies as st

from chat_service.settings.kinds import (
    Address,
    Choice,
    Count,
    Directory,
    Hosts,
    Kind,
    Names,
    Number,
    Value,
)
from chat_service.settings.measures import Size, Span
from chat_service.settings.networks import Networks
from chat_service.settings.table import SETTINGS

NAMES = st.from_regex(r"[a-z0-9_][a-z0-9_.-]{0,9}", fullmatch=True)

NETWORKS = st.tuples(st.ip_addresses(), st.integers(0, 32)).map(
    lambda pair: str(ip_network(pair, strict=False))
)


def of(kind: Kind) -> st.SearchStrategy[Value]:
    """Return any value of a kind."""
    match kind:
        case Count(low, high) | Size(low, high):
            return st.integers(low, high)
        case Number(low, high):
            return st.floats(low, high)
        case Span(low, high, unit, whole) if whole:
            return st.integers(-(-low // unit), high // unit)
        case Span(low, high, unit):
            return st.integers(low, high).map(lambda ms: ms if unit == 1 else ms / unit)
        case Choice(options):
            return st.sampled_from(options)
        case Directory():
            return st.text(min_size=1).filter(lambda text: "\0" not in text).map(Path)
        case Address():
            return st.ip_addresses().map(str)
        case Networks():
            return st.lists(NETWORKS, unique=True, max_size=9).map(tuple)
        case Hosts():
            hosts = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?", fullmatch=True)
            return st.lists(hosts, unique=True, max_size=9).map(tuple)
        case Names():
            return st.lists(NAMES, unique=True, max_size=9).map(tuple)
        case _:
            return st.booleans()


def some() -> st.SearchStrategy[Mapping[str, Value]]:
    """Return values of some settings, by key; they need not go together."""
    return st.lists(st.sampled_from(list(SETTINGS.values())), max_size=8).flatmap(
        lambda chosen: st.fixed_dictionaries({setting.key: of(setting.kind) for setting in chosen})
    )
