"""Calls of ModerationService by people of a real server, some of whom are its admins."""

from pathlib import Path
from typing import Any

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import moderation_pb2
from chat_protos.chat.v1 import moderation_pb2_grpc as stubs
from chat_service.core import commands as cmd
from chat_service.core.decision import Answer
from chat_service.core.limits import Limits
from chat_service.edge.directory import token_hash
from chat_service.log.contract import Commit
from chat_service.log.sqlite import SqliteLog
from chat_service.wiring import INSTANCE, wall_clock_ms
from tests.edge.clients import PATIENCE, Guest, Server


# Any: each method has its own messages, whose fields are given by name.
async def asks(guest: Guest, method: str, **fields: Any) -> Any:
    """Make a call of ModerationService."""
    request = getattr(moderation_pb2, f"{method}Request")(**fields)
    stub = stubs.ModerationServiceStub(guest.channel)
    return await getattr(stub, method)(request, metadata=guest.metadata, timeout=PATIENCE)


def has_admins(data_dir: Path, *names: str) -> None:
    """Let there be admins on a server that has not started yet; their tokens are their names."""
    commits: list[Commit] = []
    data_dir.mkdir(exist_ok=True)
    log = SqliteLog(
        data_dir / "chat.sqlite3",
        clock=wall_clock_ms,
        on_commit=commits.append,
        on_failure=_fail,
    )
    orders: list[cmd.Command] = [cmd.StartInstance(INSTANCE, "epoch", Limits(), "lobby")]
    for number, name in enumerate(names, start=1):
        made = cmd.Register(0, name, "#", b"", INSTANCE, by_operator=True, admin=True)
        orders += [made, cmd.SignIn(number, "#", "", token_hash(name), INSTANCE)]
    log.submit(1, tuple(orders))
    log.close()
    outcomes = [outcome for commit in commits for _, found in commit.answers for outcome in found]
    assert len(outcomes) == len(orders)
    assert all(isinstance(outcome, Answer) for outcome in outcomes), outcomes


def _fail(error: BaseException) -> None:
    raise error


def admin(server: Server, name: str) -> Guest:
    """Return an admin who is signed in, on a connection of its own."""
    joined = pb.JoinResponse(token=name, user=pb.User(name=name))
    return Guest(server.address, server.channel(), joined)
