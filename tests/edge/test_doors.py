"""The passwords of rooms: one comparison for each try, whatever there is, and counted."""

import pytest

from chat_service.core import commands as cmd
from chat_service.core.errors import Reason, RefusedError
from chat_service.core.model import RoomKind
from chat_service.edge.limits import DEFAULT_LOGINS
from tests.edge.clients import story
from tests.edge.scene import LOBBY, Scene

AWAY = "192.0.2.1"


class Street:
    """A room with a password, one without, and somebody before their doors."""

    def __init__(self) -> None:
        self.scene = Scene()
        alice = self.scene.joins("alice")
        self.bob = self.scene.joins("bob")
        self.locked, self.bare = (
            self.scene.does(
                cmd.CreateRoom(
                    alice.session_id, "den", RoomKind.PRIVATE, password_hash=password_hash
                )
            ).room_id
            for password_hash in ("hash of open sesame", "")
        )

    async def tries(
        self, target: cmd.Target | int, password: str = "a guess", network: str = ""
    ) -> cmd.JoinRoom:
        """Try a password."""
        target = cmd.RoomById(target) if isinstance(target, int) else target
        order = cmd.JoinRoom(self.bob.session_id, target)
        return await self.scene.doors.tried(order, self.bob.user_id, network, password)


@pytest.fixture
def street() -> Street:
    """Give the street."""
    return Street()


@story
async def test_right_password_opens_its_room() -> None:
    """The order has the hash that was found right, by which the rules let it in."""
    street = Street()
    order = await street.tries(street.locked, "open sesame")
    assert order.password_hash == "hash of open sesame"
    assert street.scene.does(order).room_id == street.locked


@pytest.mark.parametrize("password", ["a guess", "open sesame"])
def test_every_try_is_one_comparison(street: Street, password: str) -> None:
    """Where there is no password or no room, it is compared with that of nobody."""

    @story
    async def tries_all() -> None:
        targets: tuple[cmd.Target | int, ...] = (
            street.bare,
            99,
            LOBBY,
            cmd.RoomByName("den"),
            cmd.Direct(("alice",)),
        )
        for target in targets:
            assert (await street.tries(target, password)).password_hash == ""
        assert street.scene.passwords.compared == [""] * len(targets)
        await street.tries(street.locked, password)
        assert street.scene.passwords.compared[len(targets) :] == ["hash of open sesame"]

    tries_all()


@story
async def test_wrong_passwords_are_delayed_as_sign_ins_are() -> None:
    """At the same room by the same user, whether or not there is one; nothing is compared then."""
    street = Street()
    for room_id in (street.locked, 99):
        for _ in range(DEFAULT_LOGINS.account_failures):
            await street.tries(room_id)
        street.scene.passwords.compared.clear()
        with pytest.raises(RefusedError) as refused:
            await street.tries(room_id, "open sesame")
        assert refused.value.rejection.reason is Reason.LOGIN_DELAYED
        assert refused.value.rejection.retry_after_ms == 1000
        assert street.scene.passwords.compared == []
        street.scene.clock.now += 1
        await street.tries(room_id)


@story
async def test_wrong_passwords_count_for_their_address() -> None:
    """Going from room to room does not help, nor does it to have a right one in between."""
    street = Street()
    for number in range(DEFAULT_LOGINS.address_failures):
        await street.tries(100 + number, network=AWAY)
    with pytest.raises(RefusedError) as refused:
        await street.tries(street.locked, "open sesame", network=AWAY)
    assert refused.value.rejection.reason is Reason.LOGIN_DELAYED
    await street.tries(street.locked, "open sesame", network="198.51.100.1")


@story
async def test_password_that_is_not_tried_counts_as_no_wrong_one() -> None:
    """Where too many are tried at once, one comes again later, however often."""
    street = Street()
    street.scene.passwords.is_full = True
    for _ in range(2 * DEFAULT_LOGINS.address_failures):
        with pytest.raises(RefusedError) as refused:
            await street.tries(street.locked, "open sesame", network=AWAY)
        assert refused.value.rejection.reason is Reason.OVERLOADED
    street.scene.passwords.is_full = False
    assert (await street.tries(street.locked, "open sesame", network=AWAY)).password_hash


@story
async def test_who_is_banned_knows_no_password() -> None:
    """The right one opens nothing and counts as a wrong one, as it does where there is no room."""
    street = Street()
    locked, bob = cmd.RoomById(street.locked), cmd.UserByName("bob")
    street.scene.does(cmd.BanMember(cmd.OPERATOR, locked, bob, 0, "enough"))
    for _ in range(DEFAULT_LOGINS.account_failures):
        assert (await street.tries(street.locked, "open sesame")).password_hash == ""
    with pytest.raises(RefusedError) as refused:
        await street.tries(street.locked, "open sesame")
    assert refused.value.rejection.reason is Reason.LOGIN_DELAYED


@story
async def test_member_needs_no_password() -> None:
    """Nothing is compared for who is in already: its right one would cost work without end."""
    street = Street()
    street.scene.does(await street.tries(street.locked, "open sesame"))
    street.scene.passwords.compared.clear()
    for password in ("open sesame", "a guess"):
        order = await street.tries(street.locked, password, network=AWAY)
        assert street.scene.does(order).room_id == street.locked
    assert street.scene.passwords.compared == []
