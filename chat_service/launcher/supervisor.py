"""The rules by which instances are started, restarted and stopped.

Pure: it is told what happened and when, and answers with what is to be done. Processes,
sockets, signals and clocks are the launcher's. Times are seconds of any steady clock.

What the places do is in `place`. What an operator asks for is answered when it is done: of a
start, that the instance listens; of a stop, that its process is gone. Everything that changes
is told, first the places, then the answers.
"""

import signal
from dataclasses import replace

from chat_service.config import MAX_INSTANCES, MAX_PORT, LaunchConfig
from chat_service.launcher.actions import (
    Action,
    Announce,
    Attend,
    Configure,
    Log,
    Refuse,
    Release,
    Say,
    Send,
    Start,
    TellOwnerCode,
    TellOwnerCodeVoid,
)
from chat_service.launcher.place import Cause, Place, describe_exit
from chat_service.launcher.places import Places
from chat_service.launcher.wishes import Wishes
from chat_service.link import Answer, Ask, InstanceGone, InstanceState, Refusal, Stopping, Verb

STOPPING_LINE = "everything is being stopped"


class _RefusedError(Exception):
    """An Ask is refused: why, and the line."""

    def __init__(self, refusal: Refusal, line: str) -> None:
        super().__init__(line)
        self.refusal = refusal


