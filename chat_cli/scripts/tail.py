"""`chat-cli tail`: prints a room's messages as they come, without a hole and without a double."""

import json
import sys
from datetime import date

from chat_cli import items as it
from chat_cli.exits import Exit
from chat_cli.happenings import happening
from chat_cli.jsonl import event_fields
from chat_cli.model import (
    ById,
    ByName,
    Position,
    ResumePoint,
    RoomChanged,
    RoomEvent,
    RoomInfo,
    key,
)
from chat_cli.render import Renderer, moment
from chat_cli.scripts.script import Address, Script
from chat_cli.session.session import Kind
from chat_cli.stopping import mute


async def tail(
    address: Address,
    since: int | None,
    count: int | None,
    as_json: bool,
    hear_bots: bool = False,
) -> int:
    """Print events after `since`, or from now on if it is None; give the exit code.

    Ends after `count` events if there is one, else when it is interrupted or when nobody
    reads its output. A bot is told what bots say only if it wants to `hear_bots`.
    """
    tailing = Tailing(address, since, count, as_json, hear_bots)
    return await tailing.run(tailing.make_session(Kind.SUBSCRIBE))


# NOT_FOUND and OUT_OF_RANGE of google.rpc.Code: a room that was being read is gone, or shorter.
_VOID = (5, 11)


class Tailing(Script):
    """Reads one room and remembers how far."""

    def __init__(
        self,
        address: Address,
        since: int | None,
        count: int | None,
        as_json: bool,
        hear_bots: bool,
    ) -> None:
        super().__init__(address, patience=None)
        self._last = since
        self._left = count
        self._as_json = as_json
        self._hear_bots = hear_bots
        self._room_id = ""
        self._room_name = address.room
        self._epoch = ""
        self._hole_at: int | None = None
        # Set from when the stream is no longer believed until the next one begins.
        self._deaf = False
        self._renderer = Renderer(None, date.min, lambda _: "")
        if count == 0:
            self.end(Exit.DONE)

    def resume_point(self) -> ResumePoint:
        """Go on after the last event that was printed."""
        target = ById(self._room_id) if self._room_id else ByName(self.address.room)
        position = Position(target, self._last, 0)
        return ResumePoint(self._epoch, (position,), hear_bots=self._hear_bots)

    def work_on(self, item: it.StreamItem) -> None:
        """Print events in order."""
        if self._deaf:
            return
        match item:
            case it.RoomOpened(room) if self._is_another(room) and self.session:
                # In other data the id is another room's: the own one is asked for by name.
                self._deaf = True
                self.session.read_again()
            case it.RoomOpened(room, after_seq):
                self._room_id, self._room_name = room.room_id, room.name
                if self._last is None:
                    self._last = after_seq
            case it.EventArrived(event):
                self._event(event)
            case it.Live(_, seq):
                self._all_until(seq)
            case it.Gap(_, after_seq, first_seq):
                self._last = max(self._last or 0, first_seq - 1)
                self.remark(f"events {after_seq + 1} to {first_seq - 1} are no longer kept")
            case it.Refused(message=message):
                self.end(Exit.REFUSED, message)
            case it.RoomClosed(reason=reason, text=text) if reason is not it.CloseReason.LEFT:
                # Out of a room that may be read again this does not come back by itself.
                by = f" by {item.by.name}" if item.by else ""
                why = f": {text}" if text else ""
                self.end(Exit.REFUSED, f"{reason.value} from {self.address.room}{by}{why}")

    def receive(self, item: it.Item) -> None:
        """Forget the position when it is void: it belongs to other data, or to a longer room."""
        match item:
            case it.Connecting():
                self._deaf = False
            case it.SignedIn(epoch=epoch) | it.Welcome(epoch=epoch) | it.Reset(epoch=epoch):
                former, self._epoch = self._epoch, epoch
                if former not in ("", epoch):
                    self._begin_anew("the server's data was replaced")
            case it.Offline(code=code) if code in _VOID and self._room_id:
                self._begin_anew(item.reason)
                return
        super().receive(item)

    def _is_another(self, room: RoomInfo) -> bool:
        """Tell whether this is not the room that is read, which may have been renamed."""
        return room.room_id != self._room_id and key(room.name) != key(self.address.room)

    def _begin_anew(self, why: str) -> None:
        self._last, self._room_id = None, ""
        self.remark(f"{why}: only what comes from now on is shown")

    def _event(self, event: RoomEvent) -> None:
        last = self._last if self._last is not None else event.seq - 1
        if event.seq <= last or self._left == 0 or not self._all_until(event.seq - 1):
            return
        self._last = event.seq
        try:
            self._print(event)
        except BrokenPipeError:
            self._left = 0
            mute(sys.stdout)
            self.end(Exit.DONE)

    def _all_until(self, seq: int) -> bool:
        """Tell whether all up to `seq` was printed, or is known to be missing; else read again."""
        last = self._last
        if last is None or seq <= last or self._left == 0:
            return True
        if self._hole_at != last and self.session:
            self._hole_at, self._deaf = last, True
            self.session.read_again()
            return False
        self.remark(f"events {last + 1} to {seq} are missing")
        self._last = seq
        return True

    def _print(self, event: RoomEvent) -> None:
        entry = happening(event, None)
        if event.body is None or (entry is None and not self._as_json):
            return
        if isinstance(event.body, RoomChanged) and event.body.name is not None:
            self._room_name = event.body.name
        if self._as_json:
            # ASCII alone, so that the output is safe on a terminal and still exact.
            print(json.dumps(event_fields(event, self._room_name)), flush=True)
        elif entry:
            if not sys.stdout.isatty():
                # A pipe gets messages alone; the line of the day is for people.
                self._renderer.day = moment(event.time_ms).astimezone().date()
            for line in self._renderer.lines(entry, event.time_ms):
                print(line.text, flush=True)
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.end(Exit.DONE)
