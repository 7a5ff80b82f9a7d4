"""The last lines of the log, of all processes together and of each one."""

from collections import deque

from chat_service.admin.operations import Logged

KEPT_LINES = 500
"""Of each: what a person scrolls back through. Some 100 KB an instance."""


class RecentLog:
    """Bounded: the oldest lines go first. A talkative instance pushes out no other's lines."""

    def __init__(self) -> None:
        self._all: deque[Logged] = deque(maxlen=KEPT_LINES)
        self._by_port: dict[int, deque[Logged]] = {}

    def add(self, logged: Logged) -> None:
        """Keep a line."""
        self._all.append(logged)
        if logged.port not in self._by_port:
            self._by_port[logged.port] = deque(maxlen=KEPT_LINES)
        self._by_port[logged.port].append(logged)

    def lines(self, port: int) -> list[Logged]:
        """Return the last lines of an instance, or (0) of all, oldest first."""
        return list(self._by_port.get(port, ()) if port else self._all)
