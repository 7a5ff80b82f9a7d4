"""The commands `chat-server` and `chat-cli` with accounts, as people and scripts meet them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.e2e.client_terminal import COMMAND, Terminal, environment, run_client
from tests.e2e.launched import PATIENCE, Launched, Lines
from tests.held_ports import held_ports
from tests.launcher.fakes import wait_until

MARK = "\u00a0✓"

PASSWORD = "correct-horse-battery"
OTHER = "staple-and-then-some"


BOT_IN_PYTHON = Path(__file__).parents[2] / "examples/python/bot.py"


class Place:
    """A running server, and people who come to it."""

    def __init__(self, address: str, tmp_path: Path) -> None:
        self.address = address
        self._tmp_path = tmp_path

    def state_dir(self, who: str) -> Path:
        """Give the state directory of a machine."""
        return self._tmp_path / who

    def arguments(self, name: str) -> list[str]:
        """Give the options that every command takes."""
        return ["--target", self.address, "--name", name]

    def window(self, name: str, machine: str = "home", term: str = "xterm-256color") -> Terminal:
        """Start a client."""
        return Terminal(self.state_dir(machine), *self.arguments(name), TERM=term)

    def secret_file(self, secret: str) -> str:
        """Write a file of one secret."""
        path = self._tmp_path / f"secret-{len(list(self._tmp_path.iterdir()))}"
        path.write_text(secret + "\n", encoding="utf-8")
        path.chmod(0o600)
        return str(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Start one server for all tests here."""
    path = tmp_path_factory.mktemp("accounts")
    with Launched("--port", "0", "--data-dir", path / "data", "--no-rate-limits") as server:
        (address,) = server.addresses(1).values()
        yield Place(address, path)


def register(window: Terminal, password: str = PASSWORD) -> None:
    """Make an account of a guest."""
    window.sees("/help tells the rest")
    window.enters("/register")
    window.shows("Choose a password:")
    window.enters(password)
    window.shows("Again:")
    window.enters(password)
    window.sees("is yours: an account")


def makes_bot(window: Terminal, name: str) -> str:
    """Make a bot of an account; give a token by which it reads and posts."""
    window.enters(f"/bot new {name}")
    window.sees(f"{name} is a bot of yours.")
    window.enters(f"/token new t read,post {name}")
    window.sees("which is shown only now:")
    # The bar is drawn after all of it.
    window.until(lambda: window.rows()[-1].startswith(" online"))
    rows = window.everything()
    (told,) = [number for number, row in enumerate(rows) if "which is shown only now:" in row]
    return rows[told + 1].split()[-1]


def command_line(window: Terminal) -> str:
    """Give what everybody on the machine sees of a process."""
    return " ".join(psutil.Process(window.process.pid).cmdline())


def assert_kept_nowhere(place: Place, secret: str) -> None:
    """Neither a client nor the server has a password in a file."""
    for path in place.state_dir("x").parent.rglob("*"):
        if path.is_file() and not path.name.startswith("secret-"):
            assert secret.encode() not in path.read_bytes(), path


def test_a_name_becomes_an_account_and_stays_signed_in(place: Place) -> None:
    """Register, leave, and be back by the token that was kept; the password is seen nowhere."""
    with place.window("ann", machine="own") as ann:
        register(ann)
        assert PASSWORD not in command_line(ann)
        ann.enters("/quit")
        assert ann.ends() == 0
        assert PASSWORD.encode() not in ann.raw
    tokens = list(place.state_dir("own").rglob("sessions/*/*.json"))
    assert [oct(path.stat().st_mode & 0o777) for path in tokens] == ["0o600"]
    with place.window("ann", machine="own") as again:
        again.sees("You are ann on")
        again.enters("/whoami")
        again.sees("an account since")
        again.enters("/logout")
        assert again.ends() == 0
    assert not list(place.state_dir("own").rglob("sessions/*/*.json"))
    assert_kept_nowhere(place, PASSWORD)


def test_elsewhere_the_password_is_asked_for(place: Place) -> None:
    """A wrong one is asked for again; the third ends it, with a status."""
    with place.window("ben") as ben:
        register(ben)
    with place.window("ben", machine="work") as there:
        there.shows("Password for ben:")
        there.enters("not-the-password")
        there.shows("Wrong password (1 of 3). Password for ben:")
        there.enters(PASSWORD)
        there.sees("You are ben on")
        assert b"not-the-password" not in there.raw
        assert PASSWORD.encode() not in there.raw
    with place.window("ben", machine="cafe") as stranger:
        for question in ("Password for ben:", "(1 of 3). Password", "(2 of 3). Password"):
            stranger.shows(question)
            stranger.enters("guess-guess")
        stranger.sees("wrong 3 times")
        stranger.shows("Your name:")
        stranger.types("\x04")
        assert stranger.ends() == 1


