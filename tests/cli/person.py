"""A person in front of the pure client: is told items, orders things, and sees lines.

Tests read as transcripts: `assert anna.told(said(3, "bob", "hi")) == ["08:00 bob: hi"]`.
Times are 2025-11-20 08:00 UTC.
"""

from datetime import UTC, date

from chat_cli import items as it
from chat_cli.effects import (
    Effect,
    GiveBack,
    Hide,
    KeepIgnored,
    LookBack,
    Quit,
    ReadAgain,
    Strike,
)
from chat_cli.intake import apply
from chat_cli.model import (
    Direct,
    Limits,
    RoomEvent,
    RoomInfo,
    RoomKind,
    Said,
    TopicChanged,
    User,
)
from chat_cli.orders import enter
from chat_cli.outbox import Outbox
from chat_cli.pending import PendingOrder, PendingPost
from chat_cli.render import Renderer
from chat_cli.state import ChatState

EIGHT = 1_763_625_600_000  # 2025-11-20 08:00:00 UTC in milliseconds

ANNA = User("u1", "anna")
BOB = User("u2", "bob")
CAROL = User("u3", "carol")
PEOPLE = {user.name: user for user in (ANNA, BOB, CAROL)}

LOBBY = RoomInfo("r1", RoomKind.PUBLIC, "lobby")
DEV = RoomInfo("r2", RoomKind.PUBLIC, "dev")
PLAN = RoomInfo("r5", RoomKind.PRIVATE, "plan")
WITH_BOB = RoomInfo("r3", RoomKind.DIRECT, members=(ANNA, BOB))


def said(
    seq: int,
    author: str,
    text: str,
    room: RoomInfo = LOBBY,
    client_msg_id: str = "",
    action: bool = False,
) -> it.EventArrived:
    """Make the item of a message."""
    body = Said(text, action, client_msg_id)
    return it.EventArrived(RoomEvent(room.room_id, seq, EIGHT, PEOPLE[author], body))


def topic_set(seq: int, author: str, topic: str, room: RoomInfo = LOBBY) -> it.EventArrived:
    """Make the item of a new topic."""
    body = TopicChanged(topic)
    return it.EventArrived(RoomEvent(room.room_id, seq, EIGHT, PEOPLE[author], body))


def opened(room: RoomInfo = LOBBY, after_seq: int = 0) -> it.RoomOpened:
    """Make the item that opens a room."""
    return it.RoomOpened(room, after_seq)


def live(seq: int, room: RoomInfo = LOBBY) -> it.Live:
    """Make the item that ends a replay."""
    return it.Live(room.room_id, seq)


def here(*names: str, room: RoomInfo = LOBBY) -> it.Presence:
    """Make the picture of who is in a room."""
    return it.Presence(room.room_id, True, tuple(PEOPLE[n] for n in names), (), len(names))


def signed_in(user: User = ANNA, epoch: str = "e1", send_burst: int = 20) -> it.SignedIn:
    """Make the item of a sign-in."""
    return it.SignedIn(user, epoch, Limits(send_burst=send_burst))


def acked(post: PendingPost, seq: int, room: RoomInfo = LOBBY, duplicate: bool = False) -> it.Acked:
    """Make the acknowledgement of a post."""
    msg_id = post.client_msg_id
    return it.Acked(msg_id, room.room_id, seq, EIGHT, msg_id, duplicate)


def goes_to(person: "Person", room: RoomInfo, *names: str) -> list[str]:
    """Go to a conversation the way /dm does: the server says which one it is."""
    enter(person.state, Direct(names))
    return person.told(order_acked(person.writes_order().order_id, room))


def order_acked(order_id: str, room: RoomInfo) -> it.Acked:
    """Make the acknowledgement of another order."""
    return it.Acked(order_id, room.room_id, 0, EIGHT, "")


class Person:
    """Somebody at a client that is not connected yet."""

    def __init__(self) -> None:
        self.state = ChatState("here:1", Outbox("p"))
        self.now = 0.0
        self.given_back: list[str] = []
        self.read_again = 0
        self.other_effects: list[Effect] = []
        self.leaves = False
        self._renderer = Renderer(UTC, date(2025, 11, 20), lambda _: "")

    def told(self, *items: it.Item) -> list[str]:
        """Take in items; give the lines that are seen."""
        lines = []
        for item in items:
            lines += self.sees(apply(self.state, item, self.now))
        return lines

    def sees(self, effects: list[Effect]) -> list[str]:
        """Give the lines of effects; note the other effects."""
        lines = []
        for effect in effects:
            match effect:
                case GiveBack(text):
                    self.given_back.append(text)
                case ReadAgain():
                    self.read_again += 1
                case Strike() | Hide() | KeepIgnored() | LookBack():
                    self.other_effects.append(effect)
                case Quit():
                    self.leaves = True
                case _:
                    rendered = self._renderer.lines(effect, EIGHT)
                    lines += [line.text.replace("\u00a0", " ") for line in rendered]
        return lines

    def writes(self) -> list[PendingPost | PendingOrder]:
        """Give what the session would write now."""
        return self.state.outbox.take_due(self.now)

    def writes_post(self) -> PendingPost:
        """Give the one post that the session would write now."""
        (post,) = self.writes()
        assert isinstance(post, PendingPost)
        return post

    def writes_order(self) -> PendingOrder:
        """Give the one other order that the session would write now."""
        (pending,) = self.writes()
        assert isinstance(pending, PendingOrder)
        return pending

    def texts_written(self) -> list[str]:
        """Give the texts of the posts that the session would write now."""
        return [due.text for due in self.writes() if isinstance(due, PendingPost)]


def connected(send_burst: int = 20) -> Person:
    """Give a person who is in the lobby, which has no events yet, with bob."""
    person = Person()
    person.told(
        signed_in(send_burst=send_burst),
        it.Welcome("e1", ANNA),
        opened(),
        live(0),
        here("anna", "bob"),
    )
    person.state.move_to(LOBBY.room_id)
    return person
