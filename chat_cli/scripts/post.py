"""`chat-cli send` with an API token: one call for each message, and nothing left behind.

There is no session of its own, no stream and no outbox: a bot's shell script may start it for
every message, several at once, with a token that may do nothing but post.
"""

import asyncio
import json
import random
import secrets
import sys
import time
from collections.abc import AsyncIterator

from chat_cli.backoff import Backoff
from chat_cli.errors import ChatError
from chat_cli.exits import Exit, by_signal
from chat_cli.handshake import NoAnswerError
from chat_cli.lines import read_lines
from chat_cli.model import ByName
from chat_cli.scripts.script import PATIENCE, Address
from chat_cli.session.api import ChatApi
from chat_cli.session.errors import CallError, UnreachableError
from chat_cli.stopping import mute, stop_signals
from chat_cli.trust import Trust
from chat_text.sanitize import sanitize


async def post(address: Address, token: str, texts: list[str], as_json: bool) -> int:
    """Post `texts`, or the lines of stdin if there are none; give the exit code.

    Each is stored before the next one is sent. It ends at the first that is refused.
    """
    posting = asyncio.create_task(Posting(address, token, as_json).run(texts))
    signals: list[int] = []

    def stop(number: int) -> None:
        signals.append(number)
        posting.cancel()

    with stop_signals(stop, interrupt=True, loop=asyncio.get_running_loop()):
        try:
            return await posting
        except asyncio.CancelledError:
            if not signals:
                raise
            return by_signal(signals[0])


class Posting:
    """Messages of one run, one after the other."""

    def __init__(self, address: Address, token: str, as_json: bool) -> None:
        self._address = address
        self._token = token
        self._as_json = as_json
        self._prefix = secrets.token_hex(6)
        self._backoff = Backoff(random.random)
        self._sent = self._blank = 0
        self._told_pace = False

    async def run(self, texts: list[str]) -> int:
        """Post everything; give the exit code."""
        where = self._address
        trust = where.trust or Trust(where.target)
        try:
            try:
                async with ChatApi(where.target, await trust.credentials()) as api:
                    api.token = self._token
                    async for text in _given(texts) if texts else self._lines():
                        await self._post(api, text)
            except UnreachableError:
                # The transport does not tell a certificate that it refuses from a dead server.
                await trust.look_again()
                raise
        except (UnreachableError, NoAnswerError) as error:
            return self._end(Exit.UNREACHABLE, f"{where.target}: {error}")
        except ChatError as error:
            return self._end(Exit.REFUSED, str(error))
        if self._blank:
            self._remark(f"blank lines skipped: {self._blank}")
        return Exit.DONE

    async def _lines(self) -> AsyncIterator[str]:
        """Give the lines of stdin that say something. Raises ChatError."""
        number = 0
        async for line in read_lines(sys.stdin.fileno()):
            number += 1
            try:
                text = line.decode()
            except UnicodeDecodeError:
                raise ChatError(f"line {number} is not UTF-8") from None
            if text.strip():
                yield text
            else:
                self._blank += 1

    async def _post(self, api: ChatApi, text: str) -> None:
        """Post one message until it has an answer. Raises CallError."""
        msg_id = f"{self._prefix}-{self._sent + 1:08d}"
        room = self._address.room
        since = time.monotonic()
        while True:
            try:
                seq, duplicate = await api.post(ByName(room), text, msg_id)
                break
            except CallError as error:
                silent = isinstance(error, UnreachableError)
                if not error.passes or (silent and not self._sent):
                    raise
                if silent and time.monotonic() - since > PATIENCE:
                    raise
                self._tell_pace(str(error) if silent else "")
                # What the server asks for is a pace, not a failure.
                if not silent:
                    self._backoff.begin_anew()
                await asyncio.sleep(self._backoff.delay(hint=error.retry_after))
        self._backoff.begin_anew()
        self._sent += 1
        if self._as_json:
            fields = {"room": room, "seq": seq, "client_msg_id": msg_id, "duplicate": duplicate}
            self._report(json.dumps(fields))

    def _report(self, line: str) -> None:
        try:
            print(line, flush=True)
        except BrokenPipeError:
            # The texts matter more than the report of them.
            self._as_json = False
            mute(sys.stdout)

    def _tell_pace(self, trouble: str) -> None:
        """Say once that it will take a while."""
        if not self._told_pace:
            self._told_pace = True
            what = f"{trouble}, trying again" if trouble else "going on at the server's pace"
            self._remark(what)

    def _end(self, code: Exit, text: str) -> int:
        sent = f" ({self._sent} sent before it)" if self._sent else ""
        self._remark(f"{text}{sent}")
        return code

    def _remark(self, text: str) -> None:
        print(f"chat-cli: {sanitize(text)}", file=sys.stderr, flush=True)


async def _given(texts: list[str]) -> AsyncIterator[str]:
    for text in texts:
        yield text
