"""An outbox as lines of JSON, one for each change, the latest about a post counts.

    {"outbox": 1}                                   the first line: the form of the others
    {"post": ID, "owner": …, "room": …, "text": …}  waits to be sent
    {"failed": ID, "reason": …}                     will not be sent, and was not seen yet
    {"done": ID}                                    acknowledged, or seen

Pure. What follows the last end of a line was cut off by a crash and does not count.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from chat_cli.model import ById, ByName, Direct, Target
from chat_cli.pending import FailedPost, PendingPost

_FORM = 1


@dataclass(slots=True)
class Contents:
    """What a file says. `damaged` counts the lines that make no sense."""

    posts: dict[str, PendingPost] = field(default_factory=dict)
    failed: dict[str, FailedPost] = field(default_factory=dict)
    damaged: int = 0


def head() -> bytes:
    """Give the first line."""
    return _line({"outbox": _FORM})


def pending(post: PendingPost) -> bytes:
    """Say that a post waits."""
    return _line(
        {
            "post": post.client_msg_id,
            "owner": post.owner,
            "room": _room(post.target),
            "place": post.place,
            "text": post.text,
            "action": post.action,
            "time_ms": post.typed_ms,
        }
    )


def failed(one: FailedPost) -> bytes:
    """Say that a post failed; its own line stands before."""
    return _line({"failed": one.post.client_msg_id, "reason": one.reason})


def done(client_msg_id: str) -> bytes:
    """Say that a post is over."""
    return _line({"done": client_msg_id})


def whole(posts: Iterable[PendingPost], lost: Iterable[FailedPost]) -> bytes:
    """Write an outbox from its beginning."""
    lines = [head(), *map(pending, posts)]
    for one in lost:
        lines += [pending(one.post), failed(one)]
    return b"".join(lines)


def read(data: bytes) -> Contents:
    """Read a file as far as it makes sense."""
    contents = Contents()
    *lines, _torn = data.split(b"\n")
    if not lines:
        return contents
    try:
        form = json.loads(lines[0])["outbox"]
    except (ValueError, LookupError, TypeError, RecursionError):
        form = None
    if form != _FORM:
        contents.damaged = len(lines)
        return contents
    for line in lines[1:]:
        try:
            _apply(contents, json.loads(line))
        except (ValueError, LookupError, TypeError, RecursionError):
            contents.damaged += 1
    return contents


# object: whatever JSON holds. Each field is looked at before it is believed.
def _apply(contents: Contents, record: dict[str, object]) -> None:
    """Take in one record. Raises ValueError, LookupError or TypeError if it makes no sense."""
    if "post" in record:
        post = PendingPost(
            _text(record["post"]),
            _target(record["room"]),
            _text(record["text"]),
            record["action"] is True,
            None if record["owner"] is None else _text(record["owner"]),
            _text(record["place"]),
            _whole(record["time_ms"]),
        )
        contents.posts[post.client_msg_id] = post
    elif "failed" in record:
        post = contents.posts.pop(_text(record["failed"]))
        contents.failed[post.client_msg_id] = FailedPost(post, _text(record["reason"]))
    else:
        client_msg_id = _text(record["done"])
        contents.posts.pop(client_msg_id, None)
        contents.failed.pop(client_msg_id, None)


def _room(target: Target) -> dict[str, object]:
    match target:
        case ById(room_id):
            return {"id": room_id}
        case ByName(name):
            return {"name": name}
        case Direct(names):
            return {"direct": list(names)}


def _target(room: object) -> Target:
    match room:
        case {"id": str(room_id)}:
            return ById(room_id)
        case {"name": str(name)}:
            return ByName(name)
        case {"direct": [*names]}:
            return Direct(tuple(map(_text, names)))
    raise ValueError(room)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    # Half of a pair of UTF-16, which no message can hold, is a ValueError.
    value.encode()
    return value


def _whole(value: object) -> int:
    if isinstance(value, int):
        return value
    raise TypeError(value)


def _line(record: dict[str, object]) -> bytes:
    # ASCII alone, so that no part of a character can be torn off.
    return json.dumps(record).encode("ascii") + b"\n"