def test_a_password_that_is_typed_too_early_is_said_to_nobody(tmp_path: Path) -> None:
    """Typed before the question came, it comes back to the line, also under another name."""
    with held_ports() as port:
        server = ("--port", port, "--data-dir", tmp_path / "data")
        with Launched(*map(str, server)) as first:
            (address,) = first.addresses(1).values()
            place = Place(address, tmp_path)
            with place.window("eva") as eva:
                register(eva)
        with place.window("eva", machine="work") as eva, place.window("eva", machine="x") as other:
            for window in (eva, other):
                window.sees("trying again in")
                window.enters(PASSWORD)
                window.sees(f"you: {PASSWORD}")
            with Launched(*map(str, server)) as second:
                second.addresses(1)
                eva.shows("Password for eva:")
                eva.enters(PASSWORD)
                eva.sees("You are eva on", f"✗ not sent: {PASSWORD}", "in #lobby:")
                other.shows("Password for eva:")
                other.types("\x1b")
                other.shows("Your name:")
                other.enters("guest")
                other.sees("You are guest on", f"✗ not sent: {PASSWORD}", "in #lobby:")
                other.types("\x15")
                other.enters("the first words")
                eva.sees("guest: the first words")
                assert eva.count(f"eva: {PASSWORD}") == other.count(f"eva: {PASSWORD}") == 0
                assert eva.count(f"guest: {PASSWORD}") == 0


def test_a_sign_in_that_was_ended_is_told_and_asked_for_again(place: Place) -> None:
    """Revoked from elsewhere: the window says so, and nothing that was typed is lost."""
    with place.window("cid") as cid:
        register(cid)
        with place.window("cid", machine="work") as there:
            there.shows("Password for cid:")
            there.enters(PASSWORD)
            there.sees("You are cid on")
            cid.types("half a sen")
            cid.shows("#lobby> half a sen")
            there.enters("/revoke others")
            there.sees("1 sign-in or token ended.")
            cid.sees("Your sign-in was ended")
            cid.shows("signed out")
            cid.enters("tence")
            cid.shows("cid: half a sentence", "Password for cid:")
            cid.enters(PASSWORD)
            cid.sees(f"cid: half a sentence{MARK}")
            there.sees("cid: half a sentence")
            there.enters("/quit")
            assert there.ends() == 0


def test_a_changed_password_ends_the_others(place: Place) -> None:
    """Old, new, new again; the script of before ends with a line and a status."""
    home = place.state_dir("home")
    secret = place.secret_file(PASSWORD)
    with place.window("dan") as dan:
        register(dan)
        there = place.state_dir("script")
        options = [*place.arguments("dan"), "--password-file", secret]
        done = run_client(there, "login", *options)
        assert done.returncode == 0, done.stderr
        sent = run_client(there, "send", *place.arguments("dan"), "by the token")
        assert (sent.returncode, sent.stderr) == (0, "")
        dan.sees("dan: by the token")
        dan.enters("/password")
        for question, answer in (
            ("Your password:", PASSWORD),
            ("The new password:", OTHER),
            ("Again:", OTHER),
        ):
            dan.shows(question)
            dan.enters(answer)
        # How many have ended is for `tests/edge`: `send` has its own sign-in, which it ends itself
        # where it can do so quickly.
        dan.sees("Your password is changed; ", " ended.")
        assert OTHER.encode() not in dan.raw
        refused = run_client(there, "send", *options, "too late")
        assert refused.returncode == 1
        assert "the password in the file is wrong" in refused.stderr
        nobody = run_client(there, "send", *place.arguments("dan"), "too late")
        assert nobody.returncode == 1
        assert "--password-file" in nobody.stderr
    assert_kept_nowhere(place, OTHER)
    assert home.exists()


def test_scripts_register_and_sign_out(place: Place) -> None:
    """Secrets come from files or from stdin; what is refused is one line and a status."""
    home = place.state_dir("scripts")
    options = [*place.arguments("eve"), "--password-file", "-"]
    made = run_client(home, "register", *options, lines=f"{PASSWORD}\n")
    assert made.returncode == 0, made.stderr
    assert "eve is yours: an account" in made.stderr
    again = run_client(home, "register", *options, lines=f"{PASSWORD}\n")
    assert again.returncode == 1
    sent = run_client(home, "send", *place.arguments("eve"), "hello")
    assert (sent.returncode, sent.stderr) == (0, "")
    out = run_client(home, "logout", *place.arguments("eve"))
    assert (out.returncode, out.stderr) == (0, "chat-cli: signed out eve\n")
    chat = run_client(home, *options, lines=f"{PASSWORD}\nfrom a pipe\n/quit\n")
    assert chat.returncode == 0, chat.stderr
    assert f"eve: from a pipe{MARK}" in chat.stdout
    wrong = run_client(home, "login", *options, lines="guess-guess\n")
    assert wrong.returncode == 1
    assert_kept_nowhere(place, PASSWORD)


