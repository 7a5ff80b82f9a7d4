"""Orders about what is said."""

from dataclasses import dataclass
from typing import NamedTuple

from chat_service.core.commands.targets import Target
from chat_service.core.model import Style


class PostMessage(NamedTuple):
    """Say something."""

    session_id: int
    target: Target
    style: Style
    text: str
    client_msg_id: str
    # Of target, style and text as they were sent; tells a retry from another message.
    request_hash: bytes
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class DeleteMessage:
    """Take back a message, one's own or as a moderator."""

    session_id: int
    target: Target
    seq: int
    reason: str
    wait_ms: int = 0
