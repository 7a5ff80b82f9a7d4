"""Who is kept out of the server, and let in again."""

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.errors import Reason
from chat_service.core.limits import MAX_DURATION_MS, Limits
from chat_service.core.model import FOREVER_MS
from tests.core.scene import INSTANCE, Scene, post
from tests.core.test_administration import named


def town(limits: Limits | None = None) -> tuple[Scene, int]:
    """Return a scene with an admin, and the session of that admin."""
    scene = Scene(limits)
    return scene, scene.account("ada", admin=True)


def ban(by: int, name: str, duration_ms: int = 0, reason: str = "") -> cmd.BanUser:
    """Return the order to ban a user."""
    return cmd.BanUser(by, named(name), duration_ms, reason)


def test_account_is_banned_with_its_bots() -> None:
    """All sessions and tokens end, each user is told, and nobody comes back by any way."""
    scene, ada = town()
    carol = scene.account("carol")
    robot = scene.bot(carol, "robot")
    ids = [scene.user_of(one) for one in (carol, robot)]
    events = scene.happened(ban(ada, "CAROL", 1000, "spam"))
    until_ms = scene.now_ms + 1000
    first, *rest, entry = events
    assert first == ev.UserBanned(scene.now_ms, "carol", until_ms, "spam", 1, "ada")
    assert [e for e in rest if isinstance(e, ev.UserKicked)] == [
        ev.UserKicked(scene.now_ms, user_id, "spam", "ada", True) for user_id in ids
    ]
    assert isinstance(entry, ev.Audited)
    assert (entry.action, entry.target_name, entry.until_ms, entry.reason) == (
        "server-ban",
        "carol",
        until_ms,
        "spam",
    )
    assert not any(scene.state.sessions_of.get(user_id) for user_id in ids)
    assert scene.why_not(post(robot, "lobby")) is Reason.SESSION_ENDED
    stored = scene.state.accounts[ids[0]].password_hash
    back = cmd.SignIn(ids[0], stored, "", b"new", INSTANCE)
    scene.pass_time(999)
    assert scene.why_not(back) is Reason.BANNED
    scene.pass_time(1)
    scene.ok(back)


def test_bot_shares_the_ban_of_its_owner() -> None:
    """A token of a bot that was made meanwhile would open nothing."""
    scene, ada = town()
    carol = scene.account("carol")
    robot = scene.bot(carol, "robot")
    scene.happens(ev.UserBanned(scene.now_ms, "carol", FOREVER_MS, "", 0, ""))
    opened = cmd.OpenSession(robot, "", b"new", INSTANCE)
    assert scene.why_not(opened) is Reason.BANNED
    scene.ok(cmd.UnbanUser(ada, "carol"))
    scene.ok(opened)


def test_name_of_a_guest_is_kept_out() -> None:
    """The guest is gone for ever; nobody of that name comes, in whatever case, nor registers."""
    scene, ada = town()
    eve = scene.guest("Eve", room="lobby")
    answer = scene.ok(ban(ada, "eve"))
    assert (answer.sessions, answer.until_ms, answer.name) == (1, FOREVER_MS, "Eve")
    assert eve not in scene.state.sessions
    for name in ("eve", "EVE"):
        assert scene.why_not(cmd.OpenGuest(name, b"t", INSTANCE)) is Reason.BANNED
        register = cmd.Register(0, name, "#", b"t", INSTANCE)
        assert scene.why_not(register) is Reason.BANNED
    lifted, entry = scene.happened(cmd.UnbanUser(ada, "EVE"))
    assert lifted == ev.UserUnbanned(scene.now_ms, "Eve")
    assert isinstance(entry, ev.Audited)
    assert (entry.action, entry.target_name) == ("server-unban", "Eve")
    scene.guest("eve")


