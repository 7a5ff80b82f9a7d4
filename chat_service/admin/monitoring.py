"""What /metrics, /healthz and /readyz answer, and where."""

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from chat_service.admin.fleet import Fleet, unready
from chat_service.admin.web import Answer, Web, plain
from chat_service.config import AdminConfig

if TYPE_CHECKING:
    from chat_service.admin.metrics import Metrics

logger = logging.getLogger(__name__)


class Monitoring:
    """Nowhere, until it is told a port. A port that is taken is told, and nothing else suffers."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._metrics: Metrics | None = None
        self._web: Web | None = None
        # Where it was told to be: whether that could be done or not.
        self._wanted: tuple[str, int | None] = "", None
        # Where it is, as `127.0.0.1:9100`; empty: nowhere.
        self.address = ""

    async def open(self, config: AdminConfig) -> None:
        """Be where the configuration says, and no longer where another one said."""
        wanted = config.metrics_host, config.metrics_port
        if wanted == self._wanted:
            return
        await self.close()
        self._wanted = wanted
        host, port = wanted
        if port is None:
            return
        # Late: whoever wants no metrics need not have it in memory.
        from chat_service.admin.metrics import CONTENT_TYPE, Metrics

        self._metrics = Metrics(lambda: self._fleet.places)
        self._content_type = CONTENT_TYPE
        web = Web({"/metrics": self._text, "/healthz": _healthy, "/readyz": self._ready})
        try:
            self.address = await web.open(host, port)
        except OSError as error:
            logger.error("no metrics: %s port %d cannot be used: %s", host, port, error.strerror)
            return
        self._web = web
        logger.info("metrics on http://%s/metrics", self.address)

    async def close(self) -> None:
        """Answer no more."""
        self.address = ""
        if self._web is not None:
            await self._web.close()
            self._web = None

    async def _text(self) -> Answer:
        assert self._metrics is not None
        return Answer(HTTPStatus.OK, await self._metrics.text(), self._content_type)

    async def _ready(self) -> Answer:
        lines = unready(self._fleet)
        if lines:
            return plain(HTTPStatus.SERVICE_UNAVAILABLE, *lines)
        return plain(HTTPStatus.OK)


async def _healthy() -> Answer:
    return plain(HTTPStatus.OK)
