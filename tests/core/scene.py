"""A chat without a server: orders go in, decisions come out, the state follows.

Reads like a transcript:

    scene = Scene()
    alice = scene.guest("alice", room="lobby")
    scene.say(alice, "lobby", "hello")

Every order is also checked to have decided without changing anything.
"""

import hashlib
from dataclasses import dataclass, replace

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decide import decide, fact_key
from chat_service.core.decision import (
    Accepted,
    Answer,
    Decision,
    FactKey,
    FirstAnswer,
    MessageKey,
    StoredMessage,
)
from chat_service.core.errors import Reason, Rejection
from chat_service.core.evolve import evolve
from chat_service.core.limits import Limits
from chat_service.core.model import Role, RoomKind, Scope, Style
from chat_service.core.state import State
from tests.core.facts import stored_message

INSTANCE = "here"
START_MS = 1_000_000

# A room by its name or its id, or the other users of a direct message.
Where = str | int | tuple[str, ...]


def to(room: Where) -> cmd.Target:
    """Return the target that an order names."""
    if isinstance(room, str):
        return cmd.RoomByName(room)
    return cmd.RoomById(room) if isinstance(room, int) else cmd.Direct(room)


def post(
    session_id: int,
    room: Where,
    text: str = "hello",
    *,
    message_id: str = "m1",
    style: Style = Style.TEXT,
    wait_ms: int = 0,
) -> cmd.PostMessage:
    """Make the order to say something, with the hash that tells what was asked."""
    target = to(room)
    asked = hashlib.sha256(repr((target, style, text)).encode("utf-8", "surrogatepass")).digest()
    return cmd.PostMessage(session_id, target, style, text, message_id, asked, wait_ms)


@dataclass(frozen=True)
class Given:
    """One order as it was given: what `decide` got beside the state, and what it said."""

    command: cmd.Command
    first_answer: FirstAnswer | StoredMessage | None
    now_ms: int
    decision: Decision


