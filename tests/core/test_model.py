"""Records are plain, and what stands in data files keeps its meaning."""

import pytest

from chat_service.core.model import (
    FOREVER_MS,
    HistoryPolicy,
    Member,
    Role,
    Room,
    RoomKind,
    Scope,
    Session,
    Style,
    User,
)
from tests.core.plain import is_record


@pytest.mark.parametrize("record", [User, Session, Member, Room])
def test_record_is_plain_and_frozen(record: type) -> None:
    """What is known is kept in records of plain values that nobody can change in place."""
    assert is_record(record)


def test_stored_values_keep_their_meaning() -> None:
    """Numbers that stand in data files are never given another meaning."""
    assert {kind.name: int(kind) for kind in RoomKind} == {
        "PUBLIC": 1,
        "DIRECT": 2,
        "PRIVATE": 3,
    }
    assert {role.name: int(role) for role in Role} == {"MEMBER": 1, "MODERATOR": 2, "OWNER": 3}
    assert {policy.name: int(policy) for policy in HistoryPolicy} == {"ALL": 1, "FROM_JOIN": 2}
    names = ["READ", "POST", "ROOMS", "MODERATE", "ADMIN", "ACCOUNT"]
    assert {int(scope): scope.name for scope in Scope} == dict(enumerate(names, start=1))
    assert FOREVER_MS == 9007199254740991
    assert {style.name: int(style) for style in Style} == {"TEXT": 0, "ACTION": 1}


@pytest.mark.parametrize(
    ("attachment", "now_ms", "valid"),
    [(0, 99, True), (0, 100, False), (0, 101, False), (7, 100, True), (7, 10**9, True)],
)
def test_session_is_void_at_its_deadline(attachment: int, now_ms: int, *, valid: bool) -> None:
    """A session without a stream is over at exactly `until_ms`; with one it never is."""
    session = Session(1, 1, b"", "here", attachment, until_ms=100)
    assert session.is_valid(now_ms) is valid
