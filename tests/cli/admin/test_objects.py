"""`chat_cli.admin.objects`: names that scripts rely on, as they are documented."""

import json
import re
from pathlib import Path

import pytest

from chat_cli.admin import objects
from chat_cli.jsonl import event_fields
from chat_cli.model import RoomEvent, Said, User
from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1.moderation_pb2 import AuditEntry

DOCUMENT = Path(__file__).parents[3] / "docs" / "chat-admin.md"
EVENT = event_fields(RoomEvent("r1", 1, 0, User("u1", "a"), Said("hi", action=True)), "lobby")


def documented(heading: str) -> list[str]:
    """Return the names of the table that stands below a line."""
    _, _, below = DOCUMENT.read_text(encoding="utf-8").partition(heading)
    table = re.search(r"^\| name \| value \|\n\|---\|---\|\n((?:\|.*\n)+)", below, re.MULTILINE)
    assert table, heading
    cells = (row.split("|")[1] for row in table[1].splitlines())
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("\nAn instance (", objects.instance(pb.Instance())),
        ("\nA sample (", objects.sample(pb.Sample())),
        ("\nA user (", objects.user(pb.InstanceUser())),
        ("\nA room (", objects.room(pb.InstanceRoom())),
        ("\nAn entry of the audit log (", objects.audit_entry(AuditEntry())),
        ("\n`--format jsonl`", EVENT | {"author_id": ""}),
    ],
)
def test_names_are_those_of_the_document(heading: str, names: objects.Object) -> None:
    """No name is there that the document does not tell, and none is missing."""
    assert sorted(documented(heading)) == sorted(names)


def test_each_state_has_its_word() -> None:
    """A state of a newer server has one too."""
    declared = pb.InstanceState.DESCRIPTOR.values_by_name
    words = {
        name.removeprefix("INSTANCE_STATE_").lower(): objects.state(
            pb.Instance(state=pb.InstanceState.Value(name))
        )
        for name in declared
        if name != "INSTANCE_STATE_UNSPECIFIED"
    }
    assert list(words) == list(words.values())
    newer = pb.Instance.FromString(bytes([4 << 3, 99]))
    assert objects.state(newer) == "unknown"


def test_times_are_utc_to_the_millisecond() -> None:
    """None is null, and one outside of the calendar is no error."""
    assert objects.time(1_795_176_000_007) == "2026-11-20T12:00:00.007Z"
    assert objects.time(0) is None
    assert objects.time(1 << 62) == "1970-01-01T00:00:00.000Z"


def test_line_is_ascii() -> None:
    """What a terminal would obey is escaped, and comes back whole."""
    line = objects.line({"name": "\x1b\n\u202e\ud800"})
    assert re.fullmatch("[ -~]+", line)
    assert json.loads(line) == {"name": "\x1b\n\u202e\ud800"}
