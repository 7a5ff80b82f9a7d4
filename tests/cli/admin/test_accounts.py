"""`chat_cli.admin.accounts`: what is asked and printed, against a service in memory."""

import getpass
import io
import json
import sys
from pathlib import Path

import pytest

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import chat_pb2 as chat
from chat_protos.chat.v1.moderation_pb2 import AuditEntry
from tests.cli.admin.fake_admin import MADE, NOON_MS, FakeAdmin
from tests.cli.admin.test_commands import EVIL, Printed, printed, refused


@pytest.fixture
def fake(nest: Path) -> FakeAdmin:
    """Give a service with one instance that serves, and some people."""
    fake = FakeAdmin(nest / "admin.sock")
    first = fake.instance(50051)
    first.user("alice", sessions=2)
    first.user("7")
    fake.instance(50052, pb.INSTANCE_STATE_STOPPED)
    return fake


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give what is typed at hidden prompts, one after the other, on a terminal."""
    lines: list[str] = []

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda _: lines.pop(0))
    return lines


def test_code_is_made_and_told(fake: FakeAdmin, capsys: Printed) -> None:
    """The code comes first on its line."""
    (line,) = printed(fake, capsys, "owner-code")
    code = "K7QM-3XZD-P9RT-WB2H"
    assert line == f"{code} makes whoever registers with it on 50051 an admin, once"
    assert fake.ordered == [pb.CreateOwnerCodeRequest(port=50051)]


def test_account_is_made(fake: FakeAdmin, capsys: Printed, typed: list[str]) -> None:
    """With a password that is typed twice, and as an admin where that is asked for."""
    typed += ["correct horse", "correct horse"]
    assert printed(fake, capsys, "add-account", "carol") == ["carol is an account on 50051 now"]
    typed += ["battery staple", "battery staple"]
    told = printed(fake, capsys, "add-account", "--admin", "50051", "dave")
    assert told == ["dave is an admin on 50051 now"]
    assert fake.passwords == {(50051, "carol"): "correct horse", (50051, "dave"): "battery staple"}
    assert fake.instances[50051].users[-1].admin
    typed += ["correct horse", "correct horse"]
    assert refused(fake, capsys, "add-account", "carol") == "this name is taken"


def test_password_is_set(fake: FakeAdmin, capsys: Printed, typed: list[str]) -> None:
    """It is typed twice, and nothing of it is printed."""
    typed += ["correct horse", "correct horse"]
    assert printed(fake, capsys, "set-password", "ALICE") == [
        "alice has another password on 50051: 2 sessions ended"
    ]
    assert fake.passwords == {(50051, "ALICE"): "correct horse"}
    assert refused(fake, capsys, "set-password", "bob", "--generate") == "nobody is called bob"


@pytest.mark.parametrize("command", ["set-password", "add-account"])
def test_password_is_made(fake: FakeAdmin, capsys: Printed, command: str) -> None:
    """It is printed alone on a line, once."""
    name = "carol" if command == "add-account" else "7"
    first, second = printed(fake, capsys, command, name, "--generate")
    assert first.startswith(f"{name} ")
    assert second == f"password: {MADE}"
    assert fake.passwords == {(50051, name): ""}


@pytest.mark.parametrize(("text", "password"), [("a b\u00e9\n", "a b\u00e9"), ("last", "last")])
def test_password_comes_from_a_file(
    fake: FakeAdmin, capsys: Printed, tmp_path: Path, text: str, password: str
) -> None:
    """Its first line, without its end."""
    file = tmp_path / "password"
    file.write_bytes(text.encode() + b"more\r\n" * text.endswith("\n"))
    printed(fake, capsys, "set-password", "alice", "--password-file", str(file))
    assert fake.passwords == {(50051, "alice"): password}


def test_password_comes_from_stdin(
    fake: FakeAdmin, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line of it."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\r\nmore\n"))
    printed(fake, capsys, "set-password", "alice", "--password-file", "-")
    assert fake.passwords == {(50051, "alice"): "correct horse"}


def test_without_a_password_nothing_is_done(
    fake: FakeAdmin,
    capsys: Printed,
    typed: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two that differ, none, a file that is not there, and nobody to ask, each in one line."""
    order = ("set-password", "alice")
    typed += ["one", "two"]
    assert refused(fake, capsys, *order) == "the two passwords are not the same"
    typed += [""]
    assert refused(fake, capsys, *order) == "there is no password; --generate has one made"
    absent = tmp_path / "absent"
    line = f"{absent} cannot be read: No such file or directory"
    assert refused(fake, capsys, *order, "--password-file", str(absent)) == line
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\n")
    line = f"{binary} cannot be read: it is not UTF-8"
    assert refused(fake, capsys, *order, "--password-file", str(binary)) == line
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    assert "there is no terminal to ask on" in refused(fake, capsys, *order)
    assert fake.passwords == {}


