"""The real client in real pseudo-terminals and pipes, against the real server."""

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.e2e.client_terminal import COMMAND, Terminal, environment, run_client
from tests.e2e.launched import PATIENCE, Launched
from tests.held_ports import held_ports
from tests.text.test_sanitize import ATTACKS

MARK = "\u00a0✓"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a server that all tests share, each with people and rooms of its own."""
    with Launched("--port", "0", "--data-dir", tmp_path_factory.mktemp("data")) as server:
        (address,) = server.addresses(1).values()
        yield address


class Place:
    """Opens windows with clients for one test, in a room of its own."""

    def __init__(self, stack: ExitStack, target: str, state_dir: Path, room: str) -> None:
        self._stack = stack
        self._state_dir = state_dir
        self.target = target
        self.room = room

    def arguments(self, name: str) -> list[str]:
        """Give the options of a client."""
        return ["--target", self.target, "--name", name, "--room", self.room]

    def state_dir(self, name: str) -> Path:
        """Give each name a machine of its own."""
        return self._state_dir / name

    def window(self, name: str, columns: int = 80, rows: int = 24, **variables: str) -> Terminal:
        """Open a window, and wait until the room is there."""
        terminal = Terminal(
            self.state_dir(name), *self.arguments(name), columns=columns, rows=rows, **variables
        )
        self._stack.enter_context(terminal)
        terminal.sees(f"in #{self.room}")
        return terminal

    def script(
        self, command: str, name: str, *arguments: str, lines: str | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run a script to its end."""
        options = self.arguments(name)
        return run_client(self.state_dir(name), command, *options, *arguments, lines=lines)


