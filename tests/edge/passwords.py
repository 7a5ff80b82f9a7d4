"""Passwords without the work of hashing, which count what they were asked."""

from chat_service.core.errors import Reason, RefusedError, Rejection

SHORTEST = 8


class PlainPasswords:
    """Keeps the contract of `chat_service.edge.doors.Passwords`."""

    def __init__(self) -> None:
        # What passwords were compared with, in order.
        self.compared: list[str] = []
        # Whether too many wait already.
        self.is_full = False

    async def hashed(self, password: str, field: str = "password", *, network: str = "") -> str:  # noqa: ARG002 # of the contract
        """Return what stands for a hash."""
        if len(password) < SHORTEST:
            raise RefusedError(Rejection(Reason.PASSWORD_INVALID, "too short", field=field))
        return f"hash of {password}"

    def check_room(self, network: str = "") -> None:  # noqa: ARG002 # of the contract
        """Refuse where there is no room."""
        if self.is_full:
            raise RefusedError(Rejection(Reason.OVERLOADED, "too many", retry_after_ms=1000))

    async def matches(self, password: str, stored: str, *, network: str = "") -> bool:  # noqa: ARG002 # of the contract
        """Compare a password with a hash."""
        self.compared.append(stored)
        return stored == f"hash of {password}"
