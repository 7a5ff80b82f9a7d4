"""Block lists on a real server."""

from pathlib import Path

from chat_protos.chat.v1 import accounts_pb2 as pb
from chat_service.edge.limits import DEFAULT_RATES
from tests.edge.clients import Clock, Server, direct, outcome, refused, story
from tests.edge.ticking import ticking


@story
async def test_who_is_blocked_sends_no_direct_messages(tmp_path: Path) -> None:
    """By name or by id; listed by name; and taken back."""
    async with Server(tmp_path) as server:
        alice, bob, carol = await server.guests("alice", "bob", "Carol")
        blocked = await alice.asks("BlockUser", user=pb.UserTarget(name="BOB"))
        assert (blocked.user.user_id, blocked.user.name) == (bob.user_id, "bob")
        await alice.asks("BlockUser", user=pb.UserTarget(user_id=carol.user_id))
        await alice.asks("BlockUser", user=pb.UserTarget(user_id=carol.user_id))
        listed = (await alice.asks("ListBlockedUsers")).users
        assert [user.name for user in listed] == ["bob", "Carol"]
        refusal = await refused(bob.posts("hi", direct("alice")))
        assert (refusal.code.name, refusal.reason) == ("PERMISSION_DENIED", "BLOCKED")
        await bob.signs_out()
        listed = (await alice.asks("ListBlockedUsers")).users
        assert [user.name for user in listed] == ["Carol"]
        await alice.asks("UnblockUser", user=pb.UserTarget(name="carol"))
        await carol.posts("hi", direct("alice"))
        assert not (await alice.asks("ListBlockedUsers")).users


@story
async def test_who_cannot_be_blocked(tmp_path: Path) -> None:
    """Nobody, nobody that is named, and oneself."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        for target, status, reason in (
            (pb.UserTarget(name="nobody"), "NOT_FOUND", "USER_NOT_FOUND"),
            (pb.UserTarget(user_id="u999"), "NOT_FOUND", "USER_NOT_FOUND"),
            (pb.UserTarget(user_id="alice"), "NOT_FOUND", "USER_NOT_FOUND"),
            (pb.UserTarget(), "INVALID_ARGUMENT", "TARGET_MISSING"),
            (pb.UserTarget(name="alice"), "INVALID_ARGUMENT", "FIELD_INVALID"),
        ):
            refusal = await refused(alice.asks("BlockUser", user=target))
            assert (refusal.code.name, refusal.reason, refusal.fields) == (
                status,
                reason,
                ("user",),
            )


@story
async def test_blocks_cost_as_much_as_messages(tmp_path: Path) -> None:
    """Who blocks and unblocks in a loop is told to wait."""
    async with Server(tmp_path, rate_limits=True, timing=ticking(Clock())) as server:
        alice, _ = await server.guests("alice", "bob")
        bob = pb.UserTarget(name="bob")
        calls = (
            alice.asks("UnblockUser" if number % 2 else "BlockUser", user=bob)
            for number in range(2 * DEFAULT_RATES.sends_burst)
        )
        ends = [await outcome(call) for call in calls]
        assert ends[: DEFAULT_RATES.sends_burst] == [None] * DEFAULT_RATES.sends_burst
        # To take messages that are taken changes nothing, and is free.
        refusals = [end is not None for end in ends[DEFAULT_RATES.sends_burst :]]
        assert refusals == [True, False] * (DEFAULT_RATES.sends_burst // 2)
        refusal = await refused(alice.asks("BlockUser", user=bob))
        assert (refusal.code.name, refusal.reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