def test_a_terminal_that_can_do_nothing_hides_the_password_too(place: Place) -> None:
    """Without a screen the password is asked for without an echo, and lines are lines again."""
    with place.window("fay") as fay:
        register(fay)
    with place.window("fay", machine="dumb", term="dumb") as fay:
        fay.shows("Password for fay:")
        wait_until(lambda: not int(str(fay.modes()[3])) & 0o10)
        fay.enters(PASSWORD)
        fay.sees("You are fay on")
        wait_until(lambda: int(str(fay.modes()[3])) & 0o10)
        fay.enters("seen")
        fay.sees(f"fay: seen{MARK}")
        assert PASSWORD.encode() not in fay.raw
        fay.enters("/quit")
        assert fay.ends() == 0
    assert os.path.isdir(place.state_dir("dumb"))


BOT = """\
"$1" tail --target "$2" --room gilsroom --since 0 | while read -r _ who text; do
    [ "$text" = '!up' ] && "$1" send --target "$2" --room gilsroom "$who up and well"
done
"""


def test_a_shell_script_with_a_token_is_a_bot(place: Place) -> None:
    """It hears people and answers them, without a name, a sign-in or a file of its own."""
    state_dir = place.state_dir("bot")
    with place.window("gil") as gil:
        register(gil)
        token = makes_bot(gil, "gilbot")
        gil.enters("/join gilsroom")
        gil.sees("in #gilsroom: gil")
        gil.enters("!up")
        bot = subprocess.Popen(
            ["/bin/sh", "-c", BOT, "bot", COMMAND, place.address],
            env=environment(state_dir, CHAT_TOKEN_FILE=place.secret_file(token)),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            gil.sees("gilbot (bot): gil: up and well")
        finally:
            os.killpg(bot.pid, signal.SIGTERM)
            bot.wait()
        where = ["--target", place.address, "--room", "gilsroom"]
        options = ["--token-file", "-", *where]
        sent = run_client(state_dir, "send", *options, "from a pipe", lines=f"{token}\n")
        assert (sent.returncode, sent.stderr) == (0, "")
        gil.sees("gilbot (bot): from a pipe")
        deaf = ["tail", *options, "--since", "0", "--count", "2", "--json"]
        heard = [
            [json.loads(line).get("text") for line in read.stdout.splitlines()]
            for read in (
                run_client(state_dir, *deaf, lines=f"{token}\n"),
                run_client(state_dir, *deaf, "--hear-bots", lines=f"{token}\n"),
            )
        ]
        assert heard == [["!up", ""], ["!up", "gil: up and well"]]
        gil.enters("/bot close gilbot")
        gil.sees("gilbot is closed for good.")
        late = run_client(state_dir, "send", *options, "too late", lines=f"{token}\n")
        assert late.returncode == 1
    assert not list(state_dir.rglob("*"))
    assert_kept_nowhere(place, token)


def test_the_bot_in_python_answers_each_question_once(tmp_path: Path) -> None:
    """It needs its token alone, and goes on where it was when the server has come back."""
    with held_ports() as port:
        server = ("--port", str(port), "--data-dir", tmp_path / "data")
        with ExitStack() as stack:
            first = stack.enter_context(Launched(*server))
            (address,) = first.addresses(1).values()
            place = Place(address, tmp_path)
            ivy = stack.enter_context(place.window("ivy"))
            register(ivy)
            token = place.secret_file(makes_bot(ivy, "ivybot"))
            options = ["--target", address, "--token-file", token]
            bot = subprocess.Popen(
                [sys.executable, str(BOT_IN_PYTHON), *options], stdout=subprocess.PIPE, text=True
            )
            stack.callback(ends, bot)
            assert bot.stdout is not None
            told = Lines(bot.stdout)
            told.wait_for(lambda line: line == "reading lobby")
            ivy.enters("!up")
            ivy.sees("ivybot (bot): ivy: up and well")
            first.terminate()
            assert first.wait() == 0
            ivy.sees("disconnected (the server was stopped)")
            second = stack.enter_context(Launched(*server))
            second.addresses(1)
            told.wait_for(lambda line: line == "reading lobby")
            ivy.sees("· back, ")
            ivy.enters("!up")
            ivy.sees("ivybot (bot): ivy: up and well", times=2)
            ivy.enters("/bot close ivybot")
            assert bot.wait(PATIENCE) == 1


def ends(process: "subprocess.Popen[str]") -> None:
    """End a program that may have ended already."""
    process.kill()
    process.wait()
