"""The streams that are open."""

from collections.abc import Iterable

from chat_service.core.errors import Reason, Rejection
from chat_service.edge.stream import Stream
from chat_service.hub.hub import Hub


class Streams:
    """The streams that are open, by session and by user."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._by_session: dict[int, list[Stream]] = {}
        self._by_user: dict[int, list[Stream]] = {}

    def add(self, stream: Stream) -> None:
        """Count a stream as open."""
        self._by_session.setdefault(stream.session_id, []).append(stream)
        self._by_user.setdefault(stream.user.user_id, []).append(stream)
        self._hub.add(stream.subscription)

    def remove(self, stream: Stream) -> None:
        """Count a stream as closed."""
        for index, key in (
            (self._by_session, stream.session_id),
            (self._by_user, stream.user.user_id),
        ):
            streams = index.get(key)
            if streams is not None and stream in streams:
                streams.remove(stream)
                if not streams:
                    del index[key]

    def of_user(self, user_id: int) -> list[Stream]:
        """Return the Chat streams of a user."""
        return [stream for stream in self._by_user.get(user_id, ()) if stream.attachment]

    def all_of_user(self, user_id: int) -> list[Stream]:
        """Return the streams of a user, those of Subscribe too."""
        return list(self._by_user.get(user_id, ()))

    def addresses_of(self, user_id: int) -> list[str]:
        """Return where the open streams of a user come from, each address once."""
        return list(dict.fromkeys(stream.address for stream in self._by_user.get(user_id, ())))

    def is_connected(self, user_id: int) -> bool:
        """Whether the user has a Chat stream."""
        return any(stream.attachment for stream in self._by_user.get(user_id, ()))

    def replace(self, session_id: int, attachment: int) -> None:
        """End older Chat streams of a session: the one with this number took their place."""
        for stream in list(self._by_session.get(session_id, ())):
            if 0 < stream.attachment < attachment:
                stream.subscription.end(
                    Rejection(
                        Reason.SESSION_REPLACED, "a newer stream of this session took its place"
                    )
                )

    def end_session(self, session_id: int, reason: Rejection) -> None:
        """End all streams of a session; their user is gone from rooms that no other reads."""
        self.end(self._by_session.get(session_id, ()), reason)

    def end_user(self, user_id: int, reason: Rejection) -> None:
        """End all streams of a user, who is gone from all rooms."""
        self.end(self._by_user.get(user_id, ()), reason)

    def end(self, streams: Iterable[Stream], reason: Rejection) -> None:
        """End streams; their users are gone from rooms that no other stream of them reads."""
        for stream in list(streams):
            subscription = stream.subscription
            rooms = list(subscription.present_in)
            self._hub.remove(subscription)
            for room_id in rooms:
                self._hub.leave_if_expected(room_id, subscription.user.user_id)
            subscription.end(reason)

    def counts(self) -> tuple[int, int, int]:
        """Return how many Chat and Subscribe streams are open, and users with a Chat stream."""
        streams = self.all()
        chats = sum(stream.attachment != 0 for stream in streams)
        return chats, len(streams) - chats, sum(map(self.is_connected, self._by_user))

    def subscribed_sessions(self) -> list[int]:
        """Return the sessions that read by Subscribe, which keeps them from expiring."""
        return [
            session_id
            for session_id, streams in self._by_session.items()
            if any(not stream.attachment for stream in streams)
        ]

    def attachments(self) -> set[int]:
        """Return the numbers of the Chat streams."""
        return {stream.attachment for stream in self.all() if stream.attachment}

    def all(self) -> list[Stream]:
        """Return all open streams."""
        return [stream for streams in self._by_session.values() for stream in streams]
