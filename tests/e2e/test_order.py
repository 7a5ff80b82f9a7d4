"""Rooms of one's own and order in them: the real client in windows, against the real server."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.client_terminal import Terminal
from tests.e2e.example_link import Link
from tests.e2e.launched import Launched


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a server that all tests share, each with people of its own."""
    with Launched("--port", "0", "--data-dir", tmp_path_factory.mktemp("data")) as server:
        (address,) = server.addresses(1).values()
        yield address


class Place:
    """Opens windows for one test, in a room of its own."""

    def __init__(self, stack: ExitStack, target: str, state_dir: Path, room: str) -> None:
        self._stack = stack
        self._state_dir = state_dir
        self._target = target
        self.room = room

    def window(self, name: str, **variables: str) -> Terminal:
        """Open a window as somebody with a machine of its own, and wait until the room is there."""
        options = ["--target", self._target, "--name", name, "--room", self.room]
        terminal = Terminal(self._state_dir / name, *options, columns=100, rows=40, **variables)
        self._stack.enter_context(terminal)
        terminal.sees(f"in #{self.room}")
        return terminal


@pytest.fixture
def place(target: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Give each test a room that is named after it."""
    room = re.sub(r"[^a-z]+", "-", request.node.name.removeprefix("test_"))[:20].strip("-")
    with ExitStack() as stack:
        yield Place(stack, target, tmp_path, room)


def test_a_private_room_of_two_and_a_third_person_locked_out(place: Place) -> None:
    """Made, invited to, spoken in; who is not in it finds nothing by any name."""
    ann, ben, eve = (place.window(name) for name in ("ann", "ben", "eve"))
    ann.enters("/create den private")
    ann.sees("den (private) is made, id ")
    ann.shows("den (private)>")
    (told,) = [row for row in ann.everything() if "is made, id" in row]
    room_id = re.search(r"id (r\d+)\.", told)
    assert room_id
    ann.enters("/invite ben")
    ben.sees("ann invites you to den (private).")
    ben.enters("/accept den")
    ben.shows("den (private)>")
    ann.sees("ben joined")
    ann.enters("between us")
    ben.sees("ann: between us")
    ben.enters("/members")
    ben.sees("2 members of den (private)")
    # The third finds a public room of that name, which is another one, and nothing else.
    eve.enters("/rooms")
    eve.sees(f"* #{place.room}")
    eve.enters(f"/join {room_id[1]}")
    eve.sees("there is no such room")
    eve.enters("/join den")
    eve.sees("in #den: eve")
    eve.enters("/users")
    eve.sees("1 in #den: eve")
    eve.enters("/history")
    eve.sees("end of history")
    eve.enters("hello?")
    eve.sees("eve: hello?\u00a0✓")
    # A code leads there, and is good once.
    ann.enters("/code")
    ann.sees("/join code:")
    (code,) = [row for row in ann.everything() if "/join code:" in row]
    eve.enters(code[code.index("/join") :])
    eve.shows("den (private)>")
    ann.sees("eve joined")
    ann.enters("now for three")
    eve.sees("ann: now for three")
    assert eve.count("between us") == 0
    assert ann.count("hello?") == ben.count("hello?") == 0


def test_who_misbehaves_is_muted_kicked_and_banned(place: Place) -> None:
    """Each is told by whom, until when and why; what was being typed goes to nobody."""
    ann, ben = place.window("mia"), place.window("jon")
    ann.sees("jon joined")
    ann.enters("/mute jon 1h hush")
    ann.sees(f"jon is muted in #{place.room} until ")
    ben.sees(f"You are muted in #{place.room} until ")
    ben.shows("muted for ")
    ben.enters("why?")
    ben.sees("not sent: why?", "muted")
    ann.enters("/bans")
    ann.sees("jon  muted until ", "hush")
    ann.enters("/unmute jon")
    ben.sees(f"You may speak in #{place.room} again")
    ben.types("\x15")
    ben.enters("thanks")
    ann.sees("jon: thanks")
    ben.types("I was just going to s")
    ann.enters("/kick jon cool down")
    ann.sees("mia removed jon: cool down")
    ben.sees(f"mia removed you from #{place.room}: cool down", "You are in no room now.")
    ben.enters("ay")
    ben.sees("You are in no room. /join lobby enters one.")
    ben.types("\x15")
    ben.enters(f"/join {place.room}")
    ben.sees(f"in #{place.room}: jon", times=2)
    ann.enters("/ban jon 2h spam")
    ann.sees("mia banned jon until ")
    ben.sees(f"mia banned you from #{place.room} until ")
    ben.enters(f"/join {place.room}")
    ben.sees("you are banned from this room")
    assert ann.count("just going") == 0
    ann.enters("/unban jon")
    ann.sees(f"jon may come to #{place.room} again.")
    ben.enters(f"/join {place.room}")
    ben.sees(f"in #{place.room}: jon", times=3)
    ann.enters("/audit")
    ann.sees("what was done in", "jon: cool down")


def test_a_deleted_message_is_gone_from_every_window(place: Place) -> None:
    """The own one at once, that of somebody else after a yes; who comes later sees a mark."""
    ann, ben = place.window("amy"), place.window("bea")
    ben.enters("a slip of the tongue")
    ann.sees("bea: a slip of the tongue")
    ben.enters("/delete")
    for window in (ann, ben):
        window.sees("bea: (message deleted)", "bea deleted a message")
        assert window.count("slip of the tongue") == 0
    ben.enters("buy pills")
    ann.sees("bea: buy pills")
    ann.enters("/numbers")
    ann.sees("end of history")
    (row,) = [row for row in ann.everything() if re.search(r"\d\d:\d\d \d+ bea: buy pills", row)]
    number = row.split()[1]
    ann.enters(f"/delete {number} spam")
    ann.shows("Delete what bea said: buy pills (y/n)")
    ann.enters("n")
    ann.sees("Nothing is deleted.")
    assert ben.count("buy pills") == 1
    ann.enters(f"/delete {number} spam")
    ann.shows("Delete what bea said: buy pills (y/n)")
    ann.enters("y")
    for window in (ann, ben):
        window.sees("amy deleted a message of bea: spam")
        assert not any("buy pills" in row for row in window.rows() if "y/n" not in row)
    eve = place.window("cat")
    eve.sees("bea: (message deleted)", times=2)
    assert eve.count("pills") == eve.count("slip") == 0


def test_nothing_of_whom_one_ignores_is_seen(place: Place) -> None:
    """What was said vanishes, what is said does not come, direct messages neither; also later."""
    ann, ben = place.window("liz"), place.window("max")
    ben.enters("blah blah")
    ann.sees("max: blah blah")
    ann.enters("/ignore max")
    ann.sees("You see nothing of max any more.")
    assert ann.count("blah blah") == 0
    ben.enters("more blah")
    ben.enters("/msg liz psst")
    ben.sees("max: psst\u00a0✓")
    ann.enters("still here")
    ann.sees("liz: still here\u00a0✓")
    assert ann.count("more blah") == ann.count("psst") == 0
    ann.enters("/quit")
    assert ann.ends() == 0
    again = place.window("liz")
    again.enters("/ignored")
    again.sees("ignored: max")
    again.enters("/unignore max")
    again.sees("You see max again.")
    ben.enters("hello again")
    again.sees("max: hello again")


def test_a_pasted_command_is_not_run(place: Place) -> None:
    """It stands in the line until somebody presses Enter; of several lines it is a text."""
    ann, ben = place.window("zoe"), place.window("tim")
    ann.pastes("/kick tim\n")
    ann.shows(f"#{place.room}> /kick tim")
    ben.enters("still here?")
    ann.sees("tim: still here?")
    ann.types("\x15")
    ann.types("\x15\x08\x15")
    ann.pastes("/kick tim\n/ban tim\n")
    ann.enters("")
    ann.sees("That begins like a command: Enter again sends it as text.")
    ann.enters("")
    ben.sees("zoe: /kick tim")
    assert ben.count("removed") == 0


def test_who_is_kicked_while_the_line_is_cut_does_not_come_back(
    place: Place, target: str, tmp_path: Path
) -> None:
    """The client reads that it was removed, says so and stays out; the other room goes on."""
    ann = place.window("ada")
    with (
        Link(target) as link,
        Terminal(
            tmp_path / "kim",
            *("--target", link.address, "--name", "kim", "--room", f"{place.room}-2"),
            columns=100,
            rows=40,
        ) as kim,
    ):
        kim.sees(f"in #{place.room}-2")
        kim.enters(f"/join {place.room}")
        ann.sees("kim joined")
        link.cut()
        kim.sees("disconnected")
        ann.enters("/kick kim cool down")
        ann.sees("ada removed kim: cool down")
        kim.types("I was just going to s")
        link.restore()
        kim.sees(
            f"ada removed you from #{place.room}: cool down",
            f"You are in #{place.room}-2 now.",
        )
        kim.enters("ay")
        kim.sees(f"Was this meant for #{place.room}?")
        kim.types("\x15")
        kim.enters(f"/join {place.room}-2")
        kim.enters("still here")
        # This was stored after the leave.
        kim.sees("kim: still here\u00a0✓")
        ann.enters("/members")
        ann.sees(f"1 member of #{place.room}")
        kim.enters(f"/join {place.room}")
        kim.sees(f"in #{place.room}: ada, kim", times=2)
        kim.enters("sorry")
        ann.sees("kim: sorry")
    assert ann.count("just going") == 0
