"""What an operator has asked for and is not answered yet. Pure.

A wish waits for places to serve, or for places to be gone. It is answered once: when the
last of them is there, or when one of them cannot get there any more.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chat_service.link import Answer, InstanceState, Refusal


@dataclass(frozen=True, slots=True)
class _Wish:
    # Of the Ask.
    number: int
    # SERVING or STOPPED.
    goal: InstanceState
    places: tuple[int, ...]
    # Those that are not there yet.
    missing: set[int]


class Wishes:
    """All wishes that wait."""

    def __init__(self) -> None:
        self._waiting: list[_Wish] = []

    def add(self, number: int, goal: InstanceState, places: tuple[int, ...]) -> None:
        """Wait for places, at least one, on behalf of the Ask of this number."""
        self._waiting.append(_Wish(number, goal, places, set(places)))

    def reached(self, place: int, state: InstanceState) -> list[Answer]:
        """Learn that a place is there; return what is answered now."""
        for wish in self._waiting:
            if wish.goal is state:
                wish.missing.discard(place)
        done = self._take(lambda wish: not wish.missing)
        return [Answer(wish.number, instances=wish.places) for wish in done]

    def failed(self, place: int, refusal: Refusal, line: str) -> list[Answer]:
        """Learn that a place will not serve; return what is answered now."""
        broken = self._take(
            lambda wish: wish.goal is InstanceState.SERVING and place in wish.missing
        )
        return [Answer(wish.number, refusal, line) for wish in broken]

    def refuse_all(self, refusal: Refusal, line: str) -> list[Answer]:
        """Return the same answer to all that waits."""
        return [Answer(wish.number, refusal, line) for wish in self._take(lambda _: True)]

    def forget(self) -> None:
        """Answer nobody: who asked is gone."""
        self._waiting.clear()

    def _take(self, fits: Callable[[_Wish], bool]) -> list[_Wish]:
        taken = [wish for wish in self._waiting if fits(wish)]
        self._waiting = [wish for wish in self._waiting if not fits(wish)]
        return taken
