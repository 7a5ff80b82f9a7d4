"""`chat_cli.model`: names, labels and limits."""

from chat_cli.model import Limits, direct_label, key, room_label


def test_names_are_compared_in_any_case() -> None:
    """The key of a key is itself."""
    assert key("Bob") == key("BOB") == key(key("bOb"))


def test_labels() -> None:
    """A direct message lists names in the order of the alphabet."""
    assert room_label("lobby") == "#lobby"
    assert direct_label(["carol", "Bob"]) == "@Bob,carol"


def test_a_flaw_is_a_sentence() -> None:
    """At the limit a text passes, beyond it a sentence has both figures."""
    limits = Limits(text_bytes=4, text_lines=2)
    assert limits.flaw_of("éé") == ""
    assert limits.flaw_of("ééx") == "Too long: 5 bytes of at most 4."
    assert limits.flaw_of("a\nb") == ""
    assert limits.flaw_of("\n\n") == "Too many lines: 3 of at most 2."
    assert limits.flaw_of("\0") != ""
    assert limits.flaw_of("\udc80") != ""
