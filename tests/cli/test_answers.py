"""`chat_cli.answers`: secrets from files, and from a terminal where there is one."""

import os
import sys
from pathlib import Path

import pytest

from chat_cli.answers import AnswerFileError, FiledQuestions, read_secret
from chat_cli.errors import NobodyError, UnansweredError
from chat_cli.ports import Secret
from tests.cli.desk import run


class Person:
    """Answers "typed", or cannot be asked. Obeys `ports.Questions`."""

    def __init__(self, answer: str = "typed", there: bool = True) -> None:
        self._answer = answer
        self._there = there
        self.asked: list[str] = []
        self.closed = False

    async def answer(self, question: str, secret: Secret | None = None) -> str:
        """Answer, if there is somebody."""
        self.asked.append(f"{question}{secret.value if secret else ''}")
        if not self._there:
            raise NobodyError("there is no terminal to ask on")
        return self._answer

    def close(self) -> None:
        """Remember."""
        self.closed = True


def test_what_was_in_a_file_is_not_asked_for() -> None:
    """A password only once: asked for again it was wrong, and the person is asked."""

    async def story() -> None:
        person = Person()
        questions = FiledQuestions({Secret.PASSWORD: "filed"}, lambda: person)
        assert await questions.answer("Password: ", Secret.PASSWORD) == "filed"
        assert person.asked == []
        assert await questions.answer("Wrong. ", Secret.PASSWORD) == "typed"
        assert await questions.answer("Sure? ") == "typed"
        questions.close()
        assert person.closed

    run(story())


def test_a_new_password_may_be_asked_for_twice() -> None:
    """The file answers the repetition too."""

    async def story() -> None:
        questions = FiledQuestions({Secret.NEW_PASSWORD: "filed"}, Person)
        for _ in range(2):
            assert await questions.answer("Choose: ", Secret.NEW_PASSWORD) == "filed"
        questions.close()

    run(story())


def test_nobody_to_ask_is_told_the_option() -> None:
    """And a wrong password in a file is called that."""

    async def story() -> None:
        questions = FiledQuestions({}, lambda: Person(there=False))
        with pytest.raises(UnansweredError, match=r"no terminal .* with --password-file FILE"):
            await questions.answer("Password: ", Secret.PASSWORD)
        with pytest.raises(UnansweredError, match="no terminal"):
            await questions.answer("Sure? ")
        with pytest.raises(UnansweredError, match=r"ask on$"):
            await questions.answer("Password: ", Secret.ROOM_PASSWORD)
        wrong = FiledQuestions({Secret.PASSWORD: "filed"}, lambda: Person(there=False))
        await wrong.answer("Password: ", Secret.PASSWORD)
        with pytest.raises(UnansweredError, match="the password in the file is wrong"):
            await wrong.answer("Password: ", Secret.PASSWORD)

    run(story())


def test_a_secret_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    """Spaces belong to it, the end of the line does not."""
    path = tmp_path / "secret"
    path.write_bytes(b" correct horse \r\nmore\n")
    assert read_secret(str(path)) == " correct horse "
    path.write_bytes("pässwörd".encode())
    assert read_secret(str(path)) == "pässwörd"


@pytest.mark.parametrize("content", [b"", b"\nsecond\n", b"\xff\xfe\n", b"x" * 5000])
def test_a_file_that_is_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    """By one sentence with its path."""
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(AnswerFileError, match="secret: "):
        read_secret(str(path))
    with pytest.raises(AnswerFileError, match="no such file"):
        read_secret(str(tmp_path / "none"))


def test_secrets_of_stdin_leave_the_rest_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line each: what comes behind them is text of the chat."""
    reading, writing = os.pipe()
    os.write(writing, b"one\ntwo\nhello\n")
    os.close(writing)
    with open(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert [read_secret("-"), read_secret("-")] == ["one", "two"]
        assert os.read(reading, 100) == b"hello\n"
        with pytest.raises(AnswerFileError, match="nothing in the first line"):
            read_secret("-")
