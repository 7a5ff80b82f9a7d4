"""`chat-cli send`: posts a text, or each line of stdin, and waits for every acknowledgement."""

import asyncio
import json
import sys
import time

from chat_cli import items as it
from chat_cli.exits import Exit
from chat_cli.lines import read_lines
from chat_cli.model import ByName
from chat_cli.outbox import PendingPost
from chat_cli.scripts.script import Address, Script
from chat_cli.session.session import Kind, Session
from chat_cli.stopping import mute

# Seconds to wait for a server that went away in the middle of the work.
_PATIENCE = 60.0
_UNAVAILABLE = 14  # google.rpc.Code
# Seconds to wait when the server is too busy and does not say for how long.
_BUSY_RETRY = 1.0


async def send(address: Address, texts: list[str], as_json: bool) -> int:
    """Post `texts`, or the lines of stdin if there are none; give the exit code."""
    sending = Sending(address, as_json)
    session = sending.make_session(Kind.CHAT)
    return await sending.run(session, sending.feed(session, texts))


class Sending(Script):
    """Posts in order, many in flight where the server has no rate limits."""

    def __init__(self, address: Address, as_json: bool) -> None:
        super().__init__(address, _PATIENCE)
        self._as_json = as_json
        self._answered = asyncio.Event()
        self._sent = 0
        self._blank = 0
        # Why no more is taken in; what was taken before is still sent.
        self._flaw = ""
        self._told_pace = False

    async def feed(self, session: Session, texts: list[str]) -> None:
        """Take the texts in, at most twice the window ahead of the answers."""
        await self.signed_in.wait()
        if texts:
            for text in texts:
                await self._take(session, text, "")
        else:
            await self._feed_lines(session)
        while self.outbox.posts:
            await self._next_answer()
        if self._blank:
            self.remark(f"blank lines skipped: {self._blank}")
        if self._flaw:
            self.end(Exit.REFUSED, f"{self._flaw} ({self._sent} sent before it)")
        else:
            self.end(Exit.DONE)

    async def _feed_lines(self, session: Session) -> None:
        number = 0
        async for line in read_lines(sys.stdin.fileno()):
            number += 1
            try:
                text = line.decode()
            except UnicodeDecodeError:
                self._flaw = f"line {number} is not UTF-8"
                return
            if text.strip():
                await self._take(session, text, f"line {number}: ")
            else:
                self._blank += 1
            if self._flaw:
                return

    async def _take(self, session: Session, text: str, place: str) -> None:
        flaw = self.limits.flaw_of(text)
        if flaw and not self._flaw:
            self._flaw = f"{place}{flaw}"
        while len(self.outbox.posts) >= 2 * self.outbox.window and not self._flaw:
            await self._next_answer()
        if self.ended or self._flaw:
            return
        self.outbox.post(ByName(self.address.room), text, False, self.owner)
        session.wake()

    async def _next_answer(self) -> None:
        self._answered.clear()
        await self._answered.wait()

    def work_on(self, item: it.StreamItem) -> None:
        """Settle posts."""
        if isinstance(item, it.Acked):
            post = self.outbox.settle_post(item.client_msg_id)
            if post:
                self._acked(post, item)
        elif isinstance(item, it.Refused) and item.client_msg_id in self.outbox.posts:
            wait = item.retry_after or (_BUSY_RETRY if item.code == _UNAVAILABLE else 0.0)
            if wait:
                self.outbox.retry(item.client_msg_id, time.monotonic() + wait)
                self._tell_pace()
            else:
                self._stop_at(item)

    def _acked(self, post: PendingPost, ack: it.Acked) -> None:
        self._sent += 1
        self._answered.set()
        if not self._as_json:
            return
        fields = {
            "room": self.address.room,
            "seq": ack.seq,
            "client_msg_id": post.client_msg_id,
            "duplicate": ack.duplicate,
        }
        try:
            print(json.dumps(fields), flush=True)
        except BrokenPipeError:
            # The texts matter more than the report of them.
            self._as_json = False
            mute(sys.stdout)

    def _tell_pace(self) -> None:
        """Say once that it will take a while."""
        if not self._told_pace:
            self._told_pace = True
            self.remark("going on at the pace that the server allows")

    def _stop_at(self, refused: it.Refused) -> None:
        """Send nothing behind a message that was refused; what is on its way is waited for."""
        self._flaw = self._flaw or refused.message
        self.outbox.settle_post(refused.client_msg_id)
        for post in list(self.outbox.posts.values()):
            if not post.written:
                self.outbox.settle_post(post.client_msg_id)
        self._answered.set()
