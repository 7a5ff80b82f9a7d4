"""What `chat-server` runs: the lock, the signals and the terminal around the launcher's loop."""

import datetime
import logging
import os
import signal
from contextlib import ExitStack
from dataclasses import replace

from chat_service import posix
from chat_service.config import LaunchConfig, StartError
from chat_service.launcher import signals
from chat_service.launcher.admin import Screen
from chat_service.launcher.journal import Journal, LogFile, ScreenLines, show
from chat_service.launcher.launcher import Launcher, announce
from chat_service.launcher.reload import Changes, Check, Configuration, Reread
from chat_service.logs import configure_logging

LOG_NAME = "chat-server.log"


def run(config: LaunchConfig, reread: Reread, changes: Changes, check: Check) -> int:
    """Run the instances until SIGINT or SIGTERM; return the exit status.

    `reread`, `changes` and `check` are for SIGHUP, and for an operator who asks: see
    Configuration.
    """
    configure_logging(config.log_level, "launcher", config.log_format)
    try:
        # Held until this process is gone, however it ends.
        posix.lock_directory(config.data_dir)
    except StartError as error:
        show(f"chat-server: {error}; name another one with --data-dir")
        return 1
    try:
        fingerprint = _tell_certificate(config)
    except StartError as error:
        show(f"chat-server: {error}")
        return 1
    config = replace(config, tls=replace(config.tls, fingerprint=fingerprint))
    # With nohup the signal is ignored: then the end of the terminal is none of the servers.
    stays = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN or not posix.has_terminal()
    with ExitStack() as stack:
        screen = None
        if config.console and posix.can_show_console(os.environ):
            lines = ScreenLines()
            stack.callback(lines.close)
            journal = Journal(LogFile(config.data_dir / LOG_NAME), lines.write)
            lines.wanted = lambda: journal.on_screen
            stack.callback(journal.close)
            screen = Screen(journal, posix.Terminal.at())
            _log_to(journal)
        return Launcher(
            Configuration(config, reread, changes, check),
            stack.enter_context(signals.received()),
            screen=screen,
            terminal_gone=lambda: not stays and not posix.has_terminal(),
        ).run()


def _tell_certificate(config: LaunchConfig) -> str:
    """Print what clients are shown, so that a person can compare it; return its fingerprint.

    Empty: nothing is encrypted. Raises StartError.
    """
    files = config.certificate
    if files is None:
        return ""
    # Late: it needs OpenSSL, and who listens on loopback alone does without.
    from chat_service.launcher.certificate import pair_of

    now = datetime.datetime.now(datetime.UTC)
    pair = pair_of(config, files, now)
    announce(f"certificate SHA-256 {pair.fingerprint} ({files.cert})")
    if warning := pair.warning(now.timestamp()):
        show(f"chat-server: warning: {warning}")
    return pair.fingerprint


def _log_to(journal: Journal) -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(journal.stream())
