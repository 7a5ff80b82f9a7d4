"""Whether time tells a private room from none; and whether that would be noticed."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from chat_protos.chat.v1 import (
    accounts_pb2,
    accounts_pb2_grpc,
    rooms_pb2,
    rooms_pb2_grpc,
)
from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from tests.chaos.figures import Figures
from tests.chaos.paired import compare
from tests.chaos.scale import Scale
from tests.chaos.server import Server

PATIENCE = 20.0
# As many as a machine takes that is busy with other things: on an idle one 30 suffice.
ENOUGH_PAIRS = 3000
# Ids of as many digits: neither is a room of the stranger's.
HIDDEN, UNKNOWN = "r2", "r9"

# Makes one call of a stranger about a room, which is refused.
Ask = Callable[[str], object]


@contextmanager
def stranger(server: Server) -> Iterator[dict[str, Ask]]:
    """Let there be a private room, with people and words; give the calls of somebody outside."""
    with grpc.insecure_channel(server.address) as channel:
        chat, rooms = stubs.ChatServiceStub(channel), rooms_pb2_grpc.RoomServiceStub(channel)

        def joins(name: str) -> tuple[tuple[str, str], ...]:
            token = chat.Join(pb.JoinRequest(name=name), timeout=PATIENCE).token
            return (("authorization", f"Bearer {token}"),)

        olga, otto = joins("olga"), joins("otto")
        made = rooms.CreateRoom(
            rooms_pb2.CreateRoomRequest(name="den", kind=pb.ROOM_KIND_PRIVATE),
            metadata=olga,
            timeout=PATIENCE,
        )
        assert made.room.room_id == HIDDEN
        for number in range(20):
            post = pb.Post(room=target(HIDDEN), text="hello", client_msg_id=f"m{number}")
            chat.PostMessage(pb.PostMessageRequest(post=post), metadata=olga, timeout=PATIENCE)

        def refused(call: Callable[..., object], request: object) -> None:
            with pytest.raises(grpc.RpcError) as refusal:
                call(request, metadata=otto, timeout=PATIENCE)
            error = refusal.value
            assert isinstance(error, grpc.Call)
            assert error.code() is grpc.StatusCode.NOT_FOUND

        whom = accounts_pb2.UserTarget(name="olga")
        yield {
            "GetRoom": lambda room_id: refused(
                rooms.GetRoom, rooms_pb2.GetRoomRequest(room=target(room_id))
            ),
            "ListMessages": lambda room_id: refused(
                chat.ListMessages, pb.ListMessagesRequest(room=target(room_id))
            ),
            "PostMessage": lambda room_id: refused(
                chat.PostMessage,
                pb.PostMessageRequest(
                    post=pb.Post(room=target(room_id), text="hi", client_msg_id="x")
                ),
            ),
            "InviteUser": lambda room_id: refused(
                rooms.InviteUser, rooms_pb2.InviteUserRequest(room=target(room_id), user=whom)
            ),
        }


def target(room_id: str) -> pb.RoomTarget:
    """Name a room by its id."""
    return pb.RoomTarget(room_id=room_id)


def test_time_tells_nothing_of_a_private_room(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """In pairs of calls, that about the room is the longer one as often as that about none."""
    told = []
    with Server(tmp_path) as server, stranger(server) as calls:
        for name, ask in calls.items():
            found = compare(lambda: ask(UNKNOWN), lambda: ask(HIDDEN), scale.pairs, chance)  # noqa: B023 # used up within the step
            figures[f"{name}: room longer in"] = f"{found.second_longer} of {found.pairs}"
            figures[f"{name}: none, room (ms)"] = (
                f"{found.first_s * 1000:.2f}, {found.second_s * 1000:.2f}"
            )
            told += [name] if found.is_told else []
    assert told == []


# Hashes that take about as long as the rest of a call, so that one too many would show.
CHEAP = {"CHAT_SERVER_PASSWORDS_MEMORY": "1M", "CHAT_SERVER_PASSWORDS_PASSES": "1"}
# No delays while it is tried.
PATIENT = {"CHAT_SERVER_LOGINS_ACCOUNT_FAILURES": "1000"}


@contextmanager
def guesser(server: Server) -> Iterator[Ask]:
    """Let there be an account; give the sign-in by a wrong password under any name."""
    with grpc.insecure_channel(server.address) as channel:
        accounts = accounts_pb2_grpc.AccountServiceStub(channel)
        request = accounts_pb2.RegisterRequest(name="olga", password="correct horse")
        accounts.Register(request, timeout=PATIENCE)
        chat = stubs.ChatServiceStub(channel)

        def guess(name: str) -> None:
            with pytest.raises(grpc.RpcError) as refusal:
                chat.Join(pb.JoinRequest(name=name, password="wrong horse"), timeout=PATIENCE)
            error = refusal.value
            assert isinstance(error, grpc.Call)
            assert error.code() is grpc.StatusCode.UNAUTHENTICATED

        yield guess


def test_time_tells_nothing_of_an_account(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """A wrong password takes as long for an account as for a name that nobody has."""
    # A guess more than these pairs make would be delayed.
    pairs = min(scale.pairs, 990)
    with Server(tmp_path, environment=CHEAP | PATIENT) as server, guesser(server) as guess:
        found = compare(lambda: guess("otto"), lambda: guess("olga"), pairs, chance)
    figures["account longer in"] = f"{found.second_longer} of {found.pairs}"
    figures["none, account (ms)"] = f"{found.first_s * 1000:.2f}, {found.second_s * 1000:.2f}"
    assert not found.is_told


def test_slower_secrets_are_noticed(
    tmp_path: Path, chance: random.Random, figures: Figures
) -> None:
    """A server that thinks longer about a room that is there is found out."""
    with Server(tmp_path, fault="slow-secret") as server, stranger(server) as calls:
        ask = calls["GetRoom"]
        found = compare(
            lambda: ask(UNKNOWN), lambda: ask(HIDDEN), ENOUGH_PAIRS, chance, until_told=True
        )
    figures["room longer in"] = f"{found.second_longer} of {found.pairs}"
    assert found.is_told


@pytest.mark.parametrize("slower", [0, 1])
def test_coin_and_no_coin(slower: int, chance: random.Random) -> None:
    """Equal calls are told apart by nobody; one that takes longer is, whichever it is."""
    counts = [0, 0]

    def spend(which: int) -> None:
        for number in range(3000 if which == slower else 30):
            counts[which] += number

    # One and the same, and long beside the clock's step: two functions that do nothing differ
    # by where they lie in memory, and in ten nanoseconds that is seen.
    alike = compare(lambda: spend(slower), lambda: spend(slower), 1000, chance)
    assert not alike.is_told
    found = compare(lambda: spend(0), lambda: spend(1), 200, chance)
    assert found.is_told
    assert (found.deviation > 0) is bool(slower)
