"""The lines of the log, as text and as JSON."""

import json
import logging
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.logs import JsonFormatter, TextFormatter, configure_logging

log = logging.getLogger("chat_service.test")

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")


@pytest.fixture
def configured() -> Iterator[None]:
    """Have the log as it was after a test that configures it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    libraries = {name: logging.getLogger(name).level for name in ("grpc", "asyncio")}
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, former in libraries.items():
        logging.getLogger(name).setLevel(former)


def record(message: str, error: Exception | None = None, **fields: object) -> logging.LogRecord:
    """Return what a logging call makes."""
    exc_info = (type(error), error, error.__traceback__) if error else None
    return log.makeRecord(
        "chat_service.test",
        logging.ERROR,
        __file__,
        1,
        message,
        (),
        exc_info,
        extra={"fields": fields},
    )


def raised(text: str) -> Exception:
    """Return an exception that was raised."""
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


@pytest.mark.usefixtures("configured")
def test_text_names_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line has a UTC time, its level and who speaks; quieter levels are left out."""
    configure_logging("info", "127.0.0.1:0")
    configure_logging("info", "127.0.0.1:50051")
    log.info("hello")
    log.debug("not told")
    (line,) = capsys.readouterr().err.splitlines()
    assert TIME.match(line)
    assert line.split(" ", 1)[1] == "INFO 127.0.0.1:50051 hello"


@pytest.mark.usefixtures("configured")
def test_libraries_are_kept_from_talking(capsys: pytest.CaptureFixture[str]) -> None:
    """At debug level our own lines are told, and those of grpc and asyncio are not."""
    configure_logging("debug", "here")
    log.debug("told")
    logging.getLogger("grpc._cython.cygrpc").debug("not told")
    logging.getLogger("asyncio").debug("not told")
    assert [line.split()[-1] for line in capsys.readouterr().err.splitlines()] == ["told"]


def test_text_has_fields_behind_the_message() -> None:
    """What a line is about follows as names and values, quoted where they are not plain."""
    told = record("a stream ended", session="s7", why="went away", count=3, empty="", odd='a="')
    line = TextFormatter("here").format(told)
    assert line.split(" ", 1)[1] == (
        'ERROR here a stream ended session=s7 why="went away" count=3 empty="" odd="a=\\""'
    )


@pytest.mark.usefixtures("configured")
def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    """A line of JSON has time, level, source and message, and a member for each field."""
    configure_logging("info", "127.0.0.1:50051", "json")
    log.warning("a stream %s", "ended", extra={"fields": {"session": "s7", "count": 3}})
    log.info("plain")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert TIME.match(first.pop("time") + " ")
    assert first == {
        "level": "warning",
        "source": "127.0.0.1:50051",
        "message": "a stream ended",
        "session": "s7",
        "count": 3,
    }
    assert second.keys() == {"time", "level", "source", "message"}


def test_json_has_an_exception_as_one_string() -> None:
    """The traceback, with its lines, is one member of the one line."""
    line = JsonFormatter("here").format(record("broke", raised("a\nb")))
    assert "\n" not in line
    exception = json.loads(line)["exception"]
    assert exception.startswith("Traceback (most recent call last):\n")
    assert exception.endswith("ValueError: a\nb")


def test_field_cannot_take_the_place_of_time_or_level() -> None:
    """A field that is called as a part of the line is not told instead of it."""
    line = json.loads(JsonFormatter("here").format(record("hello", level="none", source="there")))
    assert (line["level"], line["source"]) == ("error", "here")


def test_value_that_json_does_not_know_is_told_as_text() -> None:
    """No value keeps a line from being written."""
    line = json.loads(JsonFormatter("here").format(record("hello", value={1}, odd="\ud800")))
    assert (line["value"], line["odd"]) == ("{1}", "\ud800")


FORGED = "x\n2026-11-20T13:50:48.123Z INFO here forged\r\x1b[2J\x85\u2028\u202e\x00"


@given(st.one_of(st.text(), st.text("a\n\r\x1b\x85\u2028 ="), st.just(FORGED)))
def test_no_text_forges_a_line(text: str) -> None:
    """Whatever a message, a field or an exception holds, one line of text is one record."""
    told = TextFormatter("here").format(record(text, raised(text), user=text))
    first, *more = told.splitlines()
    assert told.split("\n") == [first, *more]
    assert TIME.match(first)
    assert all(line.startswith("    ") for line in more)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", told)


@given(st.one_of(st.text(), st.just(FORGED)))
def test_no_text_forges_a_line_of_json(text: str) -> None:
    """Whatever it holds, JSON is one printable line that gives it back."""
    told = JsonFormatter("here").format(record(text, user=text))
    assert re.fullmatch("[ -~]+", told)
    line = json.loads(told)
    assert (line["message"], line["user"]) == (text, text)
