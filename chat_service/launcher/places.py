"""All places of one launch. Pure."""

from collections.abc import Iterator, Sequence

from chat_service.config import InstanceConfig
from chat_service.launcher.actions import Tell
from chat_service.launcher.place import Cause, Place


class Places:
    """The places by number, in the order in which they came."""

    def __init__(self, configs: Sequence[InstanceConfig]) -> None:
        self._places: dict[int, Place] = {}
        self._last_number = 0
        # What was told of each last.
        self._told: dict[int, Tell] = {}
        for config in configs:
            self.add(config, Cause.LAUNCH)

    def __iter__(self) -> Iterator[Place]:
        """Give each place."""
        return iter(self._places.values())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._places)

    def __getitem__(self, number: int) -> Place:
        """Return the place with this number."""
        return self._places[number]

    @property
    def deadline(self) -> float | None:
        """When the first of them needs something; None: none waits for a time."""
        times = [place.deadline for place in self]
        return min((time for time in times if time is not None), default=None)

    @property
    def next_port(self) -> int:
        """The port after the highest."""
        return 1 + max(place.config.port for place in self)

    def on_port(self, port: int) -> Place | None:
        """Return the place with this port; 0 is no port."""
        return next((place for place in self if port and place.config.port == port), None)

    def add(self, config: InstanceConfig, cause: Cause) -> Place:
        """Make a place, under a number that none has had."""
        self._last_number += 1
        place = self._places[self._last_number] = Place(self._last_number, config, cause)
        return place

    def remove(self, place: Place) -> None:
        """Let go of a place."""
        del self._places[place.number]
        self._told.pop(place.number, None)

    def news(self) -> list[Tell]:
        """Return how those are that have changed since the last time."""
        changed = [told for place in self if self._told.get(place.number) != (told := place.told())]
        self._told |= {told.place: told for told in changed}
        return changed