class Supervisor:
    """Decides about all places. Each method returns what is to be done now, in order."""

    def __init__(self, config: LaunchConfig) -> None:
        self._config = config
        self._places = Places(config.instance_configs())
        self._launched = self._stopping = False
        self._wishes = Wishes()
        # What has to be said now.
        self._unsaid: list[Say] = []
        # The launcher's exit status.
        self.status = 0

    @property
    def stopping(self) -> bool:
        """Whether everything is being stopped."""
        return self._stopping

    @property
    def done(self) -> bool:
        """Whether it has stopped and no process is left."""
        return self._stopping and not any(place.alive for place in self._places)

    @property
    def deadline(self) -> float | None:
        """When `tick` has something to do; None: nothing waits for a time."""
        return self._places.deadline

    def start(self) -> list[Action]:
        """Begin: every place gets its first process."""
        return self._and_news([Start(each.number, each.config) for each in self._places])

    def ready(
        self, number: int, address: str, now: float, *, owner_code: bool = False
    ) -> list[Action]:
        """Learn that the process of a place listens on `address`.

        `owner_code`: it has no admin, and took the code for the first one.
        """
        place = self._places[number]
        if place.state is not InstanceState.STARTING:
            return []
        place.config = replace(place.config, port=int(address.rpartition(":")[2]))
        cause = place.cause
        place.serve(now)
        actions = [] if owner_code else self.owner_code_void(number)
        place.owner_code_taken = owner_code
        self._answer(self._wishes.reached(number, place.state))
        if cause is Cause.LAUNCH:
            line = f"listening on {address} (data in {place.config.data_dir})"
            actions.append(Announce(line))
        else:
            again = " again" if cause is Cause.RECOVERY else ""
            actions.append(Log(f"{place.name} listens{again}", warning=False))
        begins = not self._launched and all(each.proven for each in self._places)
        self._launched |= begins
        if self._launched:
            actions += self._tell_owner_code()
        if begins:
            actions.append(Attend())
        return self._and_news(actions)

    def owner_code_void(self, number: int) -> list[Action]:
        """Learn that the code for the first admin is good no more with a place."""
        place = self._places[number]
        was_good, place.owner_code_taken = place.owner_code_taken, False
        is_told = was_good and place.owner_code_told
        return [TellOwnerCodeVoid(place.config.address)] if is_told else []

    def failed(self, number: int, line: str, now: float) -> list[Action]:
        """Learn why the process of a place cannot start; it will exit by itself."""
        place = self._places[number]
        place.failure = line
        if place.state is not InstanceState.STARTING or place.cause is not Cause.LAUNCH:
            return []
        return self._and_news(self._give_up(line, now))

    def not_started(self, number: int, line: str, now: float) -> list[Action]:
        """Learn that the system gave no process for a place, and why."""
        self._places[number].failure = line
        return self.exited(number, 1, now)

    def exited(self, number: int, returncode: int, now: float) -> list[Action]:
        """Learn that the process of a place is gone; `returncode` as of `subprocess`."""
        place = self._places[number]
        failure, place.failure, place.kill_at = place.failure, None, None
        how = describe_exit(returncode)
        if place.state is InstanceState.STOPPING:
            clean = returncode == 0 or failure
            return self._and_news(
                [*([] if clean else [Log(f"{place.name} {how}")]), *self._gone(place)]
            )
        if place.cause is Cause.RECOVERY:
            what = f"cannot start again: {failure}" if failure else how
            return self._and_news([Log(place.fall(what, now)), *self._tick(now)])
        line = failure or f"{place.name} {how} before it listened"
        place.stop(line)
        if place.cause is Cause.LAUNCH:
            return self._and_news(self._give_up(line, now))
        self._answer(self._wishes.failed(number, Refusal.INSTANCE_FAILED, line))
        if not place.proven:
            self._places.remove(place)
            self._unsaid.insert(0, Say(InstanceGone(number)))
        return self._and_news([Log(line)])

    def stop(self, now: float) -> list[Action]:
        """Learn that everything shall stop; a further call asks to be quick about it."""
        if not self._stopping:
            news = Log("stopping; a second signal makes it quick", warning=False)
            return self._and_news([news, *self._end_all(now)])
        return [Send(each.number, signal.SIGTERM) for each in self._places if each.alive]

    def tick(self, now: float) -> list[Action]:
        """Do what its time has come for."""
        return self._and_news(self._tick(now))

    def ask(self, ask: Ask, now: float) -> list[Action]:
        """Learn what an operator wants: START, STOP, RESTART or SHUTDOWN."""
        try:
            if ask.verb is Verb.SHUTDOWN:
                self._answer([Answer(ask.number)])
                return self._and_news(self.stop(now))
            if self._stopping:
                raise _RefusedError(Refusal.STOPPING, STOPPING_LINE)
            if ask.verb is Verb.START:
                return self._and_news(self._wish_start(ask))
            wishes = {Verb.STOP: self._wish_stop, Verb.RESTART: self._wish_restart}
            return self._and_news(wishes[ask.verb](ask, now))
        except _RefusedError as error:
            self._answer([Answer(ask.number, error.refusal, str(error))])
            return self._and_news([])

    def forget_asks(self) -> None:
        """Learn that nobody waits for answers any more."""
        self._wishes.forget()

    def configure(self, config: LaunchConfig) -> list[Action]:
        """Learn the configuration for all that is started from now on, and tell who runs.

        The host, the data directory and the first ports are as they were.
        """
        self._config = config
        actions: list[Action] = []
        for place in self._places:
            before = place.config
            place.config = config.instance_config(before.port, before.data_dir.name)
            if place.config != before and place.alive and place.state is not InstanceState.STOPPING:
                actions.append(Configure(place.number, place.config))
        return self._and_news(actions)

    def _wish_start(self, ask: Ask) -> list[Action]:
        port = ask.port or self._places.next_port
        if not 1 <= port <= MAX_PORT:
            raise _RefusedError(
                Refusal.PORT_INVALID, f"port {port}: not a number from 1 to {MAX_PORT}"
            )
        place = self._places.on_port(port)
        if place is None:
            if len(self._places) >= MAX_INSTANCES:
                raise _RefusedError(
                    Refusal.TOO_MANY_INSTANCES,
                    f"there are {MAX_INSTANCES} instances, which is as many as there may be",
                )
            place = self._places.add(self._config.instance_config(port, str(port)), Cause.WISH)
        elif place.state is InstanceState.STOPPING and not place.again:
            place.again = True
        elif place.state is not InstanceState.STOPPED:
            raise _RefusedError(
                Refusal.INSTANCE_EXISTS,
                f"there is an instance on port {port} already, which is {place.state}",
            )
        self._wishes.add(ask.number, InstanceState.SERVING, (place.number,))
        return [] if place.again else self._begin(place)

    def _wish_restart(self, ask: Ask, now: float) -> list[Action]:
        place = self._existing(ask.port)
        self._wishes.add(ask.number, InstanceState.SERVING, (place.number,))
        if not place.alive:
            return self._begin(place)
        place.again = True
        return self._drain(place, now)

    def _wish_stop(self, ask: Ask, now: float) -> list[Action]:
        if ask.port:
            places = [self._existing(ask.port)]
            if places[0].state is InstanceState.STOPPED:
                raise _RefusedError(
                    Refusal.INSTANCE_NOT_RUNNING, f"the instance on port {ask.port} does not run"
                )
        else:
            places = [each for each in self._places if each.state is not InstanceState.STOPPED]
            if not places:
                raise _RefusedError(Refusal.INSTANCE_NOT_RUNNING, "no instance runs")
        self._wishes.add(ask.number, InstanceState.STOPPED, tuple(place.number for place in places))
        actions: list[Action] = []
        for place in places:
            place.again = False
            line = f"{place.name} was stopped before it listened"
            self._answer(self._wishes.failed(place.number, Refusal.INSTANCE_NOT_RUNNING, line))
            actions += self._drain(place, now) if place.alive else self._gone(place)
        return actions

    def _existing(self, port: int) -> Place:
        place = self._places.on_port(port)
        if place is None:
            raise _RefusedError(Refusal.INSTANCE_NOT_FOUND, f"no instance has the port {port}")
        return place

    def _begin(self, place: Place) -> list[Action]:
        place.begin(Cause.WISH)
        return [Start(place.number, place.config)]

    def _drain(self, place: Place, now: float) -> list[Action]:
        released = place.state is InstanceState.STOPPING
        place.drain(now)
        if released:
            return []
        return [Log(f"{place.name} is asked to stop", warning=False), Release(place.number)]

    def _gone(self, place: Place) -> list[Action]:
        again = place.again
        place.stop()
        self._answer(self._wishes.reached(place.number, place.state))
        return self._begin(place) if again else []

    def _tick(self, now: float) -> list[Action]:
        actions: list[Action] = []
        for place in self._places:
            if place.deadline is None or place.deadline > now:
                continue
            if place.state is InstanceState.WAITING:
                place.begin(Cause.RECOVERY)
                actions.append(Start(place.number, place.config))
            else:
                place.kill_at = None
                actions.append(Send(place.number, signal.SIGKILL))
        return actions

    def _tell_owner_code(self) -> list[Action]:
        places = [each for each in self._places if each.owner_code_taken]
        untold = [each for each in places if not each.owner_code_told]
        for place in untold:
            place.owner_code_told = True
        return [TellOwnerCode(tuple(each.config.address for each in untold))] if untold else []

    def _give_up(self, line: str, now: float) -> list[Action]:
        self.status = 1
        return [Refuse(line), *self._end_all(now)]

    def _end_all(self, now: float) -> list[Action]:
        self._stopping = True
        self._unsaid.append(Say(Stopping()))
        self._answer(self._wishes.refuse_all(Refusal.STOPPING, STOPPING_LINE))
        actions: list[Action] = []
        for place in self._places:
            place.again = False
            if place.state in (InstanceState.STARTING, InstanceState.SERVING):
                place.drain(now)
                actions.append(Release(place.number))
            elif place.state is InstanceState.WAITING:
                place.stop()
        return actions

    def _answer(self, answers: list[Answer]) -> None:
        self._unsaid += map(Say, answers)

    def _and_news(self, actions: list[Action]) -> list[Action]:
        said, self._unsaid = self._unsaid, []
        return [*actions, *self._places.news(), *said]
