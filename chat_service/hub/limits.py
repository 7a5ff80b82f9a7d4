"""How much the live side holds for readers. Pure.

Source of all defaults: the service's guarantees.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HubLimits:
    """Sizes in bytes, times in seconds."""

    # A reader may be this far behind.
    queue_bytes: int = 1 << 20
    queue_age_s: float = 10.0
    # Frames are joined to one write up to this size; a larger one would hold up the acks
    # behind it.
    frame_bytes: int = 64 * 1024
    # Of one room.
    ring_events: int = 4096
    ring_bytes: int = 1 << 20
    # Of all rooms.
    rings_bytes: int = 64 << 20
    # How long a user whose streams dropped still counts as present. As long as our
    # client's longest wait between two attempts to reconnect.
    presence_grace_s: float = 30.0

    @property
    def replay_bytes(self) -> int:
        """A replay puts in more only while less is queued, so that live frames find room too."""
        return self.queue_bytes // 4


DEFAULT_LIMITS = HubLimits()
