"""Readers that a test drives by hand."""

import asyncio
from typing import Protocol

import pytest

from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import User
from chat_service.hub.subscription import Subscription
from chat_service.hub.turns import Turns
from tests.hub.timers import FakeTimers

# The line of writers has steps of its own: a test that takes frames is never in line.
STEPS = FakeTimers()

BYE = Rejection(Reason.DRAINING, "bye")


class Clock(Protocol):
    """What readers are measured by."""

    def time(self) -> float:
        """Return seconds that never go back."""
        ...


def reader(clock: Clock, user_id: int = 1, *, deaf: bool = False) -> Subscription:
    """Return the subscription of a user, measured by the clock of the test."""
    user = User(user_id, f"user{user_id}", 0, bot=deaf)
    return Subscription(user_id, user, Turns(STEPS), clock.time, deaf=deaf)


def taken(subscription: Subscription) -> bytes:
    """Take the next frame, which must be there; the one before counts as written."""
    STEPS.step()
    coroutine = subscription.wait_frame()
    with pytest.raises(StopIteration) as stop:
        coroutine.send(None)
    frame = stop.value.value
    assert isinstance(frame, bytes)
    return frame


def all_taken(subscription: Subscription) -> list[bytes]:
    """Take all that is queued, write by write."""
    frames = []
    while subscription.queued_bytes:
        frames.append(taken(subscription))
    return frames


def reason(subscription: Subscription) -> Reason | None:
    """Return why a subscription ended."""
    return None if subscription.ended is None else subscription.ended.reason


async def turn() -> None:
    """Let every task that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)
