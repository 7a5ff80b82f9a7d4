"""What Chat and Subscribe share: one subscription, its rooms, and its writer."""

import asyncio
import logging
import secrets
from collections import deque
from typing import Any

import grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.access import visible
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import Invitation, RoomKind, Session, User
from chat_service.edge.directory import Directory
from chat_service.edge.frames import frame
from chat_service.edge.ids import room_text, session_text
from chat_service.edge.standing import room_now
from chat_service.edge.status import error_item
from chat_service.edge.wire import invitation_message, user_message
from chat_service.hub.hub import Hub
from chat_service.hub.subscription import Subscription

logger = logging.getLogger(__name__)

# Events that a reader without a position may begin with. Source: the contract.
MAX_RECENT = 1000


class Stream:
    """One call that reads rooms.

    `attachment` is the number of a Chat stream, which makes its user present in
    the rooms that it reads; 0 is a Subscribe, which does not. `address` is where the
    client is, without its port. `hear_bots`: it asks to be told what bots say also if
    its user is one.
    """

    def __init__(
        self,
        session: Session,
        attachment: int,
        *,
        directory: Directory,
        hub: Hub,
        address: str = "",
        hear_bots: bool = False,
    ) -> None:
        self.address = address
        self.session_id = session.session_id
        self.attachment = attachment
        self.user = directory.user_of(session)
        self.subscription = Subscription(
            session.session_id,
            self.user,
            hub.turns,
            hub.time,
            hub.limits,
            deaf=self.user.bot and not hear_bots,
        )
        self._directory = directory
        self._hub = hub
        # What there is to say before the welcome; None once that is said.
        self._early: list[pb.StreamItem] | None = []
        # Rooms to bring the reader up to date in: id, seq to begin after, reading.
        self._to_follow: deque[tuple[int, int, int]] = deque()
        self._follower: asyncio.Task[None] | None = None

    def send(self, *items: pb.StreamItem, room_id: int = 0) -> None:
        """Queue items for this reader alone; before the welcome they wait for it.

        `room_id` is the room that they tell of, with which they are dropped; 0: with none.
        """
        if self._early is None:
            self.subscription.offer(frame(*items), room_id)
        else:
            self._early += items

    def know(self, user: User) -> None:
        """Show the user as it is now to whom it meets from here on."""
        self.user = self.subscription.user = user

    def say_draining(self, retry_after_ms: int) -> None:
        """Tell the client that the server stops, and when to come back."""
        notice = pb.Notice(
            kind=pb.NOTICE_KIND_DRAINING,
            text="the server is stopping; come back in a moment",
            retry_after_ms=retry_after_ms,
        )
        self.send(pb.StreamItem(notice=notice))

    def announce(self, text: str) -> None:
        """Tell the client what the operator says to everybody."""
        notice = pb.Notice(kind=pb.NOTICE_KIND_ANNOUNCEMENT, text=text)
        self.send(pb.StreamItem(notice=notice))

    def welcome(self, epoch: str, *, epoch_holds: bool) -> None:
        """Say that the stream is accepted. Comes before all else; no room is read earlier."""
        welcome = pb.Welcome(
            epoch=epoch,
            user=user_message(self.user, connected=self.attachment != 0),
            session_id=session_text(self.session_id),
        )
        first = [pb.StreamItem(welcome=welcome)]
        if not epoch_holds:
            first.append(pb.StreamItem(reset=pb.Reset(epoch=epoch)))
        early, self._early = self._early or [], None
        self.send(*first, *early)

    def start_of(self, position: pb.RoomPosition, room_id: int, *, epoch_holds: bool) -> int:
        """Return the seq after which reading begins, of a position that may be read from.

        A position that was read is taken as it is: what is no longer kept behind it is a
        gap. Who has read nothing begins with what is kept.
        """
        if position.HasField("after_seq") and epoch_holds:
            return position.after_seq
        return self.start_recent(room_id, position.recent)

    def start_recent(self, room_id: int, recent: int) -> int:
        """Return the seq after which the newest `recent` events come that may be read."""
        hub = self._hub
        newest = hub.rooms.head(room_id) - min(recent, MAX_RECENT)
        floor = self._directory.floor(room_id, self.user.user_id)
        return max(hub.rooms.first(room_id) - 1, floor - 1, newest)

    def read_joined(self, recent: int) -> None:
        """Read each room that the user is a member of and that is not being read.

        Each with so many of its newest events. Direct messages are for `read_directs`.
        """
        for member in self._directory.joined_rooms(self.user.user_id):
            self.read_room(member.room_id, self.start_recent(member.room_id, recent))

    def tell_invitations(self) -> None:
        """Tell the user who invites it."""
        for invitation in self._directory.invitations_of(self.user.user_id):
            self.invite(invitation)

    def invite(self, invitation: Invitation) -> None:
        """Tell the user of an invitation; before the welcome `tell_invitations` will."""
        if self._early is None:
            room = self._directory.state.rooms[invitation.room_id]
            self.send(pb.StreamItem(invitation=invitation_message(invitation, room)))

    def read_room(self, room_id: int, after_seq: int) -> None:
        """Read a room from now on, unless it is being read already.

        A direct message that is opened before the welcome is not read by this, but
        by `read_directs` behind it.
        """
        subscription = self.subscription
        if (
            self._early is not None
            or room_id in subscription.rooms
            or subscription.ended is not None
            # It may be over by the time at which an entry is answered.
            or not self._may_read(room_id)
        ):
            return
        self._to_follow.append((room_id, after_seq, subscription.begin_reading(room_id)))
        if self._follower is None:
            self._follower = asyncio.get_running_loop().create_task(self._follow())

    def _may_read(self, room_id: int) -> bool:
        """Whether the user belongs to a room, or may read it by Subscribe without that."""
        directory, user_id = self._directory, self.user.user_id
        if self.attachment:
            return (room_id, user_id) in directory.state.members
        found = visible(directory.state, room_id, user_id, directory.clock_ms())
        return not isinstance(found, Rejection)

    def read_directs(self) -> None:
        """Read each direct message of the user that is not being read, from its beginning.

        That is the first event that is kept.
        """
        for room_id in self._directory.direct_rooms(self.user.user_id):
            self.read_room(room_id, self._hub.rooms.first(room_id) - 1)

    def close_room(self, room_id: int, closed: pb.RoomClosed | None = None) -> None:
        """Read a room no longer, and say why; None: its user left it.

        What was queued of the room is dropped.
        """
        if room_id in self.subscription.rooms:
            self._hub.unfollow(self.subscription, room_id)
            self.subscription.drop(room_id)
            left = pb.RoomClosed(room_id=room_text(room_id), reason=pb.CLOSE_REASON_LEFT)
            self.send(pb.StreamItem(closed=closed or left))

    # Any: a context of grpc.aio is generic in messages; frames are bytes.
    async def write(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Write what is queued until the subscription ends."""
        wait_frame = self.subscription.wait_frame
        while True:
            joined = await wait_frame()
            if not joined:
                return
            await context.write(joined)

    def close(self) -> None:
        """Let go of all rooms, at once. The stream sends nothing after this."""
        self._hub.remove(self.subscription)
        self.subscription.on_end = None
        self.subscription.end(Rejection(Reason.INTERNAL, "the stream is closed"))
        if self._follower is not None:
            self._follower.cancel()

    async def closed(self, *tasks: asyncio.Task[None]) -> None:
        """Wait until nothing of a closed stream runs any more, neither these tasks of its call."""
        following = () if self._follower is None else (self._follower,)
        await asyncio.gather(*tasks, *following, return_exceptions=True)

    async def _follow(self) -> None:
        """Bring the reader up to date in one room after the other."""
        try:
            while self._to_follow:
                await self._follow_room(*self._to_follow.popleft())
        except asyncio.CancelledError:
            raise
        except Exception:
            incident = secrets.token_hex(4)
            session = session_text(self.session_id)
            logger.exception(
                "a replay failed", extra={"fields": {"id": incident, "session": session}}
            )
            self.subscription.end(
                Rejection(Reason.INTERNAL, f"internal error, id={incident}", retry_after_ms=1000)
            )
        finally:
            self._follower = None

    async def _follow_room(self, room_id: int, after_seq: int, reading: int) -> None:
        room = self._directory.state.rooms.get(room_id)
        readings = self.subscription.rooms
        # Who left the room and entered it again has another reading of it in line.
        if room is None or readings.get(room_id) != reading:
            return
        opened = pb.RoomOpened(
            room=room_now(room, self._hub, self._directory, self.user.user_id), after_seq=after_seq
        )
        self.send(pb.StreamItem(opened=opened), room_id=room_id)
        seen = self.attachment != 0 and room.kind is not RoomKind.DIRECT
        if seen:
            self._hub.enter(self.subscription, room_id)
        try:
            floor = self._directory.floor(room_id, self.user.user_id)
            await self._hub.follow(self.subscription, room_id, after_seq, floor)
        except RefusedError as error:
            if not self.attachment:
                self.subscription.end(error.rejection)
                return
            # What is wrong with one room keeps nobody from the others.
            self._hub.unfollow(self.subscription, room_id)
            self.send(error_item(error.rejection, room_id=room_text(room_id)))
            return
        if seen and readings.get(room_id) == reading:
            self._hub.send_snapshot(self.subscription, room_id)
