"""How much rooms keep, as a person asked for it. Pure.

Travels to an instance inside its configuration, so it is made of plain values. What is
more than a room keeps is let go of by `edge.pruning`.
"""

from dataclasses import dataclass

from chat_service.core.names import name_key


@dataclass(frozen=True, slots=True)
class Keep:
    """How much one room keeps; None is no bound. Raises ValueError for a bound below 1."""

    # Events that are older, in milliseconds, may go.
    max_age_ms: int | None = None
    # Of this many events, the newest, none goes for their number; topics count too.
    max_messages: int | None = None

    def __post_init__(self) -> None:
        """Check the bounds."""
        for bound in (self.max_age_ms, self.max_messages):
            if bound is not None and (type(bound) is not int or bound < 1):
                raise ValueError(f"{bound} is no bound of what a room keeps")

    @property
    def is_all(self) -> bool:
        """Whether everything is kept."""
        return self.max_age_ms is None and self.max_messages is None


@dataclass(frozen=True, slots=True)
class Retention:
    """How much each room of a server keeps. Without more words: everything, for ever."""

    # Of each room that the others do not name.
    default: Keep = Keep()
    # Of direct messages; None: the default.
    direct: Keep | None = None
    # Of public rooms, by the key of the name.
    rooms: tuple[tuple[str, Keep], ...] = ()

    def of(self, name: str) -> Keep:
        """Return how much the room of this name keeps; direct messages have an empty name."""
        if not name:
            return self.default if self.direct is None else self.direct
        key = name_key(name)
        for room, keep in self.rooms:
            if room == key:
                return keep
        return self.default

    @property
    def is_all(self) -> bool:
        """Whether every room keeps everything."""
        kept = (self.default, self.direct, *(keep for _, keep in self.rooms))
        return all(keep is None or keep.is_all for keep in kept)


KEEP_ALL = Retention()