@pytest.fixture
def place(target: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Give each test a room that is named after it."""
    room = re.sub(r"[^a-z]+", "-", request.node.name.removeprefix("test_"))[:20].strip("-")
    with ExitStack() as stack:
        yield Place(stack, target, tmp_path, room)


def said(terminal: Terminal, name: str) -> list[str]:
    """Give what somebody said, as one window shows it."""
    pattern = re.compile(rf"\d\d:\d\d {name}: (.*)")
    matches = map(pattern.match, terminal.everything())
    return [match.group(1).replace(MARK, " ✓") for match in matches if match]


# --------------------------------------------------------------------- windows


def test_two_people_chat(place: Place) -> None:
    """Both see every message once, the own ones with a mark, and who comes and goes."""
    ann = place.window("ann")
    ben = place.window("ben")
    ann.sees("ben joined")
    ann.enters("hello ben")
    ben.sees("ann: hello ben")
    ben.enters("/me waves")
    ann.sees("* ben waves")
    ann.sees(f"ann: hello ben{MARK}")
    ben.sees(f"* ben waves{MARK}")
    ben.enters("/quit")
    assert ben.ends() == 0
    ann.sees("ben left")
    ann.types("\x04")
    assert ann.ends() == 0
    for window in (ann, ben):
        assert window.count("hello ben") == window.count("ben waves") == 1


def test_typing_is_never_broken_by_messages(place: Place) -> None:
    """Letters typed one by one under a flood stand in the line and nowhere else."""
    ann = place.window("ann")
    flood = subprocess.Popen(
        [COMMAND, "send", *place.arguments("flood")],
        stdin=subprocess.PIPE,
        env=environment(place.state_dir("flood")),
        text=True,
    )
    assert flood.stdin
    flood.stdin.write("".join(f"flood {number}.\n" for number in range(20)))
    flood.stdin.close()
    line = "the quick brown fox jumps over the lazy dog"
    for length, letter in enumerate(line, 1):
        ann.types(letter)
        ann.sees(f"> {line[:length]}".rstrip())
    assert flood.wait(PATIENCE) == 0
    ann.sees("flood: flood 19.")
    assert said(ann, "flood") == [f"flood {number}." for number in range(20)]
    ann.enters("")
    ann.sees(f"ann: {line}{MARK}")
    # At a look when the last row is drawn, as all above it is then.
    ann.until(lambda: ann.rows()[-1].startswith(" online"))
    strays = [
        row for row in ann.everything() if not re.match(r"\d\d:\d\d |      |#| online", row) and row
    ]
    assert strays == []


def test_a_direct_message_is_there_when_its_receiver_returns(place: Place) -> None:
    """To one and to several, and to nobody else."""
    ann, ben, eve = (place.window(name) for name in ("ann", "ben", "eve"))
    ann.enters("/msg ben psst")
    ben.sees("@ann ann: psst", "/dm ann goes to this conversation")
    ann.sees(f"@ben ann: psst{MARK}")
    ben.enters("/dm ann")
    ben.sees("@ann>")
    ben.enters("what is it?")
    ann.sees("@ben ben: what is it?")
    ann.enters("/msg ben,eve for both")
    eve.sees("@ann,ben ann: for both")
    ben.sees("@ann,eve ann: for both")
    assert eve.count("psst") == 0
    # A killed client keeps its identity; what was sent meanwhile waits for it.
    ben.process.kill()
    ben.ends()
    ann.enters("/msg ben later")
    ann.sees(f"@ben ann: later{MARK}")
    again = place.window("ben")
    again.sees("@ann ann: psst", "@ann ann: later", "@ann,eve ann: for both")


def test_a_taken_and_an_invalid_name_are_asked_for_again(place: Place) -> None:
    """The reason stands above, the next line is the name."""
    place.window("ann")
    other = Terminal(place.state_dir("other"), *place.arguments("ann"))
    with other:
        other.sees("this name is taken", "Your name:")
        other.enters("not a name")
        other.sees("does not start with")
        other.enters("other-ann")
        other.sees("You are other-ann", f"in #{place.room}: ann, other-ann")


def test_a_name_is_asked_for_when_none_is_given(place: Place) -> None:
    """The prompt says what it wants."""
    with Terminal(place.state_dir("x"), "--target", place.target, "--room", place.room) as nobody:
        nobody.sees("Your name:")
        nobody.enters("somebody")
        nobody.sees("You are somebody", f"#{place.room}>")


def test_commands_do_what_the_help_says(place: Place) -> None:
    """Rooms, topic, users, history, help, completion and a mistyped command."""
    ann = place.window("ann", columns=100, rows=50)
    ann.enters("/topic all about tests")
    ann.sees("ann set the topic: all about tests")
    ann.enters(f"/join {place.room}-two")
    ann.sees(f"in #{place.room}-two: ann")
    ann.enters("first here")
    ann.sees(f"first here{MARK}")
    ann.enters("/rooms")
    ann.sees(f"* #{place.room}-two", "all about tests")
    ann.enters("/users")
    ann.sees(f"1 in #{place.room}-two: ann")
    ann.enters("/history 5")
    ann.sees("end of history")
    assert ann.count("first here") == 2
    ann.enters("/leave")
    ann.sees(f"you left #{place.room}-two, now in #{place.room}")
    ann.types("/top\t")
    ann.sees(f"#{place.room}> /topic")
    ann.enters("")
    ann.sees(f"#{place.room}: all about tests")
    ann.enters("/helo")
    ann.sees("There is no /helo. Did you mean /help?")
    ann.types("\x15")
    ann.enters("/help")
    ann.sees("/dm NAME[,NAME…]", "//text")


def test_pasted_commands_are_not_run(place: Place) -> None:
    """A paste is one message of several lines; `/kick ben` inside it is a line of text."""
    ann, ben = place.window("ann"), place.window("ben")
    ann.pastes("look:\n/kick ben\n/quit\n")
    ann.sees("/quit")
    ann.types("\r")
    ben.sees("ann: look:", "      /kick ben", "      /quit")
    ann.pastes("/leave\n/quit")
    ann.types("\r")
    ann.sees("Enter again sends it as text")
    assert ann.process.poll() is None
    ann.types("\r")
    ben.sees("ann: /leave", "      /quit")


def test_attacks_are_shown_and_not_obeyed(place: Place) -> None:
    """Live, replayed from history, as a topic, in a log that `tail` writes."""
    ann = place.window("ann")
    attacks = [attack for attack in ATTACKS if "\n" not in attack]
    lines = "".join(f"{number} {attack} <i> & <b>\n" for number, attack in enumerate(attacks))
    result = place.script("send", "evil", lines=lines)
    assert (result.returncode, result.stderr) == (0, "")
    ann.sees(f"evil: {len(attacks) - 1} ")
    late = place.window("late")
    late.sees(f"evil: {len(attacks) - 1} ")
    ann.enters("/history 20")
    ann.sees("end of history")
    for window in (ann, late):
        for attack in attacks:
            assert attack.encode() not in window.raw
        # OSC, DCS, BEL, BS of others, shift out and C1 never: not even from the screen itself.
        assert not set(b"\x07\x0e\x0f\x7f") & set(window.raw)
        assert b"\x1b]" not in window.raw
        assert b"\x1bP" not in window.raw
        assert not re.search(rb"\xc2[\x80-\x9f]", window.raw)
    count = str(len(attacks))
    log = place.script("tail", "log", "--since", "0", "--count", count)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200b]", log.stdout)
    exact = place.script("tail", "log", "--since", "0", "--count", count, "--json")
    assert exact.stdout.isascii()
    texts = [json.loads(line)["text"] for line in exact.stdout.splitlines()]
    assert texts == [f"{number} {attack} <i> & <b>" for number, attack in enumerate(attacks)]


def test_forty_columns(place: Place) -> None:
    """A narrow window shows everything, and no row is wider than it."""
    ann = place.window("ann", columns=40, rows=16)
    ann.enters("a message of a length that does not fit into one row 日本語のテキスト")
    ann.sees("日本語の", "テキスト" + MARK)
    ann.types("and a line being typed that is longer than the window is wide")
    place.script("send", "ben", "short")
    ann.sees("ben: short", "hat is longer than the window is")
    # The bar is the last that is drawn.
    ann.until(lambda: ann.rows()[-1].startswith(" online"))


def test_colours_only_where_they_are_wanted(place: Place) -> None:
    """Names are coloured, and not with NO_COLOR."""
    plain = place.window("ann", NO_COLOR="1")
    coloured = place.window("ben")
    plain.enters("hello")
    coloured.sees("ann: hello")
    colour = re.compile(rb"\x1b\[[0-9;]*(3[0-7]|38;5;\d+|9[0-7])[0-9;]*m")
    assert colour.search(coloured.raw)
    assert not colour.search(plain.raw)


def test_the_first_paint_waits_for_nothing(place: Place) -> None:
    """The prompt is drawn before what makes connections is imported, which takes as long again."""
    told = Terminal(place.state_dir("ann"), *place.arguments("ann"), PYTHONPROFILEIMPORTTIME="1")
    with told as ann:
        imported = re.compile(rb"\| +(grpc|google|chat_protos)\b")
        ann.until(lambda: imported.search(ann.raw) is not None)
        first = imported.search(ann.raw)
        assert first
        assert f"#{place.room}>".encode() in ann.raw[: first.start()]


# ------------------------------------------------------- identity and its end


def test_windows_and_scripts_of_one_name_are_one_user(place: Place) -> None:
    """Two windows and a script on one machine; the script's end leaves the windows signed in."""
    first, second = place.window("ann"), place.window("ann")
    result = place.script("send", "ann", "from the script")
    assert result.returncode == 0
    for window in (first, second):
        window.sees(f"ann: from the script{MARK}")
    second.enters("from the second")
    first.sees(f"ann: from the second{MARK}")
    assert first.count("left") == first.count("joined") == 0


@pytest.mark.parametrize("how", ["quit", "eof", "term", "interrupt"])
def test_every_clean_end_frees_the_name(place: Place, how: str) -> None:
    """At once, for somebody on another machine, and no token is left behind."""
    ann = place.window("ann")
    match how:
        case "quit":
            ann.enters("/quit")
        case "eof":
            ann.types("\x04")
        case "term":
            ann.signals(signal.SIGTERM)
        case "interrupt":
            ann.signals(signal.SIGINT)
    expected = {"term": 128 + signal.SIGTERM, "interrupt": 128 + signal.SIGINT}
    assert ann.ends() == expected.get(how, 0)
    assert list(place.state_dir("ann").rglob("*.json*")) == []
    assert run_client(
        place.state_dir("elsewhere"), "send", *place.arguments("ann"), "my name now"
    ).returncode == 0  # fmt: skip


def test_a_closed_window_keeps_the_name(place: Place) -> None:
    """It may be a line that dropped: what is sent meanwhile waits, and the next start has it."""
    ann = place.window("ann")
    ann.close()
    assert ann.ends() == 128 + signal.SIGHUP
    bob = place.window("bob")
    bob.enters("/msg ann are you there?")
    bob.sees(f"bob: are you there?{MARK}")
    again = place.window("ann")
    again.sees("bob: are you there?")
    again.enters("/quit")
    assert again.ends() == 0


def test_a_killed_client_is_back_under_its_name(place: Place) -> None:
    """No waiting, the same user; when it ends well the name is free."""
    ann = place.window("ann")
    ann.enters("before")
    ann.sees(f"ann: before{MARK}")
    ann.process.kill()
    ann.ends()
    again = place.window("ann")
    # An own message is known by the id of its author, not by the name.
    again.sees(f"ann: before{MARK}")
    again.enters("/quit")
    assert again.ends() == 0
    elsewhere = run_client(place.state_dir("x"), "send", *place.arguments("ann"), "hi")
    assert (elsewhere.returncode, elsewhere.stderr) == (0, "")


# ------------------------------------------------------------------ reconnects


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[tuple[Launched, str]]:
    """Start a server that a test may hurt."""
    with (
        held_ports() as port,
        Launched(
            *("--port", str(port), "--data-dir", tmp_path / "data", "--no-rate-limits")
        ) as server,
    ):
        (address,) = server.addresses(1).values()
        yield server, address


def test_a_killed_server_costs_nothing(own_server: tuple[Launched, str], tmp_path: Path) -> None:
    """Messages typed while it is dead arrive once and in order; each window says two lines."""
    server, address = own_server
    with ExitStack() as stack:
        place = Place(stack, address, tmp_path, "lobby")
        ann, ben = place.window("ann"), place.window("ben")
        expected = []
        for number in range(2):
            ann.enters(f"up {number}")
            ann.sees(f"ann: up {number}{MARK}")
            (instance,) = server.instances().values()
            instance.kill()
            ann.sees("disconnected (connection lost)", times=number + 1)
            ann.enters(f"down {number}")
            ann.sees("· back, ", times=number + 1)
            ann.sees(f"ann: down {number}{MARK}")
            ben.sees(f"ann: down {number}")
            ben.sees("· back, ", times=number + 1)
            expected += [f"up {number}", f"down {number}"]
        assert said(ben, "ann") == expected
        assert said(ann, "ann") == [f"{text} ✓" for text in expected]
        for window in (ann, ben):
            assert window.count("disconnected") == window.count("· back, ") == 2


def test_a_stopped_server_is_come_back_to(tmp_path: Path) -> None:
    """A clean stop is told as a restart; the same data on the same port is resumed."""
    with ExitStack() as stack:
        port = str(stack.enter_context(held_ports()))
        arguments = ("--port", port, "--data-dir", tmp_path / "data")
        with Launched(*arguments) as server:
            (address,) = server.addresses(1).values()
            place = Place(stack, address, tmp_path, "lobby")
            ann, ben = place.window("ann"), place.window("ben")
            ann.enters("before")
            ben.sees("ann: before")
            server.terminate()
            assert server.wait() == 0
            ann.sees("disconnected (the server was stopped)")
        ann.enters("meanwhile")
        with Launched(*arguments) as server:
            server.addresses(1)
            ann.sees("back, nothing missed", f"ann: meanwhile{MARK}")
            ben.sees("· back, ", "ann: meanwhile")
            assert said(ben, "ann") == ["before", "meanwhile"]


def test_a_server_with_other_data_is_told(tmp_path: Path) -> None:
    """The old token is unknown there: the client joins anew and says so, nothing is mixed up."""
    with ExitStack() as stack:
        port = str(stack.enter_context(held_ports()))
        with Launched("--port", port, "--data-dir", tmp_path / "one") as server:
            (address,) = server.addresses(1).values()
            place = Place(stack, address, tmp_path, "kitchen")
            ann = place.window("ann")
            ann.enters("before")
            ann.sees(f"ann: before{MARK}")
        ann.sees("disconnected")
        ann.enters("for the old kitchen")
        # Else it may be taken in by the new one, as any other message.
        ann.sees("…     ann: for the old kitchen")
        with Launched("--port", port, "--data-dir", tmp_path / "two") as server:
            server.addresses(1)
            ann.sees("The server's data was replaced")
            ann.sees("✗ not sent: for the old kitchen")
            ann.sees("in #kitchen: ann", times=2)
            ann.types("\x15")
            ann.enters("afterwards")
            ann.sees(f"ann: afterwards{MARK}")


# --------------------------------------------------------------------- crashes


def test_a_killed_window_is_finished_by_the_next(
    own_server: tuple[Launched, str], tmp_path: Path
) -> None:
    """What it wrote to a frozen server arrives once; another window of the name has its own."""
    server, address = own_server
    (instance,) = server.instances().values()
    with ExitStack() as stack:
        place = Place(stack, address, tmp_path, "lobby")
        ben, dead, other = (place.window(name) for name in ("ben", "ann", "ann"))
        instance.suspend()
        try:
            for text in ("one", "two"):
                dead.enters(text)
                dead.sees(f"…     ann: {text}")
            other.enters("of the other window")
            other.sees("…     ann: of the other window")
            dead.process.kill()
            dead.ends()
            again = Terminal(place.state_dir("ann"), *place.arguments("ann"))
            stack.enter_context(again)
            again.sees("2 messages of the last session are still to be sent.")
        finally:
            instance.resume()
        for window in (again, other):
            window.sees(f"ann: two{MARK}", f"ann: of the other window{MARK}", "in #lobby")
        ben.sees("ann: two", "ann: of the other window")
        again.enters("three")
        # Above the input line it stands before it is said.
        for window, mark in ((ben, ""), (other, MARK), (again, MARK)):
            window.sees(f"ann: three{mark}")
            texts = [text.removesuffix(" ✓") for text in said(window, "ann")]
            assert sorted(texts) == ["of the other window", "one", "three", "two"]
            assert [text for text in texts if " " not in text] == ["one", "two", "three"]


def test_what_was_written_to_another_life_of_the_server_is_shown(tmp_path: Path) -> None:
    """The client was killed and the data replaced: nothing is sent until Enter says so."""
    with ExitStack() as stack:
        port = str(stack.enter_context(held_ports()))
        with Launched("--port", port, "--data-dir", tmp_path / "one") as server:
            (address,) = server.addresses(1).values()
            place = Place(stack, address, tmp_path, "lobby")
            ann = place.window("ann")
        ann.sees("disconnected")
        ann.enters("to the old world")
        ann.sees("…     ann: to the old world")
        ann.process.kill()
        ann.ends()
        with Launched("--port", port, "--data-dir", tmp_path / "two") as server:
            server.addresses(1)
            again = place.window("ann")
            again.sees("✗ not sent: to the old world", "#lobby> to the old world")
            assert said(again, "ann") == []
            again.enters("")
            again.sees(f"ann: to the old world{MARK}")
            again.enters("/quit")
            assert again.ends() == 0
        assert list(place.state_dir("ann").rglob("*.jsonl")) == []


def test_a_server_that_was_restored_from_an_older_copy(tmp_path: Path) -> None:
    """The same epoch, but rooms that are shorter: the client says so and goes on."""
    data = tmp_path / "data"
    with ExitStack() as stack:
        port = str(stack.enter_context(held_ports()))
        with Launched("--port", port, "--data-dir", data) as server:
            ((home, address),) = server.addresses(1).items()
            place = Place(stack, address, tmp_path, "lobby")
            ann = place.window("ann")
            ann.enters("kept")
            ann.sees(f"ann: kept{MARK}")
            server.terminate()
            assert server.wait() == 0
        shutil.copytree(home, tmp_path / "copy")
        with Launched("--port", port, "--data-dir", data) as server:
            server.addresses(1)
            ann.sees("· back, ")
            for number in range(3):
                ann.enters(f"gone {number}")
                ann.sees(f"ann: gone {number}{MARK}")
            server.terminate()
            assert server.wait() == 0
        ann.enters("typed meanwhile")
        shutil.rmtree(home)
        (tmp_path / "copy").rename(home)
        with Launched("--port", port, "--data-dir", data) as server:
            server.addresses(1)
            ann.sees("#lobby is shorter than what was read of it")
            ann.sees(f"ann: typed meanwhile{MARK}")
            ann.enters("and on")
            ann.sees(f"ann: and on{MARK}")
            assert ann.count("is missing") == ann.count("skipped") == 0


def test_a_killed_send_is_resumed(own_server: tuple[Launched, str], tmp_path: Path) -> None:
    """All that it had taken in is there once and in order, whatever the server had got of it."""
    server, address = own_server
    (instance,) = server.instances().values()
    options = ["--target", address, "--room", "ops"]
    lines = [f"line {number}" for number in range(400)]
    send = subprocess.Popen(
        [COMMAND, "send", "--json", *options, "--name", "bot"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(tmp_path / "bot"),
        text=True,
    )
    assert send.stdin
    assert send.stdout
    try:
        send.stdin.write(f"{lines[0]}\n")
        send.stdin.flush()
        send.stdout.readline()
        instance.suspend()
        send.stdin.write("".join(f"{line}\n" for line in lines[1:]))
        send.stdin.flush()
        # Twice the window is held; half of that is on its way to a server that does not read.
        deadline = time.monotonic() + PATIENCE
        while kept_lines(tmp_path / "bot") < 1 + 256:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        send.kill()
        send.wait()
        send.stdout.close()
        with suppress(BrokenPipeError):
            send.stdin.close()
        instance.resume()
    done = run_client(tmp_path / "bot", "send", "--resume", *options, "--name", "bot", "the end")
    assert done.returncode == 0, done.stderr
    arguments = ["--name", "log", "--since", "0", "--count", "258", "--json"]
    read = run_client(tmp_path / "log", "tail", *options, *arguments)
    texts = [json.loads(line)["text"] for line in read.stdout.splitlines()]
    assert texts == [*lines[:257], "the end"]
    assert list((tmp_path / "bot").rglob("*.jsonl")) == []


def kept_lines(state_dir: Path) -> int:
    """Count the messages that were ever written to an outbox."""
    ids = set()
    for path in state_dir.rglob("*.jsonl"):
        *whole, _ = path.read_bytes().split(b"\n")
        ids |= {json.loads(line).get("post") for line in whole}
    return len(ids - {None})


# --------------------------------------------------------------------- scripts


def test_send_makes_no_notice(place: Place) -> None:
    """People in the room see the messages and nobody coming or going."""
    ann = place.window("ann")
    result = place.script("send", "bot", lines="one\n\ntwo\n")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "chat-cli: blank lines skipped: 1\n"
    ann.sees("bot: one", "bot: two")
    place.script("send", "bot", "--", "-three-")
    ann.sees("bot: -three-")
    assert ann.count("joined") == ann.count("left") == 0


def test_send_reports_and_tail_prints(place: Place) -> None:
    """The numbers of the reports are those that are printed."""
    lines = "".join(f"n{number}\n" for number in range(15))
    sent = place.script("send", "bot", "--json", lines=lines)
    assert sent.returncode == 0
    reports = [json.loads(line) for line in sent.stdout.splitlines()]
    assert [report["seq"] for report in reports] == list(range(1, 16))
    assert {report["room"] for report in reports} == {place.room}
    assert len({report["client_msg_id"] for report in reports}) == 15
    read = place.script("tail", "log", "--since", "10", "--count", "5", "--json")
    events = [json.loads(line) for line in read.stdout.splitlines()]
    assert [(event["seq"], event["text"]) for event in events] == [
        (number + 1, f"n{number}") for number in range(10, 15)
    ]
    assert {(event["type"], event["author"], event["room"]) for event in events} == {
        ("message", "bot", place.room)
    }


def test_tail_ends_quietly_with_its_reader(place: Place) -> None:
    """`| head -2` gets two lines and no complaint."""
    place.script("send", "bot", lines="a\nb\nc\nd\n")
    tail = subprocess.Popen(
        [COMMAND, "tail", *place.arguments("log"), "--since", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(place.state_dir("log")),
        text=True,
    )
    assert tail.stdout
    assert tail.stderr
    assert [tail.stdout.readline()[6:] for _ in range(4)][:2] == ["bot: a\n", "bot: b\n"]
    tail.stdout.close()
    place.script("send", "bot", "e")
    assert tail.wait(PATIENCE) == 0
    assert tail.stderr.read() == ""
    tail.stderr.close()


def test_a_pipeline_survives_its_server(own_server: tuple[Launched, str], tmp_path: Path) -> None:
    """From send to tail every message is there once, over a crash and a stop with a notice."""
    server, address = own_server
    options = ["--target", address, "--room", "ops"]
    tail = subprocess.Popen(
        [COMMAND, "tail", *options, "--name", "log", "--since", "0", "--count", "3000", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(tmp_path / "log"),
        text=True,
    )
    send = subprocess.Popen(
        [COMMAND, "send", *options, "--name", "bot"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(tmp_path / "bot"),
        text=True,
    )
    assert send.stdin
    assert tail.stdout
    seen: list[dict[str, object]] = []
    for part in range(3):
        send.stdin.write("".join(f"{part * 1000 + n}\n" for n in range(1000)))
        send.stdin.flush()
        if part < 2:
            # In the middle of the thousand, which only a living server can have sent.
            while len(seen) < part * 1000 + 400:
                seen.append(json.loads(tail.stdout.readline()))
            (instance,) = server.instances().values()
            (instance.kill if part else instance.terminate)()
    send.stdin.close()
    assert send.wait(PATIENCE) == 0
    seen += [json.loads(line) for line in tail.stdout]
    tail.stdout.close()
    assert tail.wait(PATIENCE) == 0
    assert [event["text"] for event in seen] == [str(number) for number in range(3000)]
    assert [event["seq"] for event in seen] == list(range(1, 3001))


def test_refusals_of_scripts(place: Place) -> None:
    """Exit code 1 and the server's reason on stderr."""
    place.window("ann")
    taken = run_client(place.state_dir("x"), "send", *place.arguments("ann"), "hi")
    assert (taken.returncode, taken.stdout) == (1, "")
    assert "this name is taken" in taken.stderr
    long = place.script("send", "bot", "x" * 4097)
    assert long.returncode == 1
    assert "4097 bytes" in long.stderr
    beyond = place.script("tail", "log", "--since", "999")
    assert beyond.returncode == 1
    assert "beyond" in beyond.stderr
    bad_room = run_client(
        place.state_dir("y"), "tail", "--target", place.target, "--name", "y", "--room", "a b"
    )
    assert bad_room.returncode == 1


def test_lines_through_pipes(place: Place) -> None:
    """The interactive client reads a file of lines and prints what it sees."""
    result = run_client(
        place.state_dir("ann"), *place.arguments("ann"), lines="hello\n/users\n/quit\n"
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert f"ann: hello{MARK}" in result.stdout
    assert f"1 in #{place.room}: ann" in result.stdout


def test_grpc_says_nothing_by_itself(place: Place) -> None:
    """The C core's own log does not soil the screen when the server is not there."""
    with Terminal(place.state_dir("ann"), "--target", "127.0.0.1:1", "--name", "ann") as ann:
        told = ("127.0.0.1:1: no answer, trying again in", "#lobby>", "offline, next try in")
        # All at one look: the rows below are drawn anew with each try.
        ann.until(
            lambda: (
                len(rows := ann.rows()) == len(told)
                and all(text in row for text, row in zip(told, rows, strict=True))
            )
        )
        ann.types("\x04")
        assert ann.ends() == 3
