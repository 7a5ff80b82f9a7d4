"""The rules of chat a second time, as plainly as they can be said: lists, dictionaries, no events.

Written from the contract and not from the code under test. It never makes an id: it is
told those that were given, and insists that they are new.
"""

from dataclasses import dataclass, field

from chat_service.core import commands as cmd
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason
from chat_service.core.limits import Limits

NAME = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


@dataclass
class Client:
    """A session."""

    user: int
    until: int
    instance: str
    stream: int = 0


@dataclass
class Place:
    """A room of either kind; `people` are those of a direct message, gone ones included."""

    name: str = ""
    people: frozenset[int] = frozenset()
    opener: int = 0
    topic: str = ""
    members: list[int] = field(default_factory=list)
    log: list[tuple[int, str]] = field(default_factory=list)
    # How many of the log's first entries are gone.
    gone: int = 0


@dataclass
class Said:
    """Where a message went, and what was asked."""

    asked: bytes
    room: int
    seq: int
    time: int


class Oracle:
    """What is known, and for each order: whether it must pass, and what follows then."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.time = 0
        self.users: dict[int, str] = {}
        self.clients: dict[int, Client] = {}
        self.places: dict[int, Place] = {}
        self.said: dict[tuple[int, str], Said] = {}
        # Forgotten ones of which not all is gone yet.
        self.ruins: dict[int, Place] = {}
        self.ids_given: dict[str, set[int]] = {"user": set(), "client": set(), "place": set()}

    # ----------------------------------------------------------------- look-ups

    def user_named(self, name: str) -> int | None:
        """Find a user by name, in any case."""
        for user, held in self.users.items():
            if set(name) <= NAME and held.lower() == name.lower():
                return user
        return None

    def public_named(self, name: str) -> int | None:
        """Find a public room by name, in any case."""
        for room, place in self.places.items():
            if not place.people and set(name) <= NAME and place.name.lower() == name.lower():
                return room
        return None

    def clients_of(self, user: int) -> list[int]:
        """List the sessions of a user."""
        return [number for number, client in self.clients.items() if client.user == user]

    def alive(self, number: int, now: int) -> bool:
        """Whether a session may be used."""
        client = self.clients.get(number)
        return client is not None and (client.stream > 0 or now < client.until)

    def public_rooms_of(self, user: int) -> list[int]:
        """List the public rooms that a user is a member of."""
        return [n for n, p in self.places.items() if not p.people and user in p.members]

    def find(self, user: int, target: cmd.Target) -> int | frozenset[int] | Reason:
        """Find a room, or the people of a direct message that is not open yet."""
        if isinstance(target, cmd.Direct):
            if len(target.names) > self.limits.recipients:
                return Reason.FIELD_INVALID
            found = [self.user_named(name) for name in target.names]
            if None in found:
                return Reason.USER_NOT_FOUND
            people = frozenset({user, *(n for n in found if n is not None)})
            if people == {user}:
                return Reason.FIELD_INVALID
            for room, place in self.places.items():
                if place.people == people:
                    return room
            return people
        if isinstance(target, cmd.RoomByName):
            by_name = self.public_named(target.name)
            return Reason.ROOM_NOT_FOUND if by_name is None else by_name
        there = self.places.get(target.room_id)
        if there is None or (there.people and user not in there.people):
            return Reason.ROOM_NOT_FOUND
        return target.room_id

    # ----------------------------------------------------------------- verdicts

    def enter(self, user: int, name: str, room_wait: int) -> Reason | None:
        """Judge entering a public room by its name."""
        if not name or not set(name) <= NAME or name[0] in ".-":
            return Reason.ROOM_NAME_INVALID
        room = self.public_named(name)
        if room is not None and user in self.places[room].members:
            return None
        if len(self.public_rooms_of(user)) >= self.limits.rooms_per_user:
            return Reason.TOO_MANY_ROOMS
        if room is None and room_wait:
            return Reason.RATE_LIMITED
        return None

    def open_direct(self, user: int) -> Reason | None:
        """Judge opening one more direct message."""
        opened = [p for p in self.places.values() if p.people and p.opener == user]
        return Reason.TOO_MANY_ROOMS if len(opened) >= self.limits.directs_per_user else None

    def verdict(self, order: cmd.Command, now: int) -> Reason | None:
        """Return why an order must be refused, or None if it must pass."""
        now = max(now, self.time)
        if isinstance(order, (cmd.StartInstance, cmd.Configure, cmd.PruneAnswers)):
            return None
        if isinstance(order, (cmd.DetachSession, cmd.ExpireSession)):
            return None
        if isinstance(order, cmd.Prune):
            place = self.places.get(order.room_id) or self.ruins.get(order.room_id)
            if place is None:
                return Reason.ROOM_NOT_FOUND
            return Reason.SEQ_OUT_OF_RANGE if order.up_to_seq > len(place.log) else None
        if isinstance(order, cmd.KickUser):
            if "\n" in order.reason or len(order.reason) > self.limits.reason_bytes:
                return Reason.FIELD_INVALID
            return Reason.USER_NOT_FOUND if self.user_named(_name(order)) is None else None
        if isinstance(order, cmd.OpenGuest):
            return self._guest(order, now)
        assert not isinstance(order, cmd.SignIn | cmd.ResetPassword | cmd.SetOwnerCode)
        if not self.alive(order.session_id, now):
            return Reason.SESSION_ENDED
        client = self.clients[order.session_id]
        if isinstance(order, cmd.OpenSession):
            if order.name and order.name.lower() != self.users[client.user].lower():
                return Reason.NAME_INVALID
            if len(self.clients_of(client.user)) >= self.limits.sessions_per_guest:
                return Reason.TOO_MANY_SESSIONS
            return self.enter(client.user, order.room, order.room_wait_ms) if order.room else None
        if isinstance(order, cmd.AttachSession):
            return None if order.attachment > client.stream else Reason.SESSION_REPLACED
        if isinstance(order, cmd.JoinRoom):
            return self._join(order, client.user)
        if isinstance(order, (cmd.LeaveRoom, cmd.SetTopic)):
            return self._member_order(order, client.user)
        if isinstance(order, cmd.PostMessage):
            return self._post(order, client.user)
        return None

    def _guest(self, order: cmd.OpenGuest, now: int) -> Reason | None:
        name = order.name
        if not name or not set(name) <= NAME or name[0] in ".-":
            return Reason.NAME_INVALID
        if name.lower() in self.limits.reserved_names:
            return Reason.NAME_RESERVED
        holder = self.user_named(name)
        if holder is not None and any(self.alive(n, now) for n in self.clients_of(holder)):
            return Reason.NAME_TAKEN
        return self.enter(-1, order.room, order.room_wait_ms) if order.room else None

    def _join(self, order: cmd.JoinRoom, user: int) -> Reason | None:
        target = order.target
        if isinstance(target, cmd.RoomByName):
            room = self.public_named(target.name)
            reason = self.enter(user, target.name, order.room_wait_ms)
        else:
            found = self.find(user, target)
            if isinstance(found, Reason):
                return found
            room = found if isinstance(found, int) else None
            if room is None:
                reason = self.open_direct(user)
            elif self.places[room].people:
                reason = None
            else:
                reason = self.enter(user, self.places[room].name, 0)
        if (
            reason is None
            and order.wait_ms
            and (room is None or user not in self.places[room].members)
        ):
            return Reason.RATE_LIMITED
        return reason

    def _member_order(self, order: cmd.LeaveRoom | cmd.SetTopic, user: int) -> Reason | None:
        if isinstance(order, cmd.SetTopic) and (
            "\n" in order.topic or len(order.topic) > self.limits.topic_bytes
        ):
            return Reason.TOPIC_INVALID
        found = self.find(user, order.target)
        if isinstance(found, Reason):
            return found
        if isinstance(found, frozenset) or self.places[found].people:
            return Reason.ROOM_IS_DIRECT
        if user not in self.places[found].members:
            return Reason.NOT_A_MEMBER
        haste = isinstance(order, cmd.SetTopic) and order.wait_ms
        return Reason.RATE_LIMITED if haste else None

    def _post(self, order: cmd.PostMessage, user: int) -> Reason | None:
        if not order.client_msg_id:
            return Reason.CLIENT_ID_INVALID
        said = self.said.get((user, order.client_msg_id))
        if said is not None:
            return None if said.asked == order.request_hash else Reason.ID_REUSED
        text = order.text
        too_long = len(text.encode()) > self.limits.text_bytes
        if too_long or len(text.split("\n")) > self.limits.text_lines:
            return Reason.TEXT_INVALID
        if "\x00" in text or not text.strip():
            return Reason.TEXT_INVALID
        found = self.find(user, order.target)
        if isinstance(found, Reason):
            return found
        if order.wait_ms:
            return Reason.RATE_LIMITED
        if isinstance(found, frozenset):
            return self.open_direct(user)
        people = self.places[found].people
        if people and not any(n in self.users for n in people if n != user):
            return Reason.RECIPIENTS_GONE
        return None

    # ------------------------------------------------------------ consequences

    def learn(self, order: cmd.Command, answer: Answer, now: int, *, happened: bool) -> None:
        """Take in that an order passed. `happened`: whether it had any event."""
        now = max(now, self.time)
        if happened:
            self.time = now
        if isinstance(order, cmd.StartInstance):
            self.limits = order.limits
            self._start(order, now)
        elif isinstance(order, cmd.Configure):
            self.limits = order.limits
        elif isinstance(order, (cmd.OpenGuest, cmd.OpenSession)):
            self._open(order, answer, now)
        elif isinstance(order, cmd.JoinRoom):
            self._enter(order.target, self.clients[order.session_id].user, answer)
        elif isinstance(order, cmd.LeaveRoom):
            self.places[answer.room_id].members.remove(self.clients[order.session_id].user)
        elif isinstance(order, cmd.SetTopic):
            self.places[answer.room_id].topic = order.topic
            self._log(answer, self.clients[order.session_id].user, order.topic)
        elif isinstance(order, cmd.PostMessage):
            self._say(order, answer, now)
        elif isinstance(order, cmd.Prune):
            self._prune(order)
        elif isinstance(order, cmd.PruneAnswers):
            self._prune_answers(order, now)
        elif isinstance(order, cmd.KickUser):
            self._kick(order, answer)
        elif isinstance(order, cmd.EndSession):
            self._end(order.session_id)
        elif isinstance(order, cmd.ExpireSession):
            if not self.alive(order.session_id, now):
                self._end(order.session_id)
        elif (
            isinstance(order, cmd.AttachSession | cmd.DetachSession | cmd.RenewSession)
            and order.session_id in self.clients
        ):
            self._stream(order, now)

    def _prune(self, order: cmd.Prune) -> None:
        place = self.places.get(order.room_id) or self.ruins[order.room_id]
        place.gone = max(place.gone, order.up_to_seq)
        if place.gone == len(place.log):
            self.ruins.pop(order.room_id, None)

    def _prune_answers(self, order: cmd.PruneAnswers, now: int) -> None:
        over = [
            (said.time, *key)
            for key, said in self.said.items()
            if not self._is_kept(said) and now - said.time > self.limits.first_answer_ms
        ]
        for _, user, message_id in sorted(over)[: order.at_most]:
            del self.said[user, message_id]

    def _is_kept(self, said: Said) -> bool:
        place = self.places.get(said.room) or self.ruins.get(said.room)
        return place is not None and said.seq > place.gone

    def _fresh(self, kind: str, number: int) -> None:
        assert number > 0
        assert number not in self.ids_given[kind], f"{kind} {number} was given before"
        self.ids_given[kind].add(number)

    def _start(self, order: cmd.StartInstance, now: int) -> None:
        for client in self.clients.values():
            if client.instance == order.instance:
                client.stream = 0
                client.until = max(client.until, now + self._grace())
        if self.public_named(order.default_room) is None:
            number = max(self.ids_given["place"], default=0) + 1
            self._fresh("place", number)
            self.places[number] = Place(name=order.default_room)

    def _grace(self) -> int:
        return self.limits.guest_grace_ms + self.limits.renewal_ms

    def _open(self, order: cmd.OpenGuest | cmd.OpenSession, answer: Answer, now: int) -> None:
        if isinstance(order, cmd.OpenGuest):
            former = self.user_named(order.name)
            if former is not None:
                for number in self.clients_of(former):
                    self._end(number)
            self._fresh("user", answer.user_id)
            self.users[answer.user_id] = order.name
        else:
            assert answer.user_id == self.clients[order.session_id].user
        self._fresh("client", answer.session_id)
        self.clients[answer.session_id] = Client(
            answer.user_id, now + self._grace(), order.instance
        )
        if order.room:
            self._enter(cmd.RoomByName(order.room), answer.user_id, answer)

    def _enter(self, target: cmd.Target, user: int, answer: Answer) -> None:
        room = answer.room_id
        expected = self.find(user, target)
        if isinstance(expected, int):
            assert room == expected
            if user not in self.places[room].members:
                self.places[room].members.append(user)
            return
        self._fresh("place", room)
        if isinstance(target, cmd.RoomByName):
            self.places[room] = Place(name=target.name, opener=user, members=[user])
        else:
            assert isinstance(expected, frozenset)
            self.places[room] = Place(people=expected, opener=user, members=sorted(expected))

    def _say(self, order: cmd.PostMessage, answer: Answer, now: int) -> None:
        user = self.clients[order.session_id].user
        said = self.said.get((user, order.client_msg_id))
        assert answer.duplicate == (said is not None)
        if said is not None:
            assert (answer.room_id, answer.seq, answer.time_ms) == (said.room, said.seq, said.time)
            return
        if isinstance(order.target, cmd.Direct):
            self._enter(order.target, user, answer)
        else:
            assert answer.room_id == self.find(user, order.target)
        self._log(answer, user, order.text)
        assert answer.time_ms == now
        self.said[user, order.client_msg_id] = Said(
            order.request_hash, answer.room_id, answer.seq, now
        )

    def _log(self, answer: Answer, user: int, text: str) -> None:
        log = self.places[answer.room_id].log
        log.append((user, text))
        assert answer.seq == len(log)

    def _stream(
        self,
        order: cmd.AttachSession | cmd.DetachSession | cmd.RenewSession,
        now: int,
    ) -> None:
        client = self.clients[order.session_id]
        if isinstance(order, cmd.AttachSession):
            client.stream = order.attachment
        elif isinstance(order, cmd.DetachSession) and 0 < client.stream == order.attachment:
            client.stream = 0
            client.until = now + self._grace()
        elif isinstance(order, cmd.RenewSession) and client.stream == 0:
            client.until = max(client.until, now + self._grace())

    def _kick(self, order: cmd.KickUser, answer: Answer) -> None:
        user = self.user_named(_name(order))
        assert user is not None
        clients = self.clients_of(user)
        assert answer == Answer(user_id=user, name=self.users[user], sessions=len(clients))
        for number in clients:
            self._end(number)

    def _end(self, number: int) -> None:
        client = self.clients.pop(number, None)
        if client is None or self.clients_of(client.user):
            return
        del self.users[client.user]
        for room, place in list(self.places.items()):
            if client.user in place.members:
                place.members.remove(client.user)
            if place.people and not place.members:
                del self.places[room]
                if place.gone < len(place.log):
                    self.ruins[room] = place


def _name(order: cmd.KickUser) -> str:
    assert isinstance(order.user, cmd.UserByName)
    return order.user.name
