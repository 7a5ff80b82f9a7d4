"""The admin process as the launcher sees it: begun, replaced when it dies, ended last.

Whatever it does, instances do not notice: what is said to it waits in a bounded outbox, and a
new one is told everything that the one before knew.
"""

import logging
import selectors
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from chat_service import link
from chat_service.config import AdminConfig
from chat_service.launcher.channel import Channel
from chat_service.launcher.journal import Journal, Output
from chat_service.launcher.place import describe_exit, restart_delay
from chat_service.launcher.processes import Process, SpawnAdmin, reap, spawned
from chat_service.posix import Terminal

log = logging.getLogger(__name__)

END_SECONDS = 2.0
"""How long it may take to end after everything else has."""


@dataclass(frozen=True, slots=True)
class Screen:
    """Where a console shows: the terminal, and the journal that keeps lines off it."""

    journal: Journal
    terminal: Terminal


class AdminProcess:
    """One admin process after the other.

    `output` gives where it writes what goes wrong; `screen` is there if it has a console.
    `asked` gets each Ask; `forgotten` is called when nobody waits for answers any more.
    """

    def __init__(
        self,
        config: AdminConfig,
        selector: selectors.BaseSelector,
        *,
        spawn: SpawnAdmin,
        clock: Callable[[], float],
        output: Output,
        screen: Screen | None,
        asked: Callable[[link.Ask], None],
        forgotten: Callable[[], None],
    ) -> None:
        self._config = config
        self._selector = selector
        self._spawn = spawn
        self._clock = clock
        self._output = output
        self._screen = screen
        self._asked = asked
        self._forgotten = forgotten
        self._news: dict[int, link.InstanceNews] = {}
        # What a console shows at its beginning.
        self._shown: list[str] = []
        self._process: Process | None = None
        self._channel: Channel | None = None
        self._started_at = 0.0
        self._delay: float | None = None
        # When the next one is begun; None: it is there, or none is wanted.
        self.begin_at: float | None = None
        self._ending = False

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def begin(self) -> None:
        """Have a process from now on, if everything is not about to end."""
        self.begin_at = None
        if self.alive or self._ending:
            return
        self._started_at = self._clock()
        try:
            connection, self._process = spawned(0, self._output, partial(self._spawn, self._config))
        except OSError as error:
            self._fall(f"cannot start: {error}")
            return
        self._channel = Channel(connection, self._selector, heard=self._hear, gone=self._gone)
        for news in self._news.values():
            self._channel.outbox.put_latest(str(news.number), link.encode(news))
        for line in self._shown:
            self._channel.outbox.put(link.encode(link.Shown(line)))
        if self._screen:
            self._screen.journal.on_screen = False
            for logged in self._screen.journal.recent:
                self._channel.outbox.put_log(logged)
            self._screen.journal.listener = self._channel.outbox.put_log
        self._channel.flush()

    def tick(self, now: float) -> None:
        """Do what its time has come for."""
        if self.begin_at is not None and self.begin_at <= now:
            self.begin()

    def tell(self, news: link.InstanceNews) -> None:
        """Let it, and whoever comes after it, know of an instance."""
        self._news[news.number] = news
        if self._channel:
            self._channel.outbox.put_latest(str(news.number), link.encode(news))

    def known(self, number: int) -> link.InstanceNews | None:
        """Return what was told of an instance last."""
        return self._news.get(number)

    def show(self, line: str, instead: str = "") -> None:
        """Let its console, and that of whoever comes after it, show a line; no file has it.

        `instead` is the line that was shown before and whose place it takes, if there is one.
        """
        if not self._config.console:
            return
        link.replace_line(self._shown, line, instead)
        if self._channel:
            self._channel.outbox.put(link.encode(link.Shown(line, instead)))

    def say(self, message: link.Answer | link.InstanceGone | link.Stopping) -> None:
        """Say something to it; if it is not there, nobody waits for it."""
        if isinstance(message, link.InstanceGone):
            self._news.pop(message.number, None)
        if isinstance(message, link.Stopping):
            self.no_more()
        if self._channel:
            self._channel.outbox.put(link.encode(message))

    def configure(self, config: AdminConfig) -> None:
        """Let it, and whoever comes after it, know the configuration."""
        if config == self._config:
            return
        self._config = config
        if self._channel:
            line = link.encode(link.Configured(config.to_json()))
            self._channel.outbox.put_latest("configuration", line)

    def flush(self) -> None:
        """Send what waits, as far as it is read."""
        if self._channel:
            self._channel.flush()

    def no_more(self) -> None:
        """Begin no further one."""
        self._ending, self.begin_at = True, None

    def end(self) -> None:
        """Let it end, after what waits was said."""
        self.no_more()
        if self._channel:
            self._channel.end()

    def kill(self) -> None:
        """End it, whatever it does."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            returncode = self._process.wait()
            if self._channel:
                self._channel.close()
            self._ended(returncode, is_killed=True)

    def _hear(self, line: bytes) -> None:
        try:
            message = link.decode(line)
        except link.LinkError as error:
            log.warning("from the admin process: %s", error)
            return
        if isinstance(message, link.Ask):
            self._asked(message)
        else:
            log.warning("from the admin process: %s is not its to say", type(message).__name__)

    def _gone(self) -> None:
        if self._process:
            self._ended(reap(self._process))

    def _ended(self, returncode: int, *, is_killed: bool = False) -> None:
        self._process = self._channel = None
        if self._screen:
            self._screen.terminal.restore(screen=returncode != 0)
            self._screen.journal.on_screen = True
            self._screen.journal.listener = None
        self._forgotten()
        if not self._ending:
            self._fall(describe_exit(returncode))
        elif returncode:
            # On a busy machine a stop may come before it has read the first line: no fault of it.
            level = logging.INFO if is_killed else logging.WARNING
            log.log(level, "the admin process %s", describe_exit(returncode))

    def _fall(self, what: str) -> None:
        now = self._clock()
        self._delay = restart_delay(self._delay, now - self._started_at)
        self.begin_at = now + self._delay
        when = f"in {self._delay:g} s" if self._delay else "at once"
        log.warning("the admin process %s; next start %s", what, when)
