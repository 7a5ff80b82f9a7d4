"""How a reader that is behind is brought up to date, and goes live. See `replay` for the steps."""

from chat_service.hub.frames import Encode
from chat_service.hub.limits import DEFAULT_LIMITS, HubLimits
from chat_service.hub.pages import Pages
from chat_service.hub.replay import Step, joined, next_step, portion, unseen
from chat_service.hub.rooms import Rooms
from chat_service.hub.subscription import Subscription


class CatchUp:
    """Follows rooms for readers; each waits for itself alone, and for its turn with pages."""

    def __init__(
        self, rooms: Rooms, pages: Pages, encode: Encode, limits: HubLimits = DEFAULT_LIMITS
    ) -> None:
        self._rooms = rooms
        self._pages = pages
        self._encode = encode
        self._limits = limits

    async def follow(
        self, subscription: Subscription, room_id: int, after_seq: int, floor: int = 1
    ) -> None:
        """Send a reader what it missed, then the live marker, then live events.

        Where events that it missed are no longer kept, it is sent a gap instead. `floor` is
        the first seq that it may read, at most one beyond the head: what is before is to it
        as if it were not kept.

        Returns when the reader is live, or when the subscription ended or
        stopped reading the room meanwhile. The caller has called
        `begin_reading`, and has compared the position with `head`.

        Raises ValueError for a position beyond the head of the room.
        """
        rooms = self._rooms
        frame_bytes, replay_bytes = self._limits.frame_bytes, self._limits.replay_bytes
        reading = subscription.rooms.get(room_id)
        pages = 0
        if reading is not None and after_seq + 1 < floor:
            first_seq = max(floor, min(rooms.first(room_id), rooms.head(room_id) + 1))
            after_seq = self._tell_gap(subscription, room_id, after_seq, first_seq)
        while reading is not None and subscription.rooms.get(room_id) == reading:
            if subscription.ended is not None:
                return
            feed = rooms.feed(room_id)
            step = next_step(after_seq, feed.positions)
            if step is Step.BEYOND:
                raise ValueError(f"seq {after_seq} is beyond the head of room {room_id}")
            if step is Step.TELL:
                feed.flush()
            elif subscription.queued_bytes >= replay_bytes:
                await subscription.wait_space()
            elif step is Step.PAGE:
                replaced = rooms.replaced(room_id)
                page = await self._pages.read(room_id, after_seq, pages)
                pages += 1
                if subscription.rooms.get(room_id) != reading:
                    return
                if rooms.replaced(room_id) != replaced:
                    continue
                # The log may be ahead of what the room was told of, prunes included.
                head = rooms.head(room_id)
                fresh = unseen(page.told(deaf=subscription.deaf), after_seq, head)
                if fresh:
                    for frame in joined((frame for _, frame in fresh), frame_bytes):
                        subscription.offer(frame, room_id)
                    rooms.flow.deliveries += len(fresh)
                    after_seq = fresh[-1][0]
                elif after_seq + 1 < page.first_kept:
                    first_kept = min(page.first_kept, head + 1)
                    after_seq = self._tell_gap(subscription, room_id, after_seq, first_kept)
                else:
                    raise LookupError(f"room {room_id} has no event after {after_seq}")
                # A quarter of a MiB, not to be held while it waits for its reader.
                del page, fresh
            elif step is Step.GAP:
                after_seq = self._tell_gap(subscription, room_id, after_seq, feed.first_kept)
            elif after_seq < feed.told:
                recent = feed.ring.between(after_seq, feed.told, deaf=subscription.deaf)
                held = portion(recent, replay_bytes)
                for frame in joined(held, frame_bytes):
                    subscription.offer(frame, room_id)
                rooms.flow.deliveries += len(held)
                after_seq += len(held)
            else:
                subscription.offer(self._encode.live(room_id, feed.told), room_id)
                if subscription.ended is None:
                    feed.join(subscription)
                return

    def _tell_gap(
        self, subscription: Subscription, room_id: int, after_seq: int, first_kept: int
    ) -> int:
        """Tell a reader what it cannot have; return where it is then."""
        subscription.offer(self._encode.gap(room_id, after_seq, first_kept), room_id)
        return first_kept - 1
