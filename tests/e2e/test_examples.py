"""The clients in examples/, in other languages, against a real server; and their manual."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_service.edge.status import STATUS
from tests.e2e.example_clients import (
    GO,
    ROOT,
    Program,
    Running,
    build_go,
    build_node,
    generate_go,
    stubs_go,
)
from tests.e2e.example_link import Link
from tests.e2e.launched import PATIENCE, Launched
from tests.held_ports import held_ports

BURST = 20
"""Messages that a user may send at once. Source: the service's guarantees."""


@pytest.fixture(
    scope="session",
    params=[
        pytest.param("node", marks=pytest.mark.needs_program("node", "npm")),
        pytest.param("go", marks=pytest.mark.needs_program("go")),
    ],
)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Build each client once."""
    target = tmp_path_factory.mktemp("example")
    if request.param == "go":
        return build_go(target)
    # There is no cache where its plugin is switched off.
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    return build_node(target if cache is None else cache.mkdir("examples"))


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[Launched]:
    """Run a server."""
    with (
        held_ports() as port,
        Launched("--port", str(port), "--data-dir", tmp_path / "data") as launched,
    ):
        yield launched


@pytest.fixture
def address(launched: Launched) -> str:
    """Return where the server listens."""
    (address,) = launched.addresses(1).values()
    return address


def posts(*texts: str) -> list[str]:
    """Return the options that post these texts."""
    return [word for text in texts for word in ("--post", text)]


def test_two_clients_talk(program: Program, address: str) -> None:
    """Two clients post to one room and print the same events, whatever the texts hold."""
    room = ("--room", "Garden", "--since", "0", "--count", "4")
    strange = "h\u00e9 \x1b[2J \x7f \u202e \U0001f600 <&>"
    with (
        Running(program, address, "alice", *room, *posts("one", strange)) as alice,
        Running(program, address, "bob", *room, *posts("two\nlines", "four")) as bob,
    ):
        seen = alice.events()
        assert bob.events() == seen
    assert [event["seq"] for event in seen] == [1, 2, 3, 4]
    assert all(event["type"] == "message" and event["room"] == "Garden" for event in seen)
    said = {
        name: [event["text"] for event in seen if event["author"] == name]
        for name in ("alice", "bob")
    }
    assert said == {"alice": ["one", strange], "bob": ["two\nlines", "four"]}


def test_the_name_is_free_at_the_end(program: Program, address: str) -> None:
    """A client signs out when it is done, so another can be called the same at once."""
    for text in ("first", "second"):
        with Running(program, address, "alice", "--count", "0", *posts(text)) as alice:
            assert alice.events() == []
    with Running(program, address, "alice", "--since", "0", "--count", "2") as alice:
        assert [event["text"] for event in alice.events()] == ["first", "second"]


def test_resume_after_the_server_was_killed(
    program: Program, launched: Launched, address: str
) -> None:
    """A client that lost a killed server gets exactly what was said until it came back."""
    with Link(address) as link:
        everything = ("--since", "0", "--count", "9")
        with Running(program, link.address, "alice", *everything) as alice:
            with Running(program, address, "bob", "--count", "0", *posts(*"123")) as bob:
                assert bob.events() == []
            alice.wait_for("3")
            link.cut()
            (instance,) = launched.instances().values()
            instance.kill()
            instance.wait(PATIENCE)
            with Running(program, address, "bob", "--count", "0", *posts(*"45678")) as bob:
                assert bob.events() == []
            alice.wait_for_complaint("trying again")
            link.restore()
            alice.wait_for("8")
            with Running(
                program, address, "bob", *posts("9"), "--since", "5", "--count", "4"
            ) as bob:
                late = bob.events()
            seen = alice.events()
    assert [(event["seq"], event["text"]) for event in seen] == [(n, str(n)) for n in range(1, 10)]
    assert late == seen[5:]


def test_post_without_an_answer_is_stored_once(program: Program, address: str) -> None:
    """A post whose ack was lost on the way is sent again after the resume, and stored once."""
    with Link(address) as link:
        link.lose_answers_to(b"only once")
        lasting = ("--since", "0", "--count", "1")
        with Running(program, link.address, "alice", *lasting, *posts("only once")) as alice:
            with Running(program, address, "bob", *lasting) as bob:
                (stored,) = bob.events()
            link.cut()
            link.restore()
            assert alice.events() == [stored]
        assert link.times_sent == 2
    with Running(program, address, "bob", "--since", "0", "--count", "2", *posts("end")) as bob:
        assert [event["text"] for event in bob.events()] == ["only once", "end"]


def test_posts_over_the_rate_wait(program: Program, address: str) -> None:
    """A client that posts faster than it may obeys the refusals, and keeps the order."""
    texts = [f"text {number}" for number in range(BURST + 4)]
    whole = ("--since", "0", "--count", str(len(texts)))
    with Running(program, address, "alice", *whole, *posts(*texts)) as alice:
        assert [event["text"] for event in alice.events()] == texts


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--since", "99"), "SEQ_OUT_OF_RANGE"),
        (("--count", "0", "--post", " "), "TEXT_INVALID"),
        (("--room", "no such name"), "a room's name is"),
    ],
)
def test_refusals_are_told(
    program: Program, address: str, arguments: tuple[str, ...], reason: str
) -> None:
    """What the server refuses for good ends the client with status 1 and the reason."""
    with Running(program, address, "alice", *arguments) as alice:
        status, complaints = alice.refusal()
    assert status == 1
    assert reason in "\n".join(complaints)


@pytest.mark.needs_program("go")
def test_go_stubs_are_those_of_the_contract(tmp_path: Path) -> None:
    """The committed Go stubs are what the documented command makes from protos/."""
    generated = generate_go(tmp_path)
    assert len(generated) == 2
    assert stubs_go(GO / "gen") == generated


def test_every_reason_is_explained() -> None:
    """The table in docs/protocol.md has each reason of an error once, with its status."""
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z_]+) \| ([A-Z_]+) \| \S.* \| \S.* \|$", page, re.MULTILINE)
    assert len(rows) == len(dict(rows))
    assert dict(rows) == {reason.value: status.name for reason, status in STATUS.items()}