def test_admin_is_made_and_is_one_no_longer(fake: FakeAdmin, capsys: Printed) -> None:
    """A number that a name follows is a port."""
    assert printed(fake, capsys, "admin", "alice", "on") == ["alice is an admin on 50051 now"]
    assert fake.instances[50051].users[0].admin
    assert printed(fake, capsys, "admin", "50051", "alice", "off") == [
        "alice is no admin on 50051 now"
    ]
    assert not fake.instances[50051].users[0].admin


def test_account_is_closed_and_opened(fake: FakeAdmin, capsys: Printed) -> None:
    """The reason goes to the audit log."""
    closed = printed(fake, capsys, "close-account", "alice", "left", "us")
    assert closed == ["the account alice is closed on 50051: 2 sessions ended"]
    opened = printed(fake, capsys, "reopen-account", "50051", "alice")
    assert opened == ["the account alice is open on 50051"]
    request = {"port": 50051, "name": "alice"}
    assert fake.ordered == [
        pb.CloseAccountRequest(**request, closed=True, reason="left us"),  # type: ignore[arg-type]  # of these types
        pb.CloseAccountRequest(**request),  # type: ignore[arg-type]  # of these types
    ]


@pytest.mark.parametrize(
    ("words", "banned"),
    [
        (["alice"], {"name": "alice"}),
        (["7"], {"name": "7"}),
        (["50051", "7"], {"name": "7"}),
        (["a.b"], {"name": "a.b"}),
        (["192.0.2.7"], {"network": "192.0.2.7"}),
        (["50051", "192.0.2.0/24"], {"network": "192.0.2.0/24"}),
        (["2001:db8::/32"], {"network": "2001:db8::/32"}),
        (["192.0.2.0/240"], {"network": "192.0.2.0/240"}),
    ],
)
def test_ban_is_lifted(
    fake: FakeAdmin, capsys: Printed, words: list[str], banned: dict[str, str]
) -> None:
    """What looks like an address or a network is one, anything else a name."""
    assert printed(fake, capsys, "unban", *words) == [f"{words[-1]} is banned on 50051 no longer"]
    assert fake.ordered == [pb.UnbanRequest(port=50051, **banned)]


def entry(number: int) -> AuditEntry:
    """Return an entry of the audit log."""
    return AuditEntry(
        entry_id=str(number), time_ms=NOON_MS + number, actor=chat.User(name="a"), action="kick"
    )


def test_audit_log_is_a_table(fake: FakeAdmin, capsys: Printed) -> None:
    """What an entry is not about is left out, and nothing reaches a terminal as it is."""
    ban = entry(2)
    ban.actor.CopyFrom(chat.User(user_id="u1", name="alice"))
    ban.action, ban.room_id, ban.room_name = "ban", "r1", "lobby"
    ban.target.name, ban.reason = "mallory", EVIL
    ban.until_ms = 2**53 - 1
    by_operator = entry(1)
    by_operator.ClearField("actor")
    by_operator.action = "password-reset"
    by_operator.target.name = "alice"
    fake.audit = [ban, by_operator]
    assert printed(fake, capsys, "audit") == [
        "TIME                      WHO           WHAT                         WHERE   UNTIL     "
        "REASON",
        "2026-11-20T12:00:00.002Z  alice         banned mallory               #lobby  for ever  "
        "a␛[2J␊b\u2039U+202E\u203a",
        "2026-11-20T12:00:00.001Z  the operator  gave alice another password",
    ]
    told = [json.loads(line) for line in printed(fake, capsys, "audit", "--json")]
    assert [one["until"] for one in told] == ["for ever", None]
    assert [one["actor"] for one in told] == ["alice", None]
    assert told[0]["reason"] == EVIL


def test_audit_log_comes_in_pages(fake: FakeAdmin, capsys: Printed) -> None:
    """As many as asked for, the newest first, and no page more than it takes."""
    fake.audit = [entry(number) for number in range(2500, 0, -1)]
    for count, pages in (("2100", 3), ("1000", 1), ("9999", 3)):
        fake.pages = 0
        told = printed(fake, capsys, "audit", "--json", "--count", count)
        ids = [int(json.loads(line)["id"]) for line in told]
        assert ids == list(range(2500, 2500 - min(int(count), 2500), -1))
        assert fake.pages == pages
    fake.audit = []
    assert printed(fake, capsys, "audit", "--json") == []
