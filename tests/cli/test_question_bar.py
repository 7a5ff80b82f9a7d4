"""`chat_cli.question_bar`: hidden answers on the drawn screen, and nothing left of them."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any

import pytest
from prompt_toolkit.buffer import Buffer

from chat_cli.errors import UnansweredError
from chat_cli.ports import Questions, Secret
from tests.cli.desk import run
from tests.cli.test_prompt import Window, window

PASSWORD = "correct horse"


def asked(questions: Questions, text: str, secret: bool = True) -> "asyncio.Task[str]":
    """Ask beside the test."""
    kind = Secret.PASSWORD if secret else None
    # Any: what the coroutine takes and sends does not matter.
    answer: Coroutine[Any, Any, str] = questions.answer(text, kind)
    return asyncio.create_task(answer)


async def pressed(anna: Window, keys: str) -> None:
    """Press keys, and wait until they are taken in, whether or not that is drawn."""
    taken, event = asyncio.Event(), anna.screen._app.key_processor.after_key_press
    event += lambda _: taken.set()
    for key in keys:
        taken.clear()
        anna.types(key)
        await taken.wait()


def assert_nothing_is_left(anna: Window, secret: str) -> None:
    """Neither drawn, nor in a buffer, its history, its undo or the clipboard, nor to be sent."""
    assert secret not in anna.glass.raw
    assert secret not in "".join(anna.texts())
    app = anna.screen._app
    assert secret not in app.clipboard.get_data().text
    for buffer in [one for one in gc.get_objects() if isinstance(one, Buffer)]:
        assert secret not in buffer.text
        assert not any(secret in line for line in buffer.history.get_strings())
        assert not any(secret in text for text, _ in buffer._undo_stack)
    assert secret not in str(app.emacs_state.macro)


def test_a_hidden_answer_is_seen_as_dots_only() -> None:
    """It comes to the asker whole, and stays nowhere."""

    async def story() -> None:
        async with window() as anna:
            questions = anna.screen.questions()
            answer = asked(questions, "Password: ")
            await anna.glass.shows("Password:")
            anna.types(PASSWORD)
            await anna.glass.shows(f"Password: {'•' * len(PASSWORD)}")
            anna.types("\x7f" + PASSWORD[-1] + "\r")
            assert await answer == PASSWORD
            questions.close()
            await anna.glass.shows("#lobby>")
            anna.types("\x1b[A\x1f\x19")
            anna.types("said")
            await anna.glass.shows("#lobby> said")
            assert_nothing_is_left(anna, PASSWORD)

    run(story())


def test_keys_of_editing_leave_nothing_to_paste() -> None:
    """Ctrl-U, Ctrl-W and Ctrl-K put nothing onto the clipboard; a macro is not recorded."""

    async def story() -> None:
        async with window() as anna:
            await pressed(anna, "\x18(")
            assert anna.screen._app.emacs_state.is_recording
            questions = anna.screen.questions()
            answer = asked(questions, "Password: ")
            await anna.glass.shows("Password:")
            for key in ("\x15", "\x17"):
                anna.types(PASSWORD + key)
            anna.types(PASSWORD + "\x01\x0b\t\x1b[D\r")
            assert await answer == PASSWORD
            questions.close()
            anna.types("\x18)\x18e\x19said")
            await anna.glass.shows("#lobby> said")
            assert_nothing_is_left(anna, PASSWORD)

    run(story())


def test_a_pasted_line_end_is_no_enter() -> None:
    """A paste is one answer, whatever commands it has."""

    async def story() -> None:
        async with window() as anna:
            questions = anna.screen.questions()
            answer = asked(questions, "Password: ")
            anna.pastes("one\r/leave\r")
            await anna.glass.shows("Password: " + "•" * len("one /leave"))
            assert not answer.done()
            anna.types("\r")
            assert await answer == "one\n/leave"
            questions.close()
            assert anna.texts() == []

    run(story())


@pytest.mark.parametrize("key", ["\x1b", "\x03", "\x04"])
def test_esc_and_ctrl_c_cancel(key: str) -> None:
    """The asker hears of it, and the line before is as it was."""

    async def story() -> None:
        async with window() as anna:
            anna.types("half a sen")
            await anna.glass.shows("#lobby> half a sen")
            questions = anna.screen.questions()
            answer = asked(questions, "Password: ")
            anna.types("secr")
            await anna.glass.shows("Password: ••••")
            anna.types(key)
            with pytest.raises(UnansweredError, match="cancelled"):
                await answer
            questions.close()
            anna.types("tence")
            await anna.glass.shows("#lobby> half a sentence")
            assert_nothing_is_left(anna, "secr")

    run(story())


def test_what_is_typed_between_two_questions_is_an_answer() -> None:
    """Not a message: an impatient second password is told to nobody."""

    async def story() -> None:
        async with window() as anna:
            questions = anna.screen.questions()
            first = asked(questions, "Password: ")
            await anna.glass.shows("Password:")
            anna.types("wrong\r")
            assert await first == "wrong"
            anna.types("right")
            await anna.glass.shows("Password: …")
            second = asked(questions, "Wrong password. Password: ")
            await anna.glass.shows("Wrong password. Password: •••••")
            anna.types("\r")
            assert await second == "right"
            questions.close()
            await anna.glass.shows("#lobby>")
            assert anna.texts() == []

    run(story())


def test_an_unasked_question_waits_for_an_empty_line() -> None:
    """Whoever is in the middle of a sentence says it to the room, and is asked then."""

    async def story() -> None:
        async with window() as anna:
            anna.types("half a sen")
            await anna.glass.shows("#lobby> half a sen")
            questions = anna.screen.questions(unasked=True)
            answer = asked(questions, "Password: ")
            anna.types("tence\r")
            await anna.glass.shows("Password:")
            assert anna.texts() == ["half a sentence"]
            anna.types("secret\r")
            assert await answer == "secret"
            questions.close()
            await anna.glass.shows("#lobby>")

    run(story())


def test_askers_take_turns() -> None:
    """The second question comes when the first asker is done; a visible answer is seen."""

    async def story() -> None:
        async with window() as anna:
            first, second = anna.screen.questions(), anna.screen.questions(unasked=True)
            sure = asked(first, "Sure \x1b[2J? ", secret=False)
            word = asked(second, "Password: ")
            anna.types("yes")
            await anna.glass.shows("Sure ␛[2J? yes")
            anna.types("\r")
            assert await sure == "yes"
            await anna.glass.shows("Sure ␛[2J? …")
            await pressed(anna, "junk")
            first.close()
            await anna.glass.shows("Password:")
            anna.types("secret\r")
            assert await word == "secret"
            second.close()
            await anna.glass.shows("#lobby>")

    run(story())


def test_the_end_leaves_no_asker_behind() -> None:
    """Whoever still asks is told."""

    async def story() -> None:
        async with window() as anna:
            answer = asked(anna.screen.questions(), "Password: ")
            await anna.glass.shows("Password:")
            anna.screen.close()
            await anna.ended()
            with pytest.raises(UnansweredError, match="ended"):
                await answer

    run(story())
