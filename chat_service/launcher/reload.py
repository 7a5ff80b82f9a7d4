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
        """Put in force what is written now; return the keys that changed, as of Changes.

        `started` is what was in force when servers that run were started.
        Raises ConfigError, and changes nothing, where it cannot be used.
        """
        before, asked = self.now, self._reread()
        for running in started:
            self._check(running, asked)
        # Who listens stays where it is, and the data is locked where it is.
        self.now = replace(
            asked,
            host=before.host,
            port=before.port,
            instances=before.instances,
            data_dir=before.data_dir,
            insecure=before.insecure,
        )
        return self._changes(before, asked)
