"""The texts of the load, and the witness who proves that all came in order."""

import pytest

from bench.texts import TEXT_BYTES, OrderError, Texts, Witness


def test_texts_have_one_size_and_tell_when_they_were_due() -> None:
    """Every text has the size of a message, and the witness reads the time from it."""
    texts, witness = Texts("s-1"), Witness()
    for number in range(3):
        text = texts.text(number, 10**18 + number)
        assert len(text) == TEXT_BYTES
        assert witness.due_ns(text) == 10**18 + number


def test_senders_are_told_apart() -> None:
    """Each sender's texts have an order of their own, from whichever is seen first."""
    one, two, witness = Texts("s-1"), Texts("s-2"), Witness()
    for texts, number in ((one, 5), (two, 0), (one, 6), (two, 1)):
        witness.due_ns(texts.text(number, 1))


@pytest.mark.parametrize("number", [4, 5, 7])
def test_hole_and_double_are_found(number: int) -> None:
    """A text that does not follow the one before is an error that names both."""
    texts, witness = Texts("s-1"), Witness()
    witness.due_ns(texts.text(5, 1))
    with pytest.raises(OrderError, match=f"message {number} of s-1 came after 5"):
        witness.due_ns(texts.text(number, 1))


@pytest.mark.parametrize("text", [b"", b"hello", b"x" * TEXT_BYTES])
def test_foreign_text_is_found(text: bytes) -> None:
    """What no sender of the load has sent is an error."""
    with pytest.raises(OrderError, match="nobody sent"):
        Witness().due_ns(text)
