"""Requests to commands: parsed, and paced.

What is allowed is decided in the log's order; here only that is looked at which
chooses whether an order costs a token of a rate.
"""

from collections.abc import Callable

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.access import banned_until
from chat_service.core.decision import too_fast
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import Room, Session
from chat_service.core.names import is_name, name_key
from chat_service.core.rooms import find_room
from chat_service.edge.directory import Directory, token_hash
from chat_service.edge.doors import Doors
from chat_service.edge.ids import room_text
from chat_service.edge.pace import Pace
from chat_service.edge.wire import request_hash, style_of, target_of


def wait_to_open(name: str, network: str, directory: Directory, pace: Pace, now: float) -> int:
    """Return the delay of entering the public room of this name, in milliseconds.

    Only opening one costs: not a room that there is, nor a name that none can have.
    """
    state = directory.state
    if name_key(name) in state.room_ids or not is_name(name, state.limits.room_name_bytes):
        return 0
    return pace.room(network, now)


class Orders:
    """Makes the commands of one session. `network` is what its address is counted under."""

    __slots__ = (
        "_clock",
        "_directory",
        "_doors",
        "_is_bot",
        "_network",
        "_pace",
        "_session_id",
        "_user_id",
    )

    def __init__(
        self,
        session: Session,
        network: str,
        *,
        directory: Directory,
        pace: Pace,
        doors: Doors,
        clock: Callable[[], float],
    ) -> None:
        self._session_id = session.session_id
        self._user_id = session.user_id
        self._is_bot = directory.user_of(session).bot
        self._network = network
        self._directory = directory
        self._pace = pace
        self._doors = doors
        self._clock = clock

    @property
    def longest_id(self) -> int:
        """Longest order_id or client_msg_id, in bytes."""
        return self._directory.state.limits.client_id_bytes

    @property
    def most_hello_rooms(self) -> int:
        """Rooms that one Hello may name: all that a user may be in, and as many again."""
        limits = self._directory.state.limits
        return 2 * (limits.rooms_per_user + limits.directs_per_user)

    def post(self, post: pb.Post) -> cmd.PostMessage:
        """Make the order to say something. Raises RefusedError: no room, unknown style."""
        return cmd.PostMessage(
            self._session_id,
            target_of(post.room),
            style_of(post.style),
            post.text,
            post.client_msg_id,
            request_hash(post),
            self._wait_to_send(),
        )

    def post_was_retry(self, command: cmd.PostMessage) -> None:
        """Give back what a post cost that turned out to be stored already."""
        if not command.wait_ms:
            self._pace.send_was_retry(self._user_id, self._clock(), granted=self._is_granted())

    def paced(self, rejection: Rejection) -> Rejection:
        """Return what the sender of a refused order is told.

        That it is too fast, if it makes many mistakes: refusals cost the server as much
        as messages. Where waiting helps the rejection has a delay already, and stays.
        """
        if rejection.retry_after_ms:
            return rejection
        wait_ms = self._pace.mistake(self._user_id, self._clock())
        return too_fast(wait_ms) if wait_ms else rejection

    def room_id(self, room: pb.RoomTarget) -> int | None:
        """Return the number of a room that may be entered, 0 for one that will be opened.

        None for one that there is not. Raises RefusedError: TARGET_MISSING.
        """
        target = target_of(room)
        state = self._directory.state
        found = find_room(state, self._user_id, target, self._directory.clock_ms())
        if isinstance(found, Room):
            return found.room_id
        if isinstance(target, cmd.RoomById):
            is_invited = (target.room_id, self._user_id) in state.invitations
            return target.room_id if is_invited else None
        return None if isinstance(found, Rejection) and isinstance(target, cmd.Direct) else 0

    def check_visible(self, room: pb.RoomTarget) -> None:
        """Refuse a room that is named by its id and may not be read: an invitation is no entry.

        Raises RefusedError: TARGET_MISSING, ROOM_NOT_FOUND, BANNED_FROM_ROOM.
        """
        target = target_of(room)
        if isinstance(target, cmd.RoomById):
            self._directory.room_for(self._user_id, target)

    def joined_room(self, room: pb.RoomTarget) -> int:
        """Return the number of a room that the user is a member of now.

        Raises RefusedError: NOT_A_MEMBER, and as `Directory.room_for`.
        """
        room_id = self._directory.room_for(self._user_id, target_of(room)).room_id
        if (room_id, self._user_id) not in self._directory.state.members:
            raise RefusedError(
                Rejection(
                    Reason.NOT_A_MEMBER,
                    "you are not a member of this room any more",
                    field="room",
                    metadata=(("room_id", room_text(room_id)),),
                )
            )
        return room_id

    def room_of_code(self, code: str) -> int | None:
        """Return the number of the room that a code leads to; None for one that is not good.

        Nor for who is banned from the room: it is told nothing of it.
        """
        state, now_ms = self._directory.state, self._directory.clock_ms()
        invite_id = state.invite_ids.get(token_hash(code))
        invite = None if invite_id is None else state.invites[invite_id]
        if invite is None or invite.until_ms <= now_ms:
            return None
        if banned_until(state, invite.room_id, self._user_id, now_ms):
            return None
        return invite.room_id or None

    def join_room(self, room: pb.RoomTarget) -> cmd.JoinRoom:
        """Make the order to enter a room. Entering again is free."""
        target = target_of(room)
        state = self._directory.state
        found = find_room(state, self._user_id, target, self._directory.clock_ms())
        wait_ms = room_wait_ms = 0
        if not isinstance(found, Room) or (found.room_id, self._user_id) not in state.members:
            wait_ms = self._pace.join(self._user_id, self._clock())
        if isinstance(target, cmd.RoomByName):
            room_wait_ms = wait_to_open(
                target.name, self._network, self._directory, self._pace, self._clock()
            )
        return cmd.JoinRoom(self._session_id, target, wait_ms, room_wait_ms)

    def join_by_invite(self, code: str) -> cmd.JoinByInvite:
        """Make the order to enter a room by a code."""
        wait_ms = self._pace.join(self._user_id, self._clock())
        return cmd.JoinByInvite(self._session_id, token_hash(code), wait_ms)

    async def opened_by(self, order: cmd.JoinRoom, password: str) -> cmd.JoinRoom:
        """Try the password of a room; return the order with what it opens.

        Raises RefusedError: RATE_LIMITED, without trying, and as `Doors.tried`.
        """
        if order.wait_ms:
            raise RefusedError(too_fast(order.wait_ms))
        return await self._doors.tried(order, self._user_id, self._network, password)

    def leave_room(self, order: pb.LeaveRoom) -> cmd.LeaveRoom:
        """Make the order to leave a room."""
        return cmd.LeaveRoom(self._session_id, target_of(order.room))

    def set_topic(self, order: pb.SetTopic) -> cmd.SetTopic:
        """Make the order to change a topic; it costs as much as a message."""
        wait_ms = self._wait_to_send()
        return cmd.SetTopic(self._session_id, target_of(order.room), order.topic, wait_ms)

    def _wait_to_send(self) -> int:
        granted = self._is_granted()
        return self._pace.send(self._user_id, self._clock(), granted=granted)

    def _is_granted(self) -> bool:
        """Whether the user is a bot that may send as fast as bots."""
        if not self._is_bot:
            return False
        account = self._directory.state.accounts.get(self._user_id)
        return account is not None and account.fast
