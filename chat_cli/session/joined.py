"""What a sign-in brings, and what it says of itself."""

import platform
from dataclasses import dataclass

from chat_cli import model
from chat_cli.session import wire
from chat_protos.chat.v1 import chat_pb2 as pb
from chat_text.sanitize import sanitize


@dataclass(frozen=True, slots=True)
class Joined:
    """A new session; `resumed` if its user was here before. Its token is a secret, not shown.

    It ends at the latest at `expires_ms`, in milliseconds since 1970-01-01 UTC; 0 is not by itself.
    """

    token: str
    user: model.User
    epoch: str
    limits: model.Limits
    room: model.RoomInfo | None
    resumed: bool
    expires_ms: int = 0

    def __repr__(self) -> str:
        return f"Joined(user={self.user!r}, epoch={self.epoch!r})"


def joined_from(answer: pb.JoinResponse, resumed: bool) -> Joined:
    """Read a new session."""
    return Joined(
        answer.token,
        wire.user(answer.user),
        answer.epoch,
        wire.limits(answer.limits),
        wire.room(answer.room) if answer.HasField("room") else None,
        resumed,
        answer.expires_ms,
    )


def client_label() -> str:
    """Say what signs in, for the list of sessions: at most 64 bytes on one line."""
    return f"chat-cli on {sanitize(platform.node())}".encode()[:64].decode(errors="ignore").strip()
