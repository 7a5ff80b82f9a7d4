"""`chat_cli.state`: where one is, what everything is called, who is known."""

from chat_cli.model import ById, ByName, Direct
from chat_cli.orders import enter
from tests.cli.person import (
    DEV,
    WITH_BOB,
    Person,
    connected,
    live,
    opened,
    said,
    signed_in,
)


def test_names_of_the_current_room_come_first() -> None:
    """Then those of other rooms, then those who spoke and went; oneself never."""
    anna = connected()
    anna.told(opened(DEV), live(0, DEV), said(1, "carol", "bye", DEV))
    assert anna.state.known_names() == ["bob", "carol"]
    assert "anna" not in anna.state.known_names()


def test_only_so_many_names_are_remembered() -> None:
    """The oldest is forgotten; somebody who speaks again is young again."""
    anna = Person()
    for number in range(501):
        anna.state.remember_name(f"n{number}")
        anna.state.remember_name("n0")
    names = anna.state.known_names()
    assert len(names) == 500
    assert "n0" in names
    assert "n1" not in names


def test_rooms_are_called_as_people_write_them() -> None:
    """Open or not, public or direct, with or without oneself in the list."""
    anna = connected()
    anna.told(opened(WITH_BOB))
    assert anna.state.label_of(ById("r3")) == "@bob"
    assert anna.state.label_of(ByName("dev")) == "#dev"
    assert anna.state.label_of(Direct(("carol", "Bob", "ANNA"))) == "@Bob,carol"
    assert anna.state.label("r99") == ""


def test_the_way_back_goes_through_the_rooms_one_was_in() -> None:
    """Each room once, the latest last."""
    anna = connected()
    anna.told(opened(DEV), live(0, DEV), opened(WITH_BOB), live(0, WITH_BOB))
    for target in (ByName("dev"), Direct(("bob",)), ByName("lobby"), ByName("dev")):
        enter(anna.state, target)
    assert anna.state.here == "r2"
    anna.state.drop("r2")
    assert anna.state.here == "r1"
    anna.state.drop("r1")
    assert anna.state.here == "r3"


def test_there_is_no_current_room_before_one_is_asked_for() -> None:
    """A text has no target then."""
    anna = Person()
    anna.told(signed_in())
    assert anna.state.current_target() is None
    assert anna.state.current_label() == ""
    enter(anna.state, ByName("lobby"))
    assert anna.state.current_target() == ByName("lobby")
