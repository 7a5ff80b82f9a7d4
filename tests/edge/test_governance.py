"""Order on the server over the wire: calls of admins, and streams that are open meanwhile."""

from pathlib import Path
from typing import Any, Self

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.config import ServerLimits
from chat_service.edge.limits import AddressLimits
from tests.edge.clients import Guest, Server, hello, place, refused, story
from tests.edge.order import admin, asks, has_admins
from tests.edge.rooms import named

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("RemoveUser", {"user": named("bob")}),
    ("BanUser", {"user": named("bob")}),
    ("UnbanUser", {"name": "bob"}),
    ("BanNetwork", {"network": "192.0.2.1"}),
    ("UnbanNetwork", {"network": "192.0.2.1"}),
    ("SetLockdown", {}),
    ("SetAdmin", {"user": named("bob"), "admin": True}),
    ("SetDeactivated", {"user": named("bob")}),
    ("SetFast", {"user": named("bob")}),
    ("ListServerBans", {}),
    ("ListAuditEntries", {}),
]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Give the data of a server with two admins, ada and bea."""
    has_admins(tmp_path, "ada", "bea")
    return tmp_path


@pytest.mark.parametrize("method", ["RemoveUser", "BanUser"])
@story
async def test_user_is_removed_from_every_stream(data_dir: Path, method: str) -> None:
    """Chat and Subscribe of each session end with the words; no token works any more."""
    async with Server(data_dir) as server:
        ada, bob = admin(server, "ada"), await server.guest("bob")
        window = await server.joins("bob", token=bob.token)
        await (await window.opens("lobby")).begun()
        script = await bob.subscribes(place("lobby"))
        await script.begun()
        asleep = await server.joins("bob", token=bob.token)
        answer = await asks(ada, method, user=named("bob"), reason="spam")
        banned = method == "BanUser"
        words = "you are banned from this server" if banned else "you were removed by ada"
        for stream in (bob.chat, window.chat, script):
            end = await stream.end()
            assert end is not None
            assert (end.code, end.reason, end.message) == (
                grpc.StatusCode.PERMISSION_DENIED,
                "BANNED" if banned else "KICKED",
                f"{words}: spam",
            )
        told = await refused(asleep.posts("hello"))
        assert (told.reason, told.message) == ("BANNED" if banned else "KICKED", f"{words}: spam")
        for guest in (bob, window, asleep):
            assert (await refused(guest.posts("hello"))).reason == "TOKEN_INVALID"
        if not banned:
            assert answer.sessions == 3
            await server.guest("bob")
            return
        for name in ("bob", "BOB"):
            assert (await refused(server.joins(name))).reason == "BANNED"
        await asks(ada, "UnbanUser", name="Bob")
        await server.guest("bob")


@story
async def test_others_may_not(data_dir: Path) -> None:
    """Each call is refused to who is no admin, whomever it names, and without a token."""
    async with Server(data_dir) as server:
        bob = await server.guest("bob")
        nobody = Guest(server.address, server.channel(), pb.JoinResponse())
        for method, fields in CALLS:
            refusal = await refused(asks(bob, method, **fields))
            assert (refusal.code, refusal.reason) == (
                grpc.StatusCode.PERMISSION_DENIED,
                "ADMIN_NEEDED",
            ), method
            assert (await refused(asks(nobody, method, **fields))).reason == "TOKEN_MISSING", method


@story
async def test_admins_among_themselves(data_dir: Path) -> None:
    """None acts on another; one steps down, the last does not."""
    async with Server(data_dir) as server:
        ada, bea = admin(server, "ada"), admin(server, "bea")
        for method, fields in CALLS:
            if "user" in fields:
                fields = fields | {"user": named("bea")}
                refusal = await refused(asks(ada, method, **fields))
                assert refusal.reason == "ROLE_TOO_HIGH", method
        await asks(bea, "SetAdmin", user=named("bea"))
        assert (await refused(asks(bea, "ListServerBans"))).reason == "ADMIN_NEEDED"
        refusal = await refused(asks(ada, "SetAdmin", user=named("ada")))
        assert (refusal.code, refusal.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "LAST_ADMIN",
        )
        await asks(ada, "SetAdmin", user=named("bea"), admin=True)
        await asks(bea, "ListServerBans")


@story
async def test_lockdown_holds_over_a_restart(data_dir: Path) -> None:
    """No guest comes until it is lifted; those who are here stay."""
    async with Server(data_dir) as server:
        ada, bob = admin(server, "ada"), await server.joins("bob")
        await asks(ada, "SetLockdown", guests=True, registrations=True, reason="flood")
        for _ in range(2):
            assert (await refused(server.joins("carol"))).reason == "GUESTS_REFUSED"
            await bob.posts("still here")
            await server.restarts()
            ada, bob = await server.again(ada), await server.again(bob)
        await asks(ada, "SetLockdown")
        await server.joins("carol")


@story
async def test_accounts_and_bots(data_dir: Path) -> None:
    """A closed account has no token any more; opened it may sign in; a guest is neither."""
    async with Server(data_dir) as server:
        ada, bea = admin(server, "ada"), admin(server, "bea")
        await server.guest("bob")
        await asks(bea, "SetAdmin", user=named("bea"))
        chat = await bea.opens("lobby")
        await asks(ada, "SetDeactivated", user=named("bea"), deactivated=True, reason="left")
        assert await chat.end() is not None
        assert (await refused(bea.posts("hello"))).code is grpc.StatusCode.UNAUTHENTICATED
        await asks(ada, "SetDeactivated", user=named("bea"))
        for method, reason in (("SetDeactivated", "NOT_AN_ACCOUNT"), ("SetFast", "NOT_A_BOT")):
            refusal = await refused(asks(ada, method, user=named("bob")))
            assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", reason)


PROXY = ServerLimits(addresses=AddressLimits(proxies=("127.0.0.0/8",)))


class Traveller(Guest):
    """Somebody behind a proxy that tells an address."""

    host = "198.51.100.1"

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What each call carries."""
        return (*super().metadata, ("x-forwarded-for", self.host))

    def moves(self, host: str) -> Self:
        """Come from somewhere else from now on."""
        self.host = host
        return self


