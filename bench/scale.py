"""How much of everything a run does: bounded in count and in time, always."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of one round."""

    # Readers of the room, in the fan-out and in the two measurements of delay.
    small_room: int
    large_room: int
    # Each phase that sends as fast as it can ends after so long, or so many posts.
    send_s: float
    send_count: int
    warm_up_s: float
    # Each phase that sends by a schedule.
    pace_s: float
    small_room_rate: float
    large_room_rate: float
    # Streams open at once, and the pace of those who talk.
    streams: int
    crowd_rate: float
    crowd_s: float
    # Messages stored for the history, events of a resume, pages and resumes.
    stored: int
    resumed: int
    pages: int
    resumes: int
    # Starts of the server and of the client.
    starts: int


FULL = Scale(
    small_room=100,
    large_room=1000,
    send_s=3.0,
    send_count=200_000,
    warm_up_s=0.5,
    pace_s=5.0,
    small_room_rate=100.0,
    large_room_rate=20.0,
    streams=5000,
    crowd_rate=5.0,
    crowd_s=10.0,
    stored=1_000_000,
    resumed=10_000,
    pages=400,
    resumes=5,
    starts=3,
)

QUICK = Scale(
    small_room=100,
    large_room=300,
    send_s=1.0,
    send_count=200_000,
    warm_up_s=0.2,
    pace_s=2.0,
    small_room_rate=100.0,
    large_room_rate=20.0,
    streams=400,
    crowd_rate=5.0,
    crowd_s=2.0,
    stored=50_000,
    resumed=10_000,
    pages=200,
    resumes=3,
    starts=1,
)

# For a test of the benchmark itself: every path, no figure worth anything.
TINY = Scale(
    small_room=4,
    large_room=8,
    send_s=0.3,
    send_count=300,
    warm_up_s=0.05,
    pace_s=0.2,
    small_room_rate=50.0,
    large_room_rate=50.0,
    streams=12,
    crowd_rate=50.0,
    crowd_s=0.2,
    stored=300,
    resumed=100,
    pages=6,
    resumes=1,
    starts=1,
)
