"""Requests to commands, and what they cost."""

from collections.abc import Callable
from typing import Any

import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.decision import too_fast
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import RoomKind, Session, Style
from chat_service.edge.directory import token_hash
from chat_service.edge.ids import room_text
from chat_service.edge.limits import DEFAULT_RATES
from chat_service.edge.orders import Orders
from chat_service.edge.pace import bot_sends_of, joins_of, rooms_of, sends_of
from chat_service.edge.wire import request_hash
from tests.edge.clients import direct, room, room_id, story
from tests.edge.scene import LOBBY, Scene

SENDS = MISTAKES = sends_of(DEFAULT_RATES)
ROOM_JOINS, NEW_ROOMS = joins_of(DEFAULT_RATES), rooms_of(DEFAULT_RATES)

STRANGER = "192.0.2.1"


class Desk:
    """One who gives orders, from another machine."""

    def __init__(self) -> None:
        self.scene = Scene(rate_limits=True)
        self.session: Session = self.scene.joins("alice", "lobby")
        self.scene.joins("bob")
        self.orders: Orders = self.scene.orders(self.session, STRANGER)

    def spends(self, act: Callable[[], Any], times: int) -> None:
        """Do something often."""
        for _ in range(times):
            act()

    def enters(self, target: pb.RoomTarget, times: int) -> None:
        """Make the order to enter a room often."""
        self.spends(lambda: self.orders.join_room(target), times)


@pytest.fixture
def desk() -> Desk:
    """Give one who gives orders."""
    return Desk()


def post(**other: Any) -> pb.Post:
    """Return a post that differs from the usual one in some fields."""
    fields: dict[str, Any] = {"room": room("lobby"), "text": "hi", "client_msg_id": "m1"}
    return pb.Post(**fields | other)


def test_post_becomes_an_order(desk: Desk) -> None:
    """All that was sent is in the order, and the verdict of the rate."""
    said = post(style=pb.MESSAGE_STYLE_ACTION)
    assert desk.orders.post(said) == cmd.PostMessage(
        desk.session.session_id,
        cmd.RoomByName("lobby"),
        Style.ACTION,
        "hi",
        "m1",
        request_hash(said),
        0,
    )


def test_posts_are_paced_by_user(desk: Desk) -> None:
    """Over the burst the order carries its delay; another session of the user shares the rate."""
    desk.spends(lambda: desk.orders.post(post()), SENDS.burst)
    assert desk.orders.post(post()).wait_ms == 200
    window = desk.scene.directory.state.sessions[
        desk.scene.does(cmd.OpenSession(desk.session.session_id, "", b"window", "here")).session_id
    ]
    assert desk.scene.orders(window).post(post()).wait_ms == 200
    desk.scene.clock.now += 0.2
    assert desk.orders.post(post()).wait_ms == 0


def test_retry_is_given_back(desk: Desk) -> None:
    """A post that was stored already costs nothing, but one that was refused gave nothing."""
    desk.spends(lambda: desk.orders.post_was_retry(desk.orders.post(post())), 3 * SENDS.burst)
    desk.spends(lambda: desk.orders.post(post()), SENDS.burst)
    refused = desk.orders.post(post())
    desk.orders.post_was_retry(refused)
    assert desk.orders.post(post()).wait_ms > 0


@pytest.mark.parametrize(
    ("said", "reason", "field"),
    [
        (post(room=None), Reason.TARGET_MISSING, "room"),
        (post(room=pb.RoomTarget()), Reason.TARGET_MISSING, "room"),
        (post(style=7), Reason.FIELD_INVALID, "style"),
    ],
)
def test_post_that_cannot_be_an_order_costs_nothing(
    desk: Desk, said: pb.Post, reason: Reason, field: str
) -> None:
    """A post without a room or of an unknown style is refused before the rate is asked."""
    for _ in range(2 * SENDS.burst):
        with pytest.raises(RefusedError) as refused:
            desk.orders.post(said)
        rejection = refused.value.rejection
        assert (rejection.reason, rejection.field) == (reason, field)
    assert desk.orders.post(post()).wait_ms == 0


