"""`chat_cli.audit`: what was done, in words for people."""

import re
from pathlib import Path

import pytest

from chat_cli.audit import deed

CONTRACT = Path(__file__).parents[2] / "protos" / "chat" / "v1" / "moderation.proto"

TOLD = [
    ("kick", "bob", "", "removed bob"),
    ("ban", "bob", "", "banned bob"),
    ("unban", "bob", "", "let bob come again"),
    ("mute", "bob", "", "muted bob"),
    ("unmute", "bob", "", "let bob speak again"),
    ("delete", "bob", "seq 7", "deleted message 7 of bob"),
    ("role", "bob", "moderator", "made bob a moderator"),
    ("invite", "bob", "", "invited bob"),
    ("invite", "bob", "revoked", "took the invitation of bob back"),
    ("invite", "", "code 3 for 1", "made the invite code 3, for 1 use"),
    ("invite", "", "code 3 for 20", "made the invite code 3, for 20 uses"),
    ("invite", "", "code 3 revoked", "ended the invite code 3"),
    ("server-kick", "bob", "", "removed bob from the server"),
    ("server-ban", "bob", "", "banned bob from the server"),
    ("server-unban", "bob", "", "let bob come to the server again"),
    ("network-ban", "", "192.0.2.0/24", "banned the network 192.0.2.0/24"),
    ("network-unban", "", "::1/128", "let the network ::1/128 come again"),
    (
        "lockdown",
        "",
        "registrations closed, guests closed",
        "closed the server to new accounts and new guests",
    ),
    ("lockdown", "", "registrations open, guests open", "opened the server to newcomers again"),
    ("admin", "bob", "granted", "made bob an admin"),
    ("admin", "bob", "taken", "made bob no admin any more"),
    ("admin", "bob", "a new account", "made bob an admin, with a new account"),
    ("account", "bob", "a new account", "made the account bob"),
    ("owner-code", "", "", "made a code by which an admin registers"),
    ("deactivate", "bob", "", "closed the account bob"),
    ("reactivate", "bob", "", "opened the account bob again"),
    ("fast", "bot", "granted", "let bot send as fast as bots may"),
    ("fast", "bot", "taken", "let bot send as others do"),
    ("password-reset", "bob", "", "gave bob another password"),
    ("room", "", "slow_mode_ms=20000", "set slow mode to 20 s"),
    ("room", "", "slow_mode_ms=0", "ended slow mode"),
    (
        "room",
        "",
        "name=hall description archived=True",
        "renamed the room to hall, changed the description, archived the room",
    ),
    ("room", "", "archived=False topic_locked=True", "opened the room again, locked the topic"),
    ("room", "", "history=from_join", "lets newcomers read what is said after they join"),
    ("room", "", "history=all", "lets newcomers read everything"),
    ("room", "", "password", "set a password"),
    ("room", "", "password=none", "removed the password"),
]


@pytest.mark.parametrize(("action", "target", "details", "words"), TOLD)
def test_deeds_are_told_in_words(action: str, target: str, details: str, words: str) -> None:
    """With whom or what it was about."""
    assert deed(action, target, details) == words


def test_each_action_of_the_contract_has_words() -> None:
    """The contract lists them."""
    (listed,) = re.findall(r"// What: (.*?) More may", CONTRACT.read_text(), re.DOTALL)
    assert set(re.findall(r'"([a-z-]+)"', listed)) == {action for action, *_ in TOLD}


@pytest.mark.parametrize(
    ("action", "target", "details"),
    [
        ("dance", "bob", "wildly"),
        ("kick", "", ""),
        ("ban", "bob", "twice"),
        ("role", "bob", "king"),
        ("lockdown", "", "guests"),
        ("delete", "bob", "seq x"),
        ("invite", "", "code"),
        ("room", "", "colour=red"),
        ("room", "", "archived=perhaps name=hall"),
        ("room", "", ""),
    ],
)
def test_what_is_not_known_is_shown_as_it_is(action: str, target: str, details: str) -> None:
    """A newer server may have further words."""
    words = " ".join(part for part in (action, target, details) if part)
    assert deed(action, target, details) == words