class Scene:
    """A state, a clock that the test sets, and all that was asked and has happened."""

    def __init__(self, limits: Limits | None = None, *, started: bool = True) -> None:
        self.state = State()
        self.now_ms = START_MS
        self.given: list[Given] = []
        self.events: list[ev.Event] = []
        self.first_answers: dict[FactKey, FirstAnswer] = {}
        # Those whose messages are gone, with their times.
        self.orphans: set[tuple[int, FactKey]] = set()
        self._tokens = 0
        self._codes: set[bytes] = set()
        self._messages = 0
        if started:
            self.ok(cmd.StartInstance(INSTANCE, "epoch-1", limits or Limits(), "lobby"))

    def do(self, command: cmd.Command) -> Decision:
        """Give an order and apply what has happened by it."""
        key = fact_key(self.state, command)
        fact: FirstAnswer | StoredMessage | None = None
        if isinstance(key, MessageKey):
            fact = stored_message(self.events, key)
        elif key is not None:
            fact = self.first_answers.get(key)
        before = self.state.snapshot()
        decision = decide(self.state, command, fact, self.now_ms)
        assert self.state.snapshot() == before, "deciding changed the state"
        assert not any(list(table.changed()) for table in self.state.tables().values())
        self.given.append(Given(command, fact, self.now_ms, decision))
        if isinstance(decision, Accepted):
            for event in decision.events:
                evolve(self.state, event)
                self._keep(event)
            self.state.merge()
            self.events.extend(decision.events)
        return decision

    def _keep(self, event: ev.Event) -> None:
        """Keep first answers as a log does, and let go of them as it does."""
        if isinstance(event, ev.MessagePosted):
            self.first_answers[FactKey(event.author_id, event.client_msg_id)] = FirstAnswer(
                event.room_id, event.seq, event.time_ms, event.request_hash
            )
        elif isinstance(event, ev.RoomPruned):
            for key, answer in self.first_answers.items():
                if answer.room_id == event.room_id and answer.seq < event.first_seq:
                    self.orphans.add((answer.time_ms, key))
        elif isinstance(event, ev.AnswersPruned):
            over = sorted(orphan for orphan in self.orphans if orphan[0] < event.before_ms)
            for orphan in over[: event.at_most]:
                self.orphans.remove(orphan)
                del self.first_answers[orphan[1]]

    def happened(self, command: cmd.Command) -> tuple[ev.Event, ...]:
        """Give an order that must be accepted; return its events."""
        decision = self.do(command)
        assert isinstance(decision, Accepted), decision
        return decision.events

    def ok(self, command: cmd.Command) -> Answer:
        """Give an order that must be accepted; return its answer."""
        decision = self.do(command)
        assert isinstance(decision, Accepted), decision
        return decision.answer

    def refused(self, command: cmd.Command) -> Rejection:
        """Give an order that must be refused; return why."""
        decision = self.do(command)
        assert isinstance(decision, Rejection), decision
        return decision

    def why_not(self, command: cmd.Command) -> Reason:
        """Give an order that must be refused; return the reason alone."""
        return self.refused(command).reason

    # ------------------------------------------------------------ transcripts

    def token(self) -> bytes:
        """Return the hash of a new token."""
        self._tokens += 1
        return hashlib.sha256(str(self._tokens).encode()).digest()

    def with_own_token(self, command: cmd.Command) -> cmd.Command:
        """Give an order a token or a code that no other has, as the edge does."""
        if isinstance(
            command,
            (cmd.OpenGuest, cmd.OpenSession, cmd.SignIn, cmd.Register, cmd.CreateApiToken),
        ):
            return replace(command, token_hash=self.token())
        if isinstance(command, cmd.CreateInvite):
            # The first of a hash keeps it, so that others may know the code.
            if command.code_hash in self._codes:
                return replace(command, code_hash=self.token())
            self._codes.add(command.code_hash)
        return command

    def guest(self, name: str, *, room: str = "") -> int:
        """Sign in somebody new; return the session."""
        return self.ok(cmd.OpenGuest(name, self.token(), INSTANCE, room)).session_id

    def account(self, name: str, *, admin: bool = False) -> int:
        """Register somebody new, with the password that is the name; return the session."""
        if admin:
            self.ok(cmd.Register(0, name, f"#{name}", b"", INSTANCE, by_operator=True, admin=True))
            return self.sign_in(name)
        return self.ok(cmd.Register(0, name, f"#{name}", self.token(), INSTANCE)).session_id

    def sign_in(self, name: str) -> int:
        """Sign in with the password of an account; return the session."""
        user_id = self.state.user_ids[name]
        stored = self.state.accounts[user_id].password_hash
        return self.ok(cmd.SignIn(user_id, stored, "", self.token(), INSTANCE)).session_id

    def bot(self, session_id: int, name: str) -> int:
        """Make a bot of an account, and an API token of it with all scopes; return the token."""
        self.ok(cmd.CreateBot(session_id, name))
        return self.api_token(session_id, bot=name)

    def api_token(
        self,
        session_id: int,
        *scopes: Scope,
        bot: str = "",
        lifetime_ms: int = 0,
    ) -> int:
        """Make an API token, with all scopes that it can have unless some are named."""
        asked = tuple(scopes) or tuple(scope for scope in Scope if scope is not Scope.ACCOUNT)
        order = cmd.CreateApiToken(
            session_id, bot, "token", asked, self.token(), INSTANCE, lifetime_ms
        )
        return self.ok(order).session_id

    def again(self, session_id: int, *, name: str = "", room: str = "") -> int:
        """Sign in a further client of the same user; return its session."""
        order = cmd.OpenSession(session_id, name, self.token(), INSTANCE, room)
        return self.ok(order).session_id

    def join(self, session_id: int, *rooms: str) -> None:
        """Join public rooms."""
        for room in rooms:
            self.ok(cmd.JoinRoom(session_id, to(room)))

    def happens(self, *events: ev.Event) -> None:
        """Let something have happened, whatever led to it."""
        for event in events:
            evolve(self.state, event)
            self._keep(event)
        self.state.merge()
        self.events.extend(events)

    def becomes(self, session_id: int, room: str, role: Role) -> None:
        """Make somebody a member of a public room, with a role."""
        self.join(session_id, room)
        room_id, user = self.room_named(room), self.state.users[self.user_of(session_id)]
        given = (0, "", user.user_id, user.name, role)
        seq = self.state.heads[room_id] + 1
        self.happens(ev.RoleChanged(self.now_ms, room_id, seq, *given))

    def opens_private(self, owner: int, *members: int, name: str = "den") -> int:
        """Let there be a private room; return its id."""
        room_id = self.state.counter("room") + 1
        owner_id = self.user_of(owner)
        self.happens(
            ev.RoomOpened(self.now_ms, room_id, RoomKind.PRIVATE, name, owner_id, ()),
            ev.MemberJoined(self.now_ms, room_id, owner_id, Role.OWNER),
            *(ev.MemberJoined(self.now_ms, room_id, self.user_of(one)) for one in members),
        )
        return room_id

    def say(self, session_id: int, room: Where, text: str = "hello") -> Answer:
        """Say something with an id of its own."""
        self._messages += 1
        return self.ok(post(session_id, room, text, message_id=f"said-{self._messages}"))

    def pass_time(self, ms: int) -> None:
        """Let the clock go on, or back."""
        self.now_ms += ms

    # ------------------------------------------------------------ what is known

    def user_of(self, session_id: int) -> int:
        """Return the user of a session."""
        return self.state.sessions[session_id].user_id

    def until_of(self, session_id: int) -> int:
        """Return when a session without a stream is over."""
        return self.state.sessions[session_id].until_ms

    def room_named(self, name: str) -> int:
        """Return the id of a public room."""
        return self.state.room_ids[name]

    def members_of(self, room_id: int) -> list[str]:
        """Return the names of a room's members, in the order in which they came."""
        return [
            self.state.users[member.user_id].name
            for member in self.state.members.values()
            if member.room_id == room_id
        ]
