"""A room's history as text or as lines of JSON, in memory that does not grow with it.

Text is that of the server's transcripts; JSON that of `chat-cli tail --json`, with the id of
the author, since a name may go to somebody else.
"""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from chat_cli.admin import objects
from chat_cli.errors import ChatError
from chat_cli.jsonl import event_fields
from chat_cli.model import (
    Deleted,
    Removed,
    RoleChanged,
    RoomChanged,
    RoomEvent,
    Said,
    Tombstone,
    TopicChanged,
    Withheld,
)
from chat_cli.session import wire
from chat_protos.chat.v1 import admin_pb2 as pb
from chat_text import transcript


class OutputError(ChatError):
    """The file cannot be written."""


async def export(
    parts: AsyncIterator[pb.ExportRoomResponse], room: str, as_json: bool, file: BinaryIO
) -> None:
    """Write all events of a room, and which are missing. Raises CallError and OSError."""

    def write(lines: list[str]) -> None:
        for line in lines:
            # Half of a pair of UTF-16, which only a bug can send, must not end an export.
            file.write(line.encode(errors="replace") + b"\n")

    next_seq = 1
    async for part in parts:
        for message in part.events:
            event = wire.event(message)
            if event.seq > next_seq:
                gap = (next_seq, event.seq - 1)
                write(_json_gap(room, *gap) if as_json else transcript.missing(*gap))
            next_seq = event.seq + 1
            write(_json_event(room, event) if as_json else _text_event(event))
    file.flush()


@contextmanager
def output_to(path: Path | None) -> Iterator[BinaryIO]:
    """Give the file at `path`, or stdout if it is None. Raises OutputError.

    A regular file is there, or replaced, when all of it was written and not before.
    """
    if path is None:
        yield sys.stdout.buffer
        return
    device = path.exists() and not path.is_file()
    unfinished = path if device else path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
            if not device:
                os.fsync(file.fileno())
        if not device:
            unfinished.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        if not device:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)


def _text_event(event: RoomEvent) -> list[str]:
    when, who = event.time_ms, event.author.name
    match event.body:
        case Said(text, action):
            return transcript.said(when, who, text, action)
        case TopicChanged(topic):
            return transcript.topic(when, who, topic)
        case Tombstone():
            return transcript.tombstone(when, who)
        case Deleted(_, whose, reason):
            return transcript.deleted(when, who, whose.name, reason)
        case RoleChanged(user, role):
            return transcript.role(when, who, user.name, role.name.lower())
        case Removed(user, reason, banned):
            return transcript.removed(when, who, user.name, banned, reason)
        case RoomChanged() as change:
            words = {name: name.replace("_", " ") for name in change.__slots__}
            words |= {"slow_mode_ms": "slow mode", "topic_locked": "locked topic"}
            new = [words[n] for n in words if getattr(change, n) is not None]
            return transcript.changed(when, who, new)
        case Withheld() | None:
            return []


def _json_event(room: str, event: RoomEvent) -> list[str]:
    return [objects.line(event_fields(event, room) | {"author_id": event.author.user_id})]


def _json_gap(room: str, first: int, last: int) -> list[str]:
    gap = {"type": "missing", "room": room, "first_seq": first, "last_seq": last}
    return [objects.line(gap)]
