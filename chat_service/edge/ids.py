"""Ids: numbers inside, opaque texts outside. A letter tells what they name.

So one kind is never taken for another.
"""

import re

_ROOM_ID = re.compile(r"r([1-9][0-9]{0,17})\Z", re.ASCII)
_USER_ID = re.compile(r"u([1-9][0-9]{0,17})\Z", re.ASCII)
_SESSION_ID = re.compile(r"s([1-9][0-9]{0,17})\Z", re.ASCII)
_INVITE_ID = re.compile(r"i([1-9][0-9]{0,17})\Z", re.ASCII)


def room_text(room_id: int) -> str:
    """Return the id of a room as it travels."""
    return f"r{room_id}"


def user_text(user_id: int) -> str:
    """Return the id of a user as it travels."""
    return f"u{user_id}"


def session_text(session_id: int) -> str:
    """Return the id of a session as it travels."""
    return f"s{session_id}"


def invite_text(invite_id: int) -> str:
    """Return the id of an invite as it travels."""
    return f"i{invite_id}"


def room_number(text: str) -> int:
    """Return the number of a room's id; 0, which no room has, for anything else."""
    return _number(_ROOM_ID, text)


def user_number(text: str) -> int:
    """Return the number of a user's id; 0, which no user has, for anything else."""
    return _number(_USER_ID, text)


def session_number(text: str) -> int:
    """Return the number of a session's id; 0, which none has, for anything else."""
    return _number(_SESSION_ID, text)


def invite_number(text: str) -> int:
    """Return the number of an invite's id; 0, which none has, for anything else."""
    return _number(_INVITE_ID, text)


def _number(form: re.Pattern[str], text: str) -> int:
    match = form.match(text)
    return int(match[1]) if match else 0
