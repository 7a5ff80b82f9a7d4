"""What is looked up in a state: every look, in order, by table and kind."""

from typing import Any

from chat_service.core.state import State
from chat_service.core.table import Table

_KINDS = ("get", "__getitem__", "__contains__", "__len__", "values", "items")


class Looks:
    """Notes the looks into the tables of a state from now on."""

    def __init__(self, *states: State) -> None:
        self._noted: list[tuple[str, str]] = []
        for state in states:
            for name, table in vars(state).items():
                # A table keeps what it holds; only its looks are noted beside.
                table.__class__ = _noting(name, self._noted)

    def taken(self) -> list[tuple[str, str]]:
        """Return the looks since the last time."""
        noted = list(self._noted)
        self._noted.clear()
        return noted


def _noting(name: str, noted: list[tuple[str, str]]) -> type[Table[Any, Any]]:
    # Any: tables are of all kinds.
    def noting(kind: str) -> Any:
        plain = getattr(Table, kind)

        def look(table: Table[Any, Any], *key: Any) -> Any:
            noted.append((name, kind))
            return plain(table, *key)

        return look

    fields = {kind: noting(kind) for kind in _KINDS}
    return type("NotingTable", (Table,), {"__slots__": (), **fields})
