"""`chat_service.admin.console.screen`: the console, drawn on a terminal in memory."""

import asyncio
import codecs
import fcntl
import io
import os
import pty
import re
import struct
import termios
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.output.vt100 import Vt100_Output

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.console.screen import Console
from chat_service.admin.console.terminal import patient_output
from chat_service.admin.operations import Reloaded
from tests.admin.console.fleet import NOON, FakeFleet, instance, sample
from tests.cli.desk import DEADLINE
from tests.cli.glass import Glass
from tests.text.test_sanitize import ATTACKS


class Terminal(Glass):
    """A terminal whose size may change."""

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, as a person who pulls at the window."""
        self._size = Size(rows=rows, columns=columns)
        self._screen.resize(rows, columns)


class Desk:
    """An operator at the console: keys go in, the glass shows."""

    def __init__(self, keys: PipeInput, columns: int, rows: int, instances: int) -> None:
        self.fleet = FakeFleet(instances)
        self.glass = Terminal(columns, rows)
        self.keys = keys
        self.console = Console(
            self.fleet, input=keys, output=self.glass.output(), now_ms=lambda: NOON
        )
        self.running = asyncio.ensure_future(self.console.run())

    def types(self, keys: str) -> None:
        """Press keys."""
        self.keys.send_text(keys)

    async def enters(self, line: str, *shown: str) -> None:
        """Enter a line and wait for what it shows."""
        self.types(line + "\r")
        await self.glass.shows(f"> {line}", *shown)

    async def lacks(self, text: str) -> None:
        """Wait until no row holds a text."""
        await self.glass.until(lambda: not any(text in row for row in self.glass.rows()))

    @property
    def line(self) -> str:
        """What stands on the command line."""
        row: str = self.glass._screen.display[-2]
        return row.rstrip()

    @property
    def hint(self) -> str:
        """What stands below the command line."""
        row: str = self.glass._screen.display[-1]
        return row.strip()

    async def has_line(self, line: str) -> None:
        """Wait until exactly this stands on the command line."""
        await self.glass.until(lambda: self.line == line)


async def until(predicate: Callable[[], bool]) -> None:
    """Wait until something is true that is not drawn."""
    async with asyncio.timeout(DEADLINE):
        while not predicate():  # noqa: ASYNC110 - the fake has no event for each of its changes
            await asyncio.sleep(0.01)


@asynccontextmanager
async def desk(columns: int = 80, rows: int = 24, instances: int = 5) -> AsyncIterator[Desk]:
    """Open a console that has been drawn once."""
    with create_pipe_input() as keys:
        opened = Desk(keys, columns, rows, instances)
        try:
            await opened.glass.shows("chat-server")
            yield opened
        finally:
            opened.console.close()
            async with asyncio.timeout(DEADLINE):
                await opened.running


# Any: the other two parameters of a coroutine do not matter here.
def run(story: Coroutine[Any, Any, None]) -> None:
    """Run a test on an event loop of its own, and end it if it hangs."""

    async def bounded() -> None:
        async with asyncio.timeout(4 * DEADLINE):
            await story

    asyncio.run(bounded())


def test_the_table_follows_what_happens() -> None:
    """A crash, its reason, and the return; nothing has to be typed."""

    async def story() -> None:
        async with desk() as operator:
            await operator.glass.shows("5 of 5 serving", "127.0.0.1:50053 ● serving")
            crashed = "ended by signal 9, again in 1 s"
            operator.fleet.put(instance(3, pb.INSTANCE_STATE_WAITING, crashed))
            await operator.glass.shows("4 of 5 serving", "127.0.0.1:50053 ▲ waiting", crashed)
            operator.fleet.put(instance(3, of=sample(7)))
            await operator.glass.shows("5 of 5 serving", "127.0.0.1:50053 ● serving   2h05m     7")

    run(story())


def test_commands_are_answered_and_instances_come_and_go() -> None:
    """Each answer below its line; a mistake in one line."""

    async def story() -> None:
        async with desk() as operator:
            await operator.enters("start", "127.0.0.1:50056 serves", "127.0.0.1:50056 ● serving")
            await operator.enters("stop 50051", "50051 has stopped", "127.0.0.1:50051 ○ stopped")
            await operator.enters("stop 50059", "No instance has port 50059")
            await operator.enters("kick 50052 dave", "nobody is called dave on 50052")
            await operator.enters("stpo", "Did you mean “stop”?")
            operator.fleet.reloaded = Reloaded(("log_level",), ("port",))
            await operator.enters("reload", "holds now: log_level", "waits for a restart of the")
            await operator.has_line(">")

    run(story())


def test_what_the_operator_is_to_see_is_shown() -> None:
    """What was there before the console is among its first lines; more may come."""

    async def story() -> None:
        async with desk() as operator:
            operator.fleet.show("no admin yet on 127.0.0.1:50051\x1b[2J")
            await operator.glass.shows("no admin yet on 127.0.0.1:50051␛[2J")
            operator.fleet.show("there is one", instead="no admin yet on 127.0.0.1:50051\x1b[2J")
            await operator.glass.shows("there is one")
            assert not any("no admin yet" in row for row in operator.glass.rows())
        with create_pipe_input() as keys:
            fleet = FakeFleet()
            fleet.show("the code is K7QM")
            glass = Terminal()
            console = Console(fleet, input=keys, output=glass.output())
            running = asyncio.ensure_future(console.run())
            await glass.shows("the code is K7QM")
            console.close()
            await running

    run(story())


def test_a_command_that_takes_long_blocks_nobody() -> None:
    """It is shown while it runs; others are answered meanwhile."""

    async def story() -> None:
        async with desk() as operator:
            operator.fleet.wait.clear()
            operator.types("stop 50052\r")
            await operator.glass.shows("… stop 50052: 0s")
            await operator.enters("open 50051", "chat-cli --target localhost:50051 --name NAME")
            operator.fleet.wait.set()
            await operator.glass.shows("> stop 50052", "127.0.0.1:50052 has stopped")
            await operator.lacks("… stop")

    run(story())


def test_commands_that_pile_up_are_refused() -> None:
    """A key that is stuck does not order for ever, and the stop always gets through."""

    async def story() -> None:
        async with desk() as operator:
            operator.fleet.wait.clear()
            operator.types("restart 50051\r" * 25)
            await operator.glass.shows("20 commands are under way; wait for one", "18 others")
            operator.types("\x03")
            await until(lambda: "shutdown" in operator.fleet.orders)
            assert operator.fleet.orders.count("restart 50051") == 20

    run(story())


def test_a_fault_of_ours_in_a_command_is_told() -> None:
    """And the console stays."""

    async def story() -> None:
        async with desk() as operator:
            operator.fleet.fails = ValueError("secret")
            await operator.enters("start", "not foreseen")
            assert "secret" not in operator.glass.raw
            await operator.enters("list", "/srv/chat/50051")

    run(story())


def test_a_thousand_users_are_shown_from_the_first_on() -> None:
    """And can be paged through, while the line is typed on."""

    async def story() -> None:
        async with desk() as operator:
            operator.fleet.people(50_051, *(f"guest-{n:04}" for n in range(1000)))
            await operator.enters("users", "1,000 users", "guest-0000", "below (PgUp PgDn)")
            operator.types("half a line\x1b[6~")
            await operator.has_line("> half a line")
            await operator.lacks("guest-0000")
            for _ in range(200):
                operator.types("\x1b[6~")
            await operator.glass.shows("guest-0999", "> half a line")
            operator.types("\x1b[5~" * 200)
            await operator.glass.shows("guest-0000")

    run(story())


def test_tab_completes_commands_ports_and_names() -> None:
    """What is common at once; what is left to choose stands below the line."""

    async def story() -> None:
        async with desk() as operator:
            operator.fleet.people(50_052, "Anna", "andy", "bob")
            operator.types("ki\t")
            await operator.has_line("> kick")
            await operator.glass.until(lambda: operator.hint.startswith("kick PORT NAME"))
            operator.types("\t")
            await operator.has_line("> kick 5005")
            assert operator.hint == "50051  50052  50053  50054  50055"
            operator.types("2\t")
            await operator.has_line("> kick 50052")
            operator.types("a\t")
            await operator.glass.until(lambda: operator.hint == "Anna  andy")
            assert operator.line == "> kick 50052 An"
            operator.types("n\t too loud\r")
            await operator.glass.shows("Anna was removed from 50052: 1 session ended")
            assert operator.fleet.orders == ["users 50052", "kick 50052 Anna too loud"]

    run(story())


def test_names_that_come_late_leave_the_line_alone() -> None:
    """Whoever has typed on does not find a name in the middle of it."""

    async def story() -> None:
        async with desk(instances=1) as operator:
            operator.fleet.people(50_051, "anna")
            operator.fleet.wait.clear()
            operator.types("kick a\t")
            await until(lambda: operator.fleet.orders == ["users 50051"])
            operator.types("l")
            await operator.has_line("> kick al")
            operator.fleet.wait.set()
            operator.types("\x7f\t")
            await operator.has_line("> kick anna")

    run(story())


def test_what_is_pasted_is_never_carried_out() -> None:
    """It stands on the line, as one, with its control characters to be seen."""

    async def story() -> None:
        async with desk() as operator:
            operator.types("\x1b[200~stop all\nshutdown\r\n\x1b[2Jx\x1b[201~")
            await operator.has_line("> stop all shutdown ␛[2Jx")
            assert operator.fleet.orders == []
            operator.types("\r")
            await operator.glass.shows("is too much: stop PORT|all")
            assert operator.fleet.orders == []

    run(story())


def test_the_arrow_up_brings_lines_back() -> None:
    """What is typed first chooses among them."""

    async def story() -> None:
        async with desk() as operator:
            await operator.enters("users 50051", "0 users")
            await operator.enters("open 50052", "localhost:50052")
            operator.types("\x1b[A")
            await operator.has_line("> open 50052")
            operator.types("\x1b[B")
            await operator.has_line(">")
            operator.types("us\x1b[A")
            await operator.has_line("> users 50051")

    run(story())


def test_escape_takes_no_letter() -> None:
    """On an empty line what follows is typed, at once too; else Alt moves over a word."""

    async def story() -> None:
        async with desk() as operator:
            operator.types("\x1bbc")
            await operator.has_line("> bc")
            operator.types("\x1bbx")
            await operator.has_line("> xbc")
            application = operator.console._app
            assert application.timeoutlen == application.ttimeoutlen == 0.1

    run(story())


@pytest.mark.parametrize("stop", ["\x1b", "\x03", "logs\r"], ids=["Esc", "Ctrl+C", "logs"])
def test_the_log_is_followed_until_a_key_stops_it(stop: str) -> None:
    """First what was logged last, then what comes, of the instance that was named."""

    async def story() -> None:
        async with desk() as operator:
            operator.fleet.logs(50_051, "before")
            await operator.enters("logs 50051", "before", "─ following 50051 ─")
            operator.fleet.logs(50_052, "elsewhere")
            for number in range(100):
                operator.fleet.logs(50_051, f"line {number}")
            await operator.glass.shows("line 99", "Esc stops following the log")
            assert "elsewhere" not in operator.glass.raw
            operator.types(stop)
            await operator.glass.shows("no longer following the log")
            await operator.lacks("─ following")
            operator.fleet.logs(50_051, "after")
            await operator.enters("open 50051", "localhost:50051")
            assert "after" not in operator.glass.raw
            assert not operator.fleet.stopping

    run(story())


def test_an_answer_stays_in_view_while_the_log_goes_on() -> None:
    """The log fills the rows below it."""

    async def story() -> None:
        async with desk() as operator:
            await operator.enters("logs", "─ following all logs ─")
            await operator.enters("open 50053", "localhost:50053")
            for number in range(100):
                operator.fleet.logs(50_051, f"line {number}.")
            await operator.glass.shows("line 0.", "localhost:50053", "below (PgUp PgDn)")
            operator.types("\x1b[6~" * 30)
            await operator.glass.shows("line 99.")
            operator.fleet.logs(50_051, "and on")
            await operator.glass.shows("and on")

    run(story())


def test_control_c_clears_the_line_then_stops_then_makes_it_quick() -> None:
    """Without a question, whoever is connected."""

    async def story() -> None:
        async with desk() as operator:
            operator.fleet.people(50_051, "anna")
            operator.types("half a line")
            await operator.has_line("> half a line")
            operator.types("\x03")
            await operator.has_line(">")
            assert operator.fleet.orders == []
            operator.types("\x03")
            await operator.glass.shows("stopping; Ctrl+C again makes it quick", "stopping: clients")
            operator.types("text\x03")
            await operator.glass.shows("stopping quickly")
            assert operator.fleet.orders == ["shutdown", "shutdown"]
            operator.fleet.put(instance(1, pb.INSTANCE_STATE_STOPPING))
            await operator.glass.shows("127.0.0.1:50051 ◑ stopping", "4 of 5 serving")

    run(story())


@pytest.mark.parametrize("no", ["\r", "n\r", "\x1b", "\x03", "\x04", "yesterday\r"])
def test_shutdown_is_not_carried_out_without_a_yes(no: str) -> None:
    """Whatever else is pressed."""

    async def story() -> None:
        async with desk() as operator:
            operator.fleet.people(50_051, "anna", "bob")
            operator.types("shutdown\r")
            await operator.glass.shows("2 people are connected. Stop everything?", "y/N>")
            operator.types(no)
            await operator.glass.shows("nothing is stopped")
            await operator.has_line(">")
            assert operator.fleet.orders == []
            operator.types("\x1b[A")
            await operator.has_line("> shutdown")

    run(story())


@pytest.mark.parametrize("asks", ["shutdown\r", "\x04"], ids=["shutdown", "Ctrl+D"])
def test_shutdown_is_carried_out_after_a_yes(asks: str) -> None:
    """Ctrl+D on an empty line asks the same."""

    async def story() -> None:
        async with desk() as operator:
            operator.fleet.people(50_051, "anna")
            operator.types(asks)
            await operator.glass.shows("1 person is connected. Stop everything?")
            operator.types("Y\r")
            await operator.glass.shows("stopping; Ctrl+C again makes it quick")
            assert operator.fleet.orders == ["shutdown"]

    run(story())


def test_a_stop_from_elsewhere_is_shown() -> None:
    """By a signal or by another program."""

    async def story() -> None:
        async with desk() as operator:
            operator.fleet.stopping = True
            operator.fleet.tell()
            await operator.glass.shows("stopping; Ctrl+C again makes it quick")
            operator.types("\x03")
            await operator.glass.shows("stopping quickly")

    run(story())


def test_a_resize_is_survived() -> None:
    """From large to tiny and back; what was typed stays."""

    async def story() -> None:
        async with desk(200, 50) as operator:
            await operator.enters("list", "/srv/chat/50055")
            operator.types("users 500")
            await operator.glass.shows("SINCE", "> users 500")
            operator.glass.resize(20, 5)
            await operator.glass.shows("too small: 20 by 5", "> users 500")
            operator.fleet.put(instance(6))
            operator.glass.resize(3, 1)
            await until(lambda: operator.glass.cursor()[1] == 0)
            operator.glass.resize(60, 15)
            await operator.glass.shows(":50055  ● serving", "6 of 6", "> users 500")
            operator.glass.resize(80, 24)
            await operator.glass.shows("127.0.0.1:50056 ● serving", "> users 500")
            assert len(operator.glass._screen.display) == 24

    run(story())


def test_a_flood_is_drawn_few_times() -> None:
    """News only ask for a drawing; many at once are one."""

    async def story() -> None:
        async with desk() as operator:
            await operator.enters("logs", "─ following all logs ─")
            before = operator.glass.raw.count("\x1b[?25l")
            for number in range(5_000):
                operator.fleet.logs(50_051, f"line {number}.")
                operator.fleet.tell()
            await operator.glass.shows("line 4999.")
            assert operator.glass.raw.count("\x1b[?25l") - before <= 10

    run(story())


def test_without_news_next_to_nothing_is_written() -> None:
    """A drawing that changes nothing is some bytes of cursor movement."""

    async def story() -> None:
        async with desk() as operator:
            before = len(operator.glass.raw)
            for _ in range(3):
                operator.fleet.tell()
                await asyncio.sleep(0.06)
            assert len(operator.glass.raw) - before < 200

    run(story())


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """What remains is bold, dim and reverse; the states have their words."""
    colours = re.compile(r"\x1b\[[0-9;]*\b(3[0-8]|4[0-8]|9[0-7]|10[0-7])\b[0-9;]*m")

    async def drawn() -> str:
        async with desk() as operator:
            await operator.enters("stpo", "Did you mean")
            await operator.glass.shows("● serving")
            return operator.glass.raw

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert colours.search(asyncio.run(drawn()))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours.search(asyncio.run(drawn()))


def test_nothing_from_elsewhere_reaches_the_terminal_as_it_is() -> None:
    """Names, problems and lines of the log may hold anything."""

    async def story() -> None:
        async with desk(120, 60) as operator:
            operator.fleet.put(instance(2, pb.INSTANCE_STATE_WAITING, "".join(ATTACKS)))
            operator.fleet.people(50_051, *ATTACKS)
            await operator.enters("users 50051", f"{len(ATTACKS)} users")
            await operator.enters("logs", "─ following all logs ─")
            for attack in ATTACKS:
                operator.fleet.logs(50_051, attack)
            operator.types("kick 50051 \t")
            operator.fleet.logs(50_051, "the end")
            await operator.glass.shows("50051 the end")
            for attack in ATTACKS:
                assert attack not in operator.glass.raw

    run(story())


def test_the_terminal_is_given_back() -> None:
    """The screen from before, its cursor, and pastes that are not marked."""

    async def story() -> None:
        async with desk() as operator:
            operator.console.close()
            await operator.running
            for switched_on, switched_off in (
                ("\x1b[?1049h", "\x1b[?1049l"),
                ("\x1b[?2004h", "\x1b[?2004l"),
            ):
                assert operator.glass.raw.rindex(switched_off) > operator.glass.raw.rindex(
                    switched_on
                )
            assert operator.glass.raw.rindex("\x1b[?25h") > operator.glass.raw.rindex("\x1b[?25l")

    run(story())


def test_a_console_that_was_closed_first_is_not_shown() -> None:
    """The end may come before the beginning."""

    async def story() -> None:
        with create_pipe_input() as keys:
            glass = Terminal()
            console = Console(FakeFleet(), input=keys, output=glass.output())
            console.close()
            await console.run()
            assert "chat-server" not in glass.raw

    run(story())


def test_a_console_may_be_cancelled() -> None:
    """With what it has under way; the terminal is given back."""

    async def story() -> None:
        async with desk() as operator:
            operator.fleet.wait.clear()
            operator.types("stop 50052\r")
            await operator.glass.shows("… stop 50052")
            operator.running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await operator.running
            assert "\x1b[?1049l" in operator.glass.raw
            operator.running = asyncio.ensure_future(asyncio.sleep(0))

    run(story())


def test_the_end_of_the_input_stops_everything() -> None:
    """Nobody can be asked; the console stays until it is closed."""

    async def story() -> None:
        async with desk() as operator:
            operator.fleet.people(50_051, "anna")
            operator.keys.close()
            await until(lambda: operator.fleet.orders == ["shutdown"])
            assert not operator.running.done()

    run(story())


def test_a_terminal_that_is_gone_stops_everything() -> None:
    """A window that was closed, as the kernel tells it."""

    async def story() -> None:
        master, slave = pty.openpty()
        # Without a buffer, whose rest could be written nowhere in the end.
        unbuffered = io.TextIOWrapper(io.FileIO(os.dup(slave), "w"), write_through=True)
        with os.fdopen(slave) as reader, unbuffered as writer:
            fleet = FakeFleet()
            output = Vt100_Output(
                writer, lambda: Size(rows=24, columns=80), term="xterm", enable_cpr=False
            )
            console = Console(fleet, input=Vt100Input(reader), output=output)
            running = asyncio.ensure_future(console.run())
            loop = asyncio.get_running_loop()
            drawn = asyncio.Event()
            seen = bytearray()

            def read() -> None:
                seen.extend(os.read(master, 1 << 16))
                if b"chat-server" in seen:
                    drawn.set()

            loop.add_reader(master, read)
            async with asyncio.timeout(DEADLINE):
                await drawn.wait()
                loop.remove_reader(master)
                os.close(master)
                await until(lambda: fleet.orders == ["shutdown"])
                console.close()
                await running

    run(story())


def test_a_terminal_that_stands_still_holds_up_nobody() -> None:
    """A window whose network is gone; when it is back, it shows how things are then."""

    async def story() -> None:
        master, slave = pty.openpty()
        # Sixty-four rows: a few drawings are more than the kernel keeps for a terminal.
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 64, 250, 0, 0))
        unbuffered = io.TextIOWrapper(io.FileIO(os.dup(slave), "w"), "utf-8", write_through=True)
        with os.fdopen(slave) as reader, unbuffered as writer:
            fleet = FakeFleet()
            console = Console(fleet, input=Vt100Input(reader), output=patient_output(writer))
            running = asyncio.ensure_future(console.run())
            os.write(master, b"logs\r")
            await until(lambda: console._state.following == 0)
            assert console._writer
            stuck = 0
            while stuck < 5:
                for row in range(64):
                    fleet.logs(50_051, f"{row} " + "漢" * 100)
                # As long as a drawing may take to begin.
                await asyncio.sleep(0.06)
                stuck = 0 if console._writer.idle else stuck + 1
            fleet.logs(50_051, "the end")
            glass = Terminal(250, 64)
            decoder = codecs.getincrementaldecoder("utf-8")()
            loop = asyncio.get_running_loop()
            loop.add_reader(master, lambda: glass.write(decoder.decode(os.read(master, 1 << 16))))
            await glass.shows("the end", "127.0.0.1:50055")
            console.close()
            async with asyncio.timeout(DEADLINE):
                await running
            await until(lambda: "\x1b[?1049l" in glass.raw)
            loop.remove_reader(master)
        os.close(master)

    run(story())
