"""`chat_cli.answer_line`: what is typed in answer to a question."""

from chat_cli.answer_line import AnswerLine


def test_a_hidden_answer_is_dots() -> None:
    """One for each character, and not without end."""
    line = AnswerLine()
    line.type("sécret")
    assert line.drawn(hidden=True) == "••••••"
    assert line.drawn(hidden=False) == "sécret"
    line.type("x" * 200)
    assert line.drawn(hidden=True) == "•" * 40


def test_what_is_taken_is_forgotten() -> None:
    """The second taker gets nothing; Backspace and clearing leave nothing either."""
    line = AnswerLine()
    line.type("secret")
    line.rub_out()
    assert line.take() == "secre"
    assert line.take() == ""
    line.rub_out()
    line.type("secret")
    line.clear()
    assert line.take() == ""


def test_a_paste_is_one_answer() -> None:
    """Its last line end is dropped; one inside stays, and is for the asker to refuse."""
    line = AnswerLine()
    line.type("one\r\n")
    assert line.take() == "one"
    line.type("one\r/kick bob\r")
    assert line.take() == "one\n/kick bob"


def test_a_flood_is_cut() -> None:
    """Far beyond any password."""
    line = AnswerLine()
    for _ in range(3):
        line.type("x" * 3000)
    assert len(line.take()) == 4096
