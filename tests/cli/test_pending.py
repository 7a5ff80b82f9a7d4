"""`chat_cli.pending`: what waits for an answer."""

from chat_cli.model import ById, User
from chat_cli.pending import JoinRoom, PendingOrder, owner_of


def test_an_owner_is_one_user_of_one_epoch() -> None:
    """The same id is somebody else's in other data; the name does not matter."""
    anna = User("u1", "anna")
    assert owner_of(anna, "e1") == owner_of(User("u1", "anne"), "e1")
    assert len({owner_of(anna, "e1"), owner_of(anna, "e2"), owner_of(User("u2", "a"), "e1")}) == 3


def test_the_password_of_a_room_is_not_shown() -> None:
    """An order may stand in a traceback."""
    assert "sesame" not in repr(PendingOrder("o", JoinRoom(ById("r5"), 50, "sesame")))
