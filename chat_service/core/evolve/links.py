"""The indexes of the state: a key, and the ids that belong to it, sorted."""

from bisect import bisect_left

from chat_service.core.table import Table


def link(table: Table[int, tuple[int, ...]], key: int, number: int) -> None:
    """Add an id to those of a key."""
    ids = table.get(key) or ()
    place = bisect_left(ids, number)
    table.put(key, (*ids[:place], number, *ids[place:]))


def unlink(table: Table[int, tuple[int, ...]], key: int, number: int) -> None:
    """Remove an id from those of a key, if it is there, and the key with its last."""
    ids = table.get(key) or ()
    # Halved, not walked through: an account may end a thousand sessions in one commit.
    place = bisect_left(ids, number)
    if ids[place : place + 1] != (number,):
        return
    left = (*ids[:place], *ids[place + 1 :])
    if left:
        table.put(key, left)
    else:
        table.drop(key)
