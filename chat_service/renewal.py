"""A server's certificate while the server runs: read again, and told before it ends."""

import logging
from collections.abc import Callable

from chat_service.certificates import read_pair
from chat_service.config import ConfigError, StartError, TlsFiles
from chat_service.edge.encryption import Encryption

logger = logging.getLogger(__name__)

LOOK_S = 86_400.0
"""How often it is looked at when it ends: so often a line of the log says that it is soon."""


class Renewal:
    """Shows the certificate of two files as they were when they could be used last.

    `wall_ms` gives milliseconds since 1970. Raises StartError where they cannot be used now.
    """

    def __init__(self, files: TlsFiles, wall_ms: Callable[[], int]) -> None:
        try:
            self._pair = read_pair(files)
        except ConfigError as error:
            raise StartError(str(error)) from None
        self._files = files
        self._wall_ms = wall_ms
        self.encryption = Encryption(self._pair.certificates, self._pair.key)
        self._tell("connections are encrypted")

    def read_again(self) -> None:
        """Show what the files hold now; where that cannot be used, go on with what they held."""
        try:
            pair = read_pair(self._files)
        except ConfigError as error:
            logger.warning("the certificate stays as it was: %s", error)
            return
        if pair == self._pair:
            return
        self._pair = pair
        self.encryption.change(pair.certificates, pair.key)
        self._tell("who connects from now on is shown another certificate")

    def warn(self) -> None:
        """Tell that the end of the certificate is near, where it is."""
        if warning := self._pair.warning(self._wall_ms() / 1000):
            logger.warning(warning)

    def _tell(self, line: str) -> None:
        logger.info(line, extra={"fields": {"sha256": self._pair.fingerprint}})
        self.warn()
