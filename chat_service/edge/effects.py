"""What order does to those who are connected, in the step of its commit.

Who may not read a room any more is told so and is sent nothing of it, not even what was
queued; who may not be on the server is sent nothing at all. So whatever a call would be
refused, a stream that was open before does not get either.
"""

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import events as ev
from chat_service.core.access import is_admin, muted_until, visible
from chat_service.core.accounts import with_bots
from chat_service.core.bans import (
    ban_of_address,
    ban_of_user,
    is_in,
    refuse_address,
    refuse_user,
)
from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import Room, RoomKind
from chat_service.edge.directory import Directory
from chat_service.edge.frames import tombstone_frame
from chat_service.edge.ids import room_text
from chat_service.edge.stream import Stream
from chat_service.edge.streams import Streams
from chat_service.edge.wire import actor_message
from chat_service.hub.hub import Hub

Removal = ev.MemberRemoved | ev.MemberBanned


class Effects:
    """Carries out what an event means for open streams. Used on the event loop.

    `cut` has for each network that the present commit bans how many streams ended by it.
    """

    def __init__(self, directory: Directory, hub: Hub, streams: Streams) -> None:
        self._directory = directory
        self._hub = hub
        self._streams = streams
        # Whom of the user of the MemberMuted that is being applied, and its bots, was muted before.
        self._were_muted: list[int] = []
        self.cut: dict[str, int] = {}

    def before(self, event: ev.Event) -> None:
        """Look at how it is. To be called before the directory learns of the event."""
        if isinstance(event, ev.MemberMuted):
            state = self._directory.state
            self._were_muted = [
                user_id
                for user_id in self._with_bots(event.user_id)
                if muted_until(state, event.room_id, user_id, event.time_ms)
            ]

    def after(self, event: ev.Event) -> None:
        """Carry the event out. To be called once the directory knows it, before it is told."""
        if isinstance(event, ev.MemberLeft):
            self._hub.leave(event.room_id, event.user_id)
            for stream in self._readers(event.room_id, event.user_id):
                stream.close_room(event.room_id)
        elif isinstance(event, ev.MemberRemoved):
            self._hub.leave(event.room_id, event.user_id)
            self._close(event, self._readers(event.room_id, event.user_id))
        elif isinstance(event, ev.MemberBanned):
            if event.until_ms:
                for user_id in self._with_bots(event.user_id):
                    self._close(event, self._streams.all_of_user(user_id))
        elif isinstance(event, ev.MemberMuted):
            for user_id in self._with_bots(event.user_id):
                self._tell_muted(event, user_id)
        elif isinstance(event, ev.MessageDeleted):
            self._hub.rooms.replace(event.room_id, event.deleted_seq, tombstone_frame)
        elif isinstance(event, ev.UserKicked):
            self._end_user(event)
        elif isinstance(event, ev.NetworkBanned):
            self._end_network(event)
        elif isinstance(event, ev.AdminChanged) and not event.admin:
            self._end_exempt(event)

    # ----------------------------------------------------------------- in a room

    def _close(self, event: Removal, streams: list[Stream]) -> None:
        banned = event.until_ms > 0
        if isinstance(event, ev.MemberRemoved):
            by = actor_message(event.author_id, event.author_name)
        else:
            by = actor_message(event.by_id, event.by_name)
        closed = pb.RoomClosed(
            room_id=room_text(event.room_id),
            reason=pb.CLOSE_REASON_BANNED if banned else pb.CLOSE_REASON_REMOVED,
            text=event.reason,
            by=by,
            until_ms=event.until_ms,
        )
        for stream in streams:
            stream.close_room(event.room_id, closed)

    def _readers(self, room_id: int, user_id: int) -> list[Stream]:
        """Return the streams of a user that need its membership to read a room.

        Public rooms are read by Subscribe without one.
        """
        room = self._directory.state.rooms[room_id]
        if room.kind is RoomKind.PUBLIC:
            return self._streams.of_user(user_id)
        return self._streams.all_of_user(user_id)

    def _tell_muted(self, event: ev.MemberMuted, user_id: int) -> None:
        """Tell a user, who may know of the room, what it may do there from now on."""
        state, room_id = self._directory.state, event.room_id
        room = visible(state, room_id, user_id, event.time_ms)
        until_ms = muted_until(state, room_id, user_id, event.time_ms)
        if not isinstance(room, Room) or not (until_ms or user_id in self._were_muted):
            return
        words = "you may not speak in" if until_ms else "you may speak again in"
        text = f"{words} {room.name}"
        notice = pb.Notice(
            kind=pb.NOTICE_KIND_MUTED if until_ms else pb.NOTICE_KIND_UNMUTED,
            text=f"{text}: {event.reason}" if event.reason else text,
            room_id=room_text(room_id),
            until_ms=until_ms,
        )
        for stream in self._streams.of_user(user_id):
            stream.send(pb.StreamItem(notice=notice))

    def _with_bots(self, user_id: int) -> list[int]:
        state = self._directory.state
        user = state.users.get(user_id)
        return [] if user is None else [one.user_id for one in with_bots(state, user)]

    # -------------------------------------------------------------- on the server

    def _end_user(self, event: ev.UserKicked) -> None:
        """End all streams of a user; who has none just now learns why by the next call."""
        state = self._directory.state
        words = f"you were removed by {event.by_name or 'the operator'}"
        reason = Rejection(Reason.KICKED, f"{words}: {event.reason}" if event.reason else words)
        if event.banned:
            ban = ban_of_user(state, state.users[event.user_id].name, event.time_ms)
            if ban is not None:
                reason = refuse_user(ban)
        told = {stream.session_id for stream in self._streams.all_of_user(event.user_id)}
        for session_id in state.sessions_of.get(event.user_id) or ():
            if session_id not in told:
                self._directory.bid_farewell(state.sessions[session_id].token_hash, reason)
        self._streams.end_user(event.user_id, reason)
        # Also from rooms in which it only counted as present: it may have dropped a moment ago.
        for room_id in state.rooms_of.get(event.user_id) or ():
            self._hub.leave(room_id, event.user_id)

    def _end_exempt(self, event: ev.AdminChanged) -> None:
        """End the streams that were open because their user was an admin."""
        for stream in self._streams.all_of_user(event.user_id):
            ban = ban_of_address(self._directory.state, stream.address, event.time_ms)
            if ban is not None:
                self._streams.end([stream], refuse_address(ban))

    def _end_network(self, event: ev.NetworkBanned) -> None:
        """End all streams that come from a network, but those of admins."""
        streams = self._streams.all()
        inside = {
            address
            for address in dict.fromkeys(stream.address for stream in streams)
            if is_in(event.network, address)
        }
        state = self._directory.state
        ended = [
            stream
            for stream in streams
            if stream.address in inside and not is_admin(state, stream.user.user_id)
        ]
        self._streams.end(ended, refuse_address(state.network_bans[event.network]))
        self.cut[event.network] = len(ended)