@story
async def test_network_is_shut_out(data_dir: Path) -> None:
    """Its streams end, its calls are refused with and without a token, but those of admins."""
    async with Server(data_dir, limits=PROXY) as server:
        ada = Traveller(server.address, server.channel(), admin(server, "ada").joined)
        joined = (await server.joins("bob")).joined
        bob = Traveller(server.address, server.channel(), joined).moves("192.0.2.77")
        chat = await bob.opens("lobby")
        script = await bob.subscribes(place("lobby"))
        own = await refused(asks(ada, "BanNetwork", network="198.51.100.0/24"))
        assert (own.code, own.reason, own.fields) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "NETWORK_IS_YOURS",
            ("network",),
        )
        answer = await asks(ada, "BanNetwork", network="192.0.2.9/24", duration_ms=3_600_000)
        assert (answer.network, answer.streams) == ("192.0.2.0/24", 2)
        for stream in (chat, script):
            end = await stream.end()
            assert end is not None
            assert (end.code, end.reason, end.metadata["until_ms"]) == (
                grpc.StatusCode.PERMISSION_DENIED,
                "BANNED",
                str(answer.until_ms),
            )
        for method, request in (
            ("PostMessage", pb.PostMessageRequest()),
            ("ListRooms", pb.ListRoomsRequest()),
            ("SignOut", pb.SignOutRequest()),
            ("Join", pb.JoinRequest(name="bob")),
        ):
            assert (await refused(bob.calls(method, request))).reason == "BANNED", method
        again = await bob.dials()
        await again.send(hello("lobby"))
        end = await again.end()
        assert end is not None
        assert end.reason == "BANNED"
        await asks(ada.moves("192.0.2.1"), "ListServerBans")
        await bob.moves("203.0.113.1").posts("from elsewhere")
        await asks(ada, "UnbanNetwork", network="192.0.2.0/24")
        await bob.moves("192.0.2.77").posts("back again")
