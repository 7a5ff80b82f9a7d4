"""`chat-cli send`: posts a text, or each line of stdin, and waits for every acknowledgement."""

import asyncio
import json
import sys
import time

from chat_cli import items as it
from chat_cli.exits import Exit
from chat_cli.keeper import Keeper
from chat_cli.lines import read_lines
from chat_cli.model import ByName, room_label
from chat_cli.pending import PendingPost
from chat_cli.scripts.script import PATIENCE, Address, Script
from chat_cli.session.session import Kind, Session
from chat_cli.stopping import mute

_UNAVAILABLE = 14  # google.rpc.Code
# Seconds to wait when the server is too busy and does not say for how long.
_BUSY_RETRY = 1.0


async def send(address: Address, texts: list[str], as_json: bool, resume: bool = False) -> int:
    """Post `texts`, or the lines of stdin if there are none; give the exit code.

    With `resume` what an earlier run left without an answer is sent first. Without, it is
    only told: whoever started that run may have repeated it.
    """
    sending = Sending(address, as_json)
    session = sending.make_session(Kind.CHAT)
    sending.look_back(resume)
    try:
        return await sending.run(session, sending.feed(session, texts))
    finally:
        sending.tell_unanswered()
        await sending.keeper.close()


class Sending(Script):
    """Posts in order, many in flight where the server has no rate limits."""

    def __init__(self, address: Address, as_json: bool) -> None:
        super().__init__(address, PATIENCE)
        self.keeper = Keeper(
            self.outbox, address.target, "send", _now_ms, self._may_leave, self.remark
        )
        self._as_json = as_json
        self._answered = asyncio.Event()
        self._sent = 0
        self._blank = 0
        # Why no more is taken in; what was taken before is still sent.
        self._flaw = ""
        self._told_pace = False
        # Whether something that an earlier run left could not be sent.
        self._missed = False

    def look_back(self, resume: bool) -> None:
        """Deal with what earlier runs left: send it, or tell it and forget it."""
        found = self.keeper.open(self.address.name)
        for path in found.damaged:
            self.remark(f"a part of what was kept made no sense; it is in {path}")
        if resume:
            self.outbox.adopt(found.posts)
            for post in self.outbox.too_old(_now_ms()):
                self._miss(post, "older than 14 days")
            if self.outbox.posts:
                self.remark(f"messages of an earlier run, sent first: {len(self.outbox.posts)}")
        else:
            for post in found.posts:
                self.remark(f"an earlier run got no answer to: {post.place} {post.text}")
            self.keeper.forget()
        self.keeper.changed()

    def tell_unanswered(self) -> None:
        """Say what the next run may go on with."""
        if count := len(self.outbox.posts):
            later = self.outbox.durable and not self.kicked
            how = "; within ten minutes send --resume sends them" if later else ""
            self.remark(f"messages without an answer: {count}{how}")

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
            self.end(Exit.REFUSED if self._missed else Exit.DONE)

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
        room = self.address.room
        self.outbox.post(ByName(room), text, False, self.owner, room_label(room))
        self.keeper.changed()
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
                self.keeper.changed()
        elif isinstance(item, it.Refused) and item.client_msg_id in self.outbox.posts:
            post = self.outbox.posts[item.client_msg_id]
            wait = item.retry_after or (_BUSY_RETRY if item.code == _UNAVAILABLE else 0.0)
            if post.adopted and not wait:
                self._miss(post, item.message)
            elif wait:
                self.outbox.retry(item.client_msg_id, time.monotonic() + wait)
                self._tell_pace()
            else:
                self._stop_at(item)

    def _acked(self, post: PendingPost, ack: it.Acked) -> None:
        self._sent += not post.adopted
        self._answered.set()
        if not self._as_json:
            return
        fields = {
            "room": post.place.removeprefix("#"),
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

    def lose(self, posts: list[PendingPost]) -> None:
        """Report what was written under a sign-in that is over; it is never sent under another."""
        own = sum(not post.adopted for post in posts)
        for post in posts:
            if post.adopted:
                self._miss(post, "its sign-in is over")
        if own:
            self.end(Exit.REFUSED, f"the sign-in expired; messages that were not sent: {own}")

    def _miss(self, post: PendingPost, why: str) -> None:
        """Report what an earlier run left and cannot be sent any more; the others can."""
        self.outbox.settle_post(post.client_msg_id)
        self.keeper.changed()
        self._missed = True
        self.remark(f"not sent, {why}: {post.place} {post.text}")
        self._answered.set()

    def _may_leave(self) -> None:
        if self.session:
            self.session.wake()

    def _stop_at(self, refused: it.Refused) -> None:
        """Send nothing behind a message that was refused; what is on its way is waited for."""
        self._flaw = self._flaw or refused.message
        self.outbox.settle_post(refused.client_msg_id)
        for post in list(self.outbox.posts.values()):
            if not post.written:
                self.outbox.settle_post(post.client_msg_id)
        self.keeper.changed()
        self._answered.set()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