def test_mistakes_have_a_rate_of_their_own(desk: Desk) -> None:
    """So many are named; then it is told to wait, which costs neither messages nor a mistake."""
    mistake = Rejection(Reason.TEXT_INVALID, "empty")
    busy = Rejection(Reason.OVERLOADED, "busy", retry_after_ms=7)
    told = [desk.orders.paced(mistake) for _ in range(2 * MISTAKES.burst)]
    assert told[: MISTAKES.burst] == [mistake] * MISTAKES.burst
    assert told[MISTAKES.burst :] == [too_fast(200)] * MISTAKES.burst
    assert desk.orders.paced(busy) is busy
    assert desk.orders.post(post()).wait_ms == 0
    desk.scene.clock.now += 0.2
    assert desk.orders.paced(mistake) is mistake


def test_topic_costs_as_much_as_a_message(desk: Desk) -> None:
    """Topics and posts share a rate, or a topic would be a way around it."""
    topic = pb.SetTopic(room=room("lobby"), topic="new")
    assert desk.orders.set_topic(topic) == cmd.SetTopic(
        desk.session.session_id, cmd.RoomByName("lobby"), "new", 0
    )
    desk.spends(lambda: desk.orders.post(post()), SENDS.burst - 1)
    assert desk.orders.set_topic(topic).wait_ms > 0


def test_leaving_is_free(desk: Desk) -> None:
    """Nobody is kept in a room by a rate."""
    leave = cmd.LeaveRoom(desk.session.session_id, cmd.RoomByName("lobby"))
    assert desk.orders.leave_room(pb.LeaveRoom(room=room("lobby"))) == leave


def test_entering_rooms_is_paced(desk: Desk) -> None:
    """New memberships have a rate of their own."""
    desk.scene.does(cmd.OpenGuest("carol", b"carol", "here", "club"))
    desk.enters(room("club"), ROOM_JOINS.burst)
    assert desk.orders.join_room(room("club")).wait_ms == 5000
    assert desk.orders.post(post()).wait_ms == 0


def test_entering_again_is_free(desk: Desk) -> None:
    """Rooms of one's own cost nothing, in each of the ways to name them: resuming is free."""
    secret = desk.scene.opens_direct(desk.session, "bob")
    own = (room("LOBBY"), room_id(f"r{LOBBY}"), room_id(room_text(secret)), direct("Bob"))
    for target in own:
        desk.enters(target, 2 * ROOM_JOINS.burst)
    desk.enters(room("club"), ROOM_JOINS.burst)
    assert {desk.orders.join_room(target).wait_ms for target in own} == {0}
    assert desk.orders.join_room(direct("bob", "nobody")).wait_ms > 0


def test_opening_rooms_is_paced_by_address(desk: Desk) -> None:
    """New rooms have a rate by address, shared by its users; the machine itself has none."""
    bob = desk.scene.directory.session_of("bob", 0)
    neighbour = desk.scene.orders(bob, STRANGER)
    desk.spends(lambda: neighbour.join_room(room("new")), NEW_ROOMS.burst)
    assert desk.orders.join_room(room("new")).room_wait_ms == 360_000
    assert desk.orders.join_room(room("lobby")).room_wait_ms == 0
    assert desk.orders.join_room(room_id("r99")).room_wait_ms == 0
    assert desk.scene.orders(bob).join_room(room("new")).room_wait_ms == 0


def test_name_that_no_room_can_have_costs_no_room(desk: Desk) -> None:
    """Who mistypes a name may open rooms afterwards all the same."""
    desk.enters(room("no room"), 2 * NEW_ROOMS.burst)
    assert desk.orders.join_room(room("new")).room_wait_ms == 0


@pytest.mark.parametrize("target", [None, pb.RoomTarget()])
def test_order_needs_a_room(desk: Desk, target: pb.RoomTarget | None) -> None:
    """Each order about a room is refused without one."""
    for give in (
        lambda: desk.orders.join_room(target or pb.RoomTarget()),
        lambda: desk.orders.leave_room(pb.LeaveRoom(room=target)),
        lambda: desk.orders.set_topic(pb.SetTopic(room=target)),
    ):
        with pytest.raises(RefusedError) as refused:
            give()
        assert refused.value.rejection.reason is Reason.TARGET_MISSING