def test_lifting_nothing_has_no_effect() -> None:
    """A name or a network that is not banned, or not any more, is no event."""
    scene, ada = town()
    scene.guest("eve")
    scene.ok(ban(ada, "eve", 5))
    scene.ok(cmd.BanNetwork(ada, "192.0.2.1", 5, ""))
    scene.pass_time(5)
    for order in (
        cmd.UnbanUser(ada, "eve"),
        cmd.UnbanUser(ada, "nobody"),
        cmd.UnbanNetwork(ada, "192.0.2.1"),
        cmd.UnbanNetwork(ada, "198.51.100.1"),
    ):
        assert scene.happened(order) == ()


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
        ("2001:DB8:0::1", "2001:db8::1/128"),
        ("2001:db8::1/32", "2001:db8::/32"),
    ],
)
def test_network_has_one_form(typed: str, stored: str) -> None:
    """However it is typed, it is stored, listed, found and lifted as the same network."""
    scene, ada = town()
    answer = scene.ok(cmd.BanNetwork(ada, typed, 1000, "flood"))
    assert (answer.name, answer.until_ms) == (stored, scene.now_ms + 1000)
    assert list(scene.state.network_bans.snapshot()) == [stored]
    inside = typed.partition("/")[0]
    guest = cmd.OpenGuest("eve", b"t", INSTANCE, address=inside)
    assert scene.why_not(guest) is Reason.BANNED
    lifted, entry = scene.happened(cmd.UnbanNetwork(ada, typed))
    assert lifted == ev.NetworkUnbanned(scene.now_ms, stored)
    assert isinstance(entry, ev.Audited)
    assert (entry.action, entry.details) == ("network-unban", stored)
    scene.ok(guest)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "eve",
        "192.0.2",
        "192.0.2.0/33",
        "192.0.2.0/-1",
        "10.0.0.0/7",
        "0.0.0.0/0",
        "::/0",
        "2000::/18",
        "::ffff:0:0/96",
        "fe80::1%eth0",
        " 192.0.2.1",
        "192.0.2.1\n",
        "\u0661.1.1.1",
        "2001:db8::/32" + " " * 99,
    ],
)
def test_what_is_no_network(typed: str) -> None:
    """What is none, and what is larger than anybody means, is refused."""
    scene, ada = town()
    for order in (cmd.BanNetwork(ada, typed, 0, ""), cmd.UnbanNetwork(ada, typed)):
        rejection = scene.refused(order)
        assert (rejection.reason, rejection.field) == (Reason.FIELD_INVALID, "network")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::5", "2001:db8::/32"),
    ],
)
def test_nobody_shuts_itself_out(address: str, network: str) -> None:
    """The network that an order comes from is not banned by it; beside it, it is."""
    scene, ada = town()
    own = cmd.BanNetwork(ada, network, 0, "", address)
    rejection = scene.refused(own)
    assert (rejection.reason, rejection.field) == (Reason.NETWORK_IS_YOURS, "network")
    scene.ok(cmd.BanNetwork(ada, "198.51.100.0/24", 0, "", address))
    scene.ok(cmd.BanNetwork(cmd.OPERATOR, network, 0, ""))


def test_durations_and_reasons() -> None:
    """As those in rooms: ten years at most, one line; refused, nothing happens."""
    scene, ada = town()
    scene.guest("eve")
    for wrong in (-1, MAX_DURATION_MS + 1):
        for order in (ban(ada, "eve", wrong), cmd.BanNetwork(ada, "192.0.2.1", wrong, "")):
            assert scene.refused(order).field == "duration_ms"
    for words in ("a\nb", "é" * 196):
        for order in (ban(ada, "eve", 0, words), cmd.BanNetwork(ada, "192.0.2.1", 0, words)):
            assert scene.refused(order).field == "reason"
    assert not scene.state.user_bans.snapshot()


def test_bans_of_the_server_are_bounded() -> None:
    """Names and networks together; what is over makes room, and a ban can be replaced."""
    scene, ada = town(Limits(bans_of_server=2))
    for name in ("eve", "fay", "gus"):
        scene.guest(name)
    scene.ok(ban(ada, "eve", 10))
    scene.ok(cmd.BanNetwork(ada, "192.0.2.1", 20, ""))
    full = (ban(ada, "fay"), cmd.BanNetwork(ada, "192.0.2.2", 0, ""))
    for order in full:
        assert scene.why_not(order) is Reason.TOO_MANY_BANS
    scene.ok(cmd.BanNetwork(ada, "192.0.2.1/32", 15, ""))
    scene.pass_time(10)
    scene.ok(full[0])
    assert list(scene.state.user_bans.snapshot()) == ["fay"]
    assert scene.why_not(full[1]) is Reason.TOO_MANY_BANS
    scene.pass_time(5)
    scene.ok(full[1])
    assert list(scene.state.network_bans.snapshot()) == ["192.0.2.2/32"]


def test_repeated_ban_replaces_the_one_before() -> None:
    """Of an account that is banned already, the end and the reason are those of the last."""
    scene, ada = town()
    scene.account("carol")
    scene.ok(ban(ada, "carol", 0, "one"))
    scene.ok(ban(ada, "carol", 5, "two"))
    found = scene.state.user_bans["carol"]
    assert (found.until_ms, found.reason) == (scene.now_ms + 5, "two")
