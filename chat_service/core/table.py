"""A dictionary with a scratch layer.

Evolve writes to the scratch layer, `merge` makes it so once the batch is durable, `discard`
forgets it when the commit failed.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")


class _Dropped:
    """Marks a key that the scratch layer removed."""


_DROPPED = _Dropped()


class Table(Generic[K, V]):
    """A dictionary whose changes can be taken back until they are merged."""

    __slots__ = ("_base", "scratch")

    def __init__(self) -> None:
        self._base: dict[K, V] = {}
        # Empty while nothing is changed.
        self.scratch: dict[K, V | _Dropped] = {}

    def get(self, key: K) -> V | None:
        """Return the value, or None."""
        found = self.scratch.get(key)
        if found is None:
            return self._base.get(key)
        return None if isinstance(found, _Dropped) else found

    def __getitem__(self, key: K) -> V:
        """Return the value; raise KeyError if there is none."""
        found = self.scratch.get(key)
        if found is None:
            return self._base[key]
        if isinstance(found, _Dropped):
            raise KeyError(key)
        return found

    def __contains__(self, key: K) -> bool:
        found = self.scratch.get(key)
        return key in self._base if found is None else found is not _DROPPED

    def __len__(self) -> int:
        return sum(1 for _ in self.values())

    def put(self, key: K, value: V) -> None:
        """Set the value in the scratch layer."""
        # What comes back after it was dropped is new: `changed` tells it in its new place.
        if self.scratch.get(key) is _DROPPED:
            del self.scratch[key]
        self.scratch[key] = value

    def drop(self, key: K) -> None:
        """Remove the key, if it is there, in the scratch layer."""
        self.scratch[key] = _DROPPED

    def values(self) -> Iterator[V]:
        """Yield the values, those merged first, in the order in which they came."""
        for key, value in self._base.items():
            if key not in self.scratch:
                yield value
        for found in self.scratch.values():
            if found is not _DROPPED:
                yield cast(V, found)

    def items(self) -> Iterator[tuple[K, V]]:
        """Yield keys and values, those merged first, in the order in which they came."""
        for key, value in self._base.items():
            if key not in self.scratch:
                yield key, value
        for key, found in self.scratch.items():
            if found is not _DROPPED:
                yield key, cast(V, found)

    def changed(self) -> Iterator[tuple[K, V | None]]:
        """Yield what the scratch layer holds, in order of arrival; None for a removed key."""
        for key, found in self.scratch.items():
            yield key, None if found is _DROPPED else cast(V, found)

    def merge(self) -> None:
        """Make the scratch layer so."""
        for key, found in self.scratch.items():
            if found is _DROPPED:
                self._base.pop(key, None)
            else:
                self._base[key] = cast(V, found)
        self.scratch.clear()

    def discard(self) -> None:
        """Forget the scratch layer."""
        self.scratch.clear()

    def snapshot(self) -> dict[K, V]:
        """Return a copy of what is there, the scratch layer included."""
        copy = dict(self._base)
        for key, found in self.scratch.items():
            if found is _DROPPED:
                copy.pop(key, None)
            else:
                copy[key] = cast(V, found)
        return copy