def test_longest_id_is_that_of_the_limits(desk: Desk) -> None:
    """Ids of clients are bounded by what the state says."""
    assert desk.orders.longest_id == desk.scene.directory.state.limits.client_id_bytes == 64


def test_bot_that_was_granted_it_sends_faster(desk: Desk) -> None:
    """The rate of bots is for a bot that somebody vouches for, until it is taken back."""
    bot_burst = bot_sends_of(DEFAULT_RATES).burst
    for name, fast, burst in (("slow", False, SENDS.burst), ("fast", True, bot_burst)):
        bot = desk.scene.becomes_bot(desk.scene.joins(name, "lobby"), fast=fast)
        orders = desk.scene.orders(bot, STRANGER)
        waits = [orders.post(post()).wait_ms for _ in range(burst + 1)]
        assert (waits[:-1], waits[-1] > 0) == ([0] * burst, True)
        topic = pb.SetTopic(room=room("lobby"), topic="tea")
        assert orders.set_topic(topic).wait_ms > 0
    desk.scene.becomes_bot(bot, fast=False)
    assert orders.post(post()).wait_ms == 0


def test_retry_gives_back_to_the_rate_of_bots(desk: Desk) -> None:
    """What a bot's retry cost goes back to where it was taken from."""
    bot = desk.scene.becomes_bot(desk.scene.joins("robot", "lobby"), fast=True)
    orders = desk.scene.orders(bot, STRANGER)
    for _ in range(bot_sends_of(DEFAULT_RATES).burst):
        last = orders.post(post())
    orders.post_was_retry(last)
    assert [orders.post(post()).wait_ms > 0 for _ in range(2)] == [False, True]


def test_codes_cost_as_much_as_entering(desk: Desk) -> None:
    """The order has the hash of the code alone, and the verdict of the rate of joins."""
    order = desk.orders.join_by_invite("a code")
    assert order == cmd.JoinByInvite(desk.session.session_id, token_hash("a code"), 0)
    desk.spends(lambda: desk.orders.join_by_invite("another"), ROOM_JOINS.burst)
    assert desk.orders.join_by_invite("a code").wait_ms > 0


def test_code_leads_nowhere_once_it_is_not_good(desk: Desk) -> None:
    """When its time is over, and for who is banned from its room: nothing is told of that."""
    scene = desk.scene
    olga = scene.joins("olga")
    opened = cmd.CreateRoom(olga.session_id, "den", RoomKind.PRIVATE)
    den = cmd.RoomById(scene.does(opened).room_id)
    scene.does(cmd.CreateInvite(olga.session_id, den, token_hash("a code"), 1, 60_000))
    assert desk.orders.room_of_code("a code") == den.room_id
    target = cmd.UserById(desk.session.user_id)
    scene.does(cmd.BanMember(olga.session_id, den, target, 1_000, ""))
    assert desk.orders.room_of_code("a code") is None
    scene.clock.now += 1
    assert desk.orders.room_of_code("a code") == den.room_id
    scene.clock.now += 60
    assert desk.orders.room_of_code("a code") is None


@story
async def test_password_is_not_tried_over_the_rate() -> None:
    """Who enters too fast is told so before anything is compared."""
    desk = Desk()
    desk.enters(room_id("r99"), ROOM_JOINS.burst)
    order = desk.orders.join_room(room_id("r99"))
    with pytest.raises(RefusedError) as refused:
        await desk.orders.opened_by(order, "open sesame")
    assert refused.value.rejection == too_fast(order.wait_ms)
    assert desk.scene.passwords.compared == []


def test_hello_names_rooms_that_may_be_read(desk: Desk) -> None:
    """By its id a room must be visible; by its name it is entered."""
    desk.orders.check_visible(room("anything"))
    desk.orders.check_visible(room_id(room_text(LOBBY)))
    for target in (room_id("r99"), room_id("nonsense")):
        with pytest.raises(RefusedError) as refused:
            desk.orders.check_visible(target)
        assert refused.value.rejection.reason is Reason.ROOM_NOT_FOUND
