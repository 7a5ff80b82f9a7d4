"""Passwords, tokens and codes are nowhere to be found: not on the disk, not in the log."""

import logging
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chat_protos.chat.v1 import accounts_pb2 as pb
from chat_service.codes import code_hash, new_code
from chat_service.core.limits import INVITE, Limits
from chat_service.logs import JsonFormatter, TextFormatter
from tests.edge.clients import CHEAP, Server, refused, story


class Written(logging.Handler):
    """All that the log has written, in both formats."""

    def __init__(self) -> None:
        super().__init__()
        self._formats = TextFormatter("here"), JsonFormatter("here")
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += (one.format(record) for one in self._formats)


@pytest.fixture
def written() -> Iterator[Written]:
    """Have every line kept, at the levels that `--log-level debug` gives."""
    root, ours = logging.getLogger(), logging.getLogger("chat_service")
    written, before = Written(), ours.level
    ours.setLevel(logging.DEBUG)
    root.addHandler(written)
    yield written
    root.removeHandler(written)
    ours.setLevel(before)


class Secrets:
    """Makes secrets, and remembers them."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def password(self) -> str:
        """Return a new password."""
        return self.known(f"p {secrets.token_hex(12)}")

    def known(self, secret: str) -> str:
        """Remember a secret that somebody else has made."""
        self.all.append(secret)
        return secret


async def live(server: Server, known: Secrets, owner_code: str) -> None:
    """Use every secret that there is, well and badly."""
    password, changed = known.password(), known.password()
    wrong = known.password()
    chief = await server.registers("chief", password, owner_code=owner_code)
    known.known(chief.token)
    code = known.known((await chief.asks("CreateInvite", uses=3)).code)
    alice = await server.registers("alice", known.password(), invite_code=code)
    known.known(alice.token)
    for name in ("chief", "nobody", wrong):
        await refused(server.joins(name, password=wrong))
    await refused(server.registers("bob", wrong, invite_code=known.password()))
    await refused(server.registers("bob", wrong, owner_code=known.password()))
    await refused(server.joins("", token=known.password()))
    await refused(chief.asks("ChangePassword", old_password=wrong, new_password=changed))
    await chief.asks("ChangePassword", old_password=password, new_password=changed)
    known.known((await server.joins("chief", password=changed)).token)
    await chief.asks("CreateBot", name="robot")
    made = await chief.asks("CreateApiToken", bot="robot", scopes=[pb.SCOPE_READ])
    robot = await server.joins("", token=known.known(made.token))
    known.known(robot.token)
    await robot.opens("lobby")
    await refused(alice.asks("DeactivateAccount", password=wrong))


@story
async def test_no_secret_is_found_again(tmp_path: Path, written: Written) -> None:
    """In every file of the data directory while the server runs and after it, and in each line.

    What is there is argon2id and hashes: the search finds the names of the accounts.
    """
    known = Secrets()
    owner_code = known.known(new_code())
    server = Server(
        tmp_path,
        limits=replace(CHEAP, core=Limits(registration=INVITE)),
        owner_code_hash=code_hash(owner_code).hex(),
    )
    async with server:
        await live(server, known, owner_code)
        while_running = contents(tmp_path)
        await server.restarts()
    after = contents(tmp_path)
    assert len(known.all) == len(set(known.all)) >= 14
    for place in (while_running, after, *(line.encode() for line in written.lines)):
        for secret in known.all:
            assert secret.encode() not in place
            assert secret.replace("-", "").encode() not in place
    assert b"robot" in after
    assert after.count(b"$argon2id$v=19$") >= 2
    assert any("password refused" in line for line in written.lines)


def contents(directory: Path) -> bytes:
    """Return all files of a directory, one behind the other."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return b"\n".join(path.read_bytes() for path in files)
