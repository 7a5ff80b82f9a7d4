"""Requests to commands: parsed, and paced.

What is allowed is decided in the log's order; here only that is looked at which
chooses whether an order costs a token of a rate.
"""

from collections.abc import Callable

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.decision import too_fast
from chat_service.core.errors import Rejection
from chat_service.core.model import Room, Session
from chat_service.core.names import is_name, name_key
from chat_service.core.rooms import find_room
from chat_service.edge.address import network_of
from chat_service.edge.directory import Directory
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
    """Makes the commands of one session. `peer` is the address as gRPC names it."""

    __slots__ = ("_clock", "_directory", "_network", "_pace", "_session_id", "_user_id")

    def __init__(
        self,
        session: Session,
        peer: str,
        *,
        directory: Directory,
        pace: Pace,
        clock: Callable[[], float],
    ) -> None:
        self._session_id = session.session_id
        self._user_id = session.user_id
        self._network = network_of(peer)
        self._directory = directory
        self._pace = pace
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
            self._pace.send(self._user_id, self._clock()),
        )

    def post_was_retry(self, command: cmd.PostMessage) -> None:
        """Give back what a post cost that turned out to be stored already."""
        if not command.wait_ms:
            self._pace.send_was_retry(self._user_id, self._clock())

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
        found = find_room(self._directory.state, self._user_id, target)
        if isinstance(found, Room):
            return found.room_id
        return (
            None if isinstance(found, Rejection) and not isinstance(target, cmd.RoomByName) else 0
        )

    def join_room(self, room: pb.RoomTarget) -> cmd.JoinRoom:
        """Make the order to enter a room. Entering again is free."""
        target = target_of(room)
        state = self._directory.state
        found = find_room(state, self._user_id, target)
        wait_ms = room_wait_ms = 0
        if not isinstance(found, Room) or (found.room_id, self._user_id) not in state.members:
            wait_ms = self._pace.join(self._user_id, self._clock())
        if isinstance(target, cmd.RoomByName):
            room_wait_ms = wait_to_open(
                target.name, self._network, self._directory, self._pace, self._clock()
            )
        return cmd.JoinRoom(self._session_id, target, wait_ms, room_wait_ms)

    def leave_room(self, order: pb.LeaveRoom) -> cmd.LeaveRoom:
        """Make the order to leave a room."""
        return cmd.LeaveRoom(self._session_id, target_of(order.room))

    def set_topic(self, order: pb.SetTopic) -> cmd.SetTopic:
        """Make the order to change a topic; it costs as much as a message."""
        wait_ms = self._pace.send(self._user_id, self._clock())
        return cmd.SetTopic(self._session_id, target_of(order.room), order.topic, wait_ms)
