"""What of a running server changes with its configuration, without a restart.

These are the settings that the table marks so (`chat_service.settings.table`). Whatever else
is different is left as it was.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass

from chat_service.config import InstanceConfig
from chat_service.core import commands as cmd
from chat_service.core.errors import RefusedError
from chat_service.edge.gate import Gate
from chat_service.edge.journal import Journal
from chat_service.edge.logins import Logins
from chat_service.edge.pace import Pace
from chat_service.edge.passwords import Passwords
from chat_service.edge.pruning import Pruning
from chat_service.log.reserve import DiskReserve
from chat_service.renewal import Renewal
from chat_service.transcripts.writer import TranscriptWriter

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Live:
    """The parts of a server that can be told other figures."""

    journal: Journal
    pace: Pace
    logins: Logins
    passwords: Passwords
    gate: Gate
    reserve: DiskReserve
    pruning: Pruning
    transcripts: TranscriptWriter | None
    # The whole of a stop, in seconds.
    drain_s: float
    # None: nothing is encrypted.
    renewal: Renewal | None = None
    # A log that cannot take the new limits now, because the disk is full, is asked again.
    try_again_s: float = 5.0

    async def follow(self, changes: asyncio.Queue[InstanceConfig]) -> None:
        """Apply each configuration that comes, until it is cancelled."""
        while True:
            config = await changes.get()
            while not await self._apply(config):
                with suppress(TimeoutError):
                    config = await asyncio.wait_for(changes.get(), self.try_again_s)
                    changes.task_done()
            changes.task_done()

    async def _apply(self, config: InstanceConfig) -> bool:
        """Go by a configuration; return whether all of it holds."""
        self.drain_s = config.limits.drain_s
        self.pace.change(on=config.rate_limits, rates=config.limits.rates)
        self.gate.change(config.limits.addresses)
        self.logins.limits = config.limits.logins
        self.passwords.change(config.limits.passwords)
        self.reserve.keep_bytes = config.disk_reserve
        self.pruning.retention = config.retention
        if self.transcripts is not None and config.transcripts is not None:
            self.transcripts.adopt(config.transcripts)
        if self.renewal is not None:
            self.renewal.read_again()
        try:
            await self.journal.order(cmd.Configure(config.limits.core))
        except RefusedError as error:
            logger.warning("the new limits are not stored yet: %s", error.rejection.message)
            return False
        logger.info("the configuration was read again")
        return True
