"""The configuration as it is now, and read again."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from chat_service.config import LaunchConfig

Reread = Callable[[], LaunchConfig]
"""Reads the configuration again. Raises ConfigError."""

Changes = Callable[[LaunchConfig, LaunchConfig], tuple[tuple[str, ...], tuple[str, ...]]]
"""Tells the keys that differ: those whose new values hold now, and those that need a restart."""

Check = Callable[[LaunchConfig, LaunchConfig], None]
"""Sees that servers of the first can run on with what the second changes at once.

Raises ConfigError.
"""


class Configuration:
    """What is in force."""

    def __init__(
        self, config: LaunchConfig, reread: Reread, changes: Changes, check: Check
    ) -> None:
        self.now = config
        self._reread = reread
        self._changes = changes
        self._check = check

    def reload(
        self, started: Iterable[LaunchConfig] = ()
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Put in force what is written now; return keys, as of Changes.

        `started` is what was in force when servers that run were started: what one of them
        still has otherwise needs a restart, however often it was read meanwhile.
        Raises ConfigError, and changes nothing, where it cannot be used.
        """
        before, asked, running = self.now, self._reread(), list(started)
        for one in running:
            self._check(one, asked)
        # Who listens stays where it is and shows what is in the same files, the data is locked
        # where it is, the terminal was given or not, and one stream of the log has one format.
        same_files = asked.tls.given is not None and asked.tls.files == before.tls.files
        self.now = replace(
            asked,
            host=before.host,
            port=before.port,
            instances=before.instances,
            data_dir=before.data_dir,
            insecure=before.insecure,
            console=before.console,
            log_format=before.log_format,
            tls=asked.tls if same_files else before.tls,
        )
        # Between what is in force for the launch and what is asked only that differs which the
        # whole has to be restarted for.
        held = [self.now, *running]
        waiting = dict.fromkeys(key for one in held for key in self._changes(one, asked)[1])
        return self._changes(before, asked)[0], tuple(waiting)
