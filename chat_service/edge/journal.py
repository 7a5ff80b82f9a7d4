"""Submits orders to the log, and applies each commit to all that is live.

A commit is applied in one step of the loop: the directory learns it, the hub
tells it, streams open and close rooms, and then the orders are answered. So an
answer is never ahead of what a read would show.
"""

import asyncio
from collections.abc import Callable

from chat_service.core import events as ev
from chat_service.core.commands import Command
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import RoomKind
from chat_service.edge.directory import Directory
from chat_service.edge.effects import Effects
from chat_service.edge.frames import LiveFrames, event_frame, withheld_frame
from chat_service.edge.streams import Streams
from chat_service.edge.tally import Tally
from chat_service.hub.hub import Hub
from chat_service.log.contract import Commit, Log

Outcome = Answer | Rejection
OnAnswers = Callable[[tuple[Outcome, ...]], None]


class Journal:
    """The way of orders to the log and of commits back. Used on the event loop.

    `effects` is what order does to open streams; `frames` encodes events and acks, for this
    loop; `tally` is what the edge counts.
    """

    def __init__(self, log: Log, directory: Directory, hub: Hub, streams: Streams) -> None:
        self._log = log
        self._directory = directory
        self._hub = hub
        self._streams = streams
        self.effects = Effects(directory, hub, streams)
        self.frames = LiveFrames()
        self.tally = Tally()
        self._last_ticket = 0
        self._waiting: dict[int, OnAnswers] = {}

    def submit(self, commands: tuple[Command, ...], on_answers: OnAnswers) -> None:
        """Queue orders; `on_answers` is called once with one outcome for each.

        Raises RefusedError when the log takes no more (see Log.submit).
        """
        ticket = self._last_ticket + 1
        self._log.submit(ticket, commands)
        self._last_ticket = ticket
        self._waiting[ticket] = on_answers

    async def ask(self, *commands: Command) -> tuple[Outcome, ...]:
        """Submit orders and wait for their outcomes. Raises RefusedError as `submit`."""
        future: asyncio.Future[tuple[Outcome, ...]] = asyncio.get_running_loop().create_future()

        def answered(outcomes: tuple[Outcome, ...]) -> None:
            if not future.done():
                future.set_result(outcomes)

        self.submit(commands, answered)
        return await future

    async def order(self, command: Command) -> Answer:
        """Submit one order and wait for its answer. Raises RefusedError if it is refused."""
        (outcome,) = await self.ask(command)
        if isinstance(outcome, Rejection):
            raise RefusedError(outcome)
        return outcome

    def note(self, command: Command) -> None:
        """Submit an order whose answer nobody waits for.

        A log that takes no more is no error here: `Sessions.expire` notes it later.
        """
        try:
            self.submit((command,), _ignore)
        except RefusedError:
            return

    def apply(self, commit: Commit) -> None:
        """Take in a commit. To be called in the order of commits."""
        self.effects.cut.clear()
        publish, encode = self._hub.rooms.publish, self.frames.event
        messages = len(commit.events)
        for event in commit.events:
            if isinstance(event, ev.MessagePosted):
                withheld = withheld_frame(event) if event.bot else None
                publish(event.room_id, event.seq, encode(event), withheld)
            else:
                messages -= 1
                self._apply_control(event)
        self.tally.messages += messages
        waiting = self._waiting
        for ticket, outcomes in commit.answers:
            waiting.pop(ticket)(outcomes)

    def _apply_control(self, event: ev.Event) -> None:
        directory, hub, streams = self._directory, self._hub, self._streams
        if isinstance(event, ev.UserEnded):
            for room_id in directory.state.rooms_of.get(event.user_id) or ():
                hub.leave(room_id, event.user_id)
        elif isinstance(event, ev.RoomPruned):
            first_seq = directory.state.first(event.room_id)
            self.tally.pruned_events += event.first_seq - first_seq
        self.effects.before(event)
        directory.fold(event)
        self.effects.after(event)
        if isinstance(event, ev.RoomEvent):
            hub.rooms.publish(event.room_id, event.seq, event_frame(event))
        elif isinstance(event, ev.RoomOpened):
            if event.kind is RoomKind.DIRECT:
                for user_id in event.member_ids:
                    for stream in streams.of_user(user_id):
                        stream.read_room(event.room_id, 0)
        elif isinstance(event, ev.UserInvited):
            invitation = directory.state.invitations[event.room_id, event.user_id]
            for stream in streams.of_user(event.user_id):
                stream.invite(invitation)
        elif isinstance(event, ev.SessionAttached):
            streams.replace(event.session_id, event.attachment)
        elif isinstance(event, ev.AccountCreated):
            user = directory.state.users[event.user_id]
            for room_id in directory.state.rooms_of.get(user.user_id) or ():
                hub.presence.know(room_id, user)
            for stream in streams.all_of_user(user.user_id):
                stream.know(user)
        elif isinstance(event, ev.UserKicked):
            self.tally.kicks += 1
        elif isinstance(event, ev.SessionEnded):
            streams.end_session(
                event.session_id,
                Rejection(Reason.SESSION_ENDED, "this session has ended: sign in again"),
            )
        elif isinstance(event, ev.RoomForgotten):
            hub.rooms.forget(event.room_id)
        elif isinstance(event, ev.RoomPruned):
            hub.rooms.prune(event.room_id, event.first_seq)


def _ignore(_: tuple[Outcome, ...]) -> None:
    return
