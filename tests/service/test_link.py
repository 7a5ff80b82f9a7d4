"""What the launcher and the admin process say to each other."""

import pytest

from chat_service import link

NEWS = link.InstanceNews(
    1, "127.0.0.1:50051", 50051, link.InstanceState.SERVING, 1000, 0, 77, "/data/50051"
)


@pytest.mark.parametrize(
    "message",
    [
        NEWS,
        link.InstanceGone(2),
        link.LogLine(0, "a line\twith “anything” in it"),
        link.Shown("no admin yet"),
        link.Ask(7, link.Verb.START, 50056),
        link.Answer(7, link.Refusal.INSTANCE_FAILED, "the port is in use"),
        link.Answer(8, instances=(1, 2), applied=("log.level",), after_restart=("host",)),
        link.Configured('{"console": true}'),
        link.Stopping(),
    ],
    ids=lambda message: type(message).__name__,
)
def test_messages_come_back_as_they_were(message: link.Message) -> None:
    """What is encoded is one line, and decodes to an equal message."""
    line = link.encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert link.decode(line) == message


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b'{"is": "Nonsense"}',
        b'{"is": "Ask", "number": 1}',
        b'{"is": "Ask", "number": 1, "verb": "explode"}',
        b'{"is": "Stopping", "more": 1}',
        b"\xff",
    ],
)
def test_other_lines_are_refused(line: bytes) -> None:
    """A line that `encode` never writes raises LinkError and nothing else."""
    with pytest.raises(link.LinkError):
        link.decode(line)
