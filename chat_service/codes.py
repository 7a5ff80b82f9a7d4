"""One-time codes that a person reads in one place and types in another.

A code is random; its SHA-256 alone travels and is stored.
"""

import hashlib
import secrets

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""No two of these are taken for each other: without 0 and O, 1 and I."""

GROUPS, GROUP = 4, 4
"""Five bits a character: 80 bits are guessed by nobody, not even from the hash."""


def new_code() -> str:
    """Return a new code, as `K7QM-3XZD-P9RT-WB2H`."""
    letters = [secrets.choice(ALPHABET) for _ in range(GROUPS * GROUP)]
    groups = ("".join(letters[at : at + GROUP]) for at in range(0, len(letters), GROUP))
    return "-".join(groups)


def code_hash(code: str) -> bytes:
    """Return the SHA-256 of a code, typed in either case, with or without its hyphens."""
    typed = "".join(code.split()).replace("-", "").upper()
    return hashlib.sha256(typed.encode(errors="replace")).digest()
