"""Where a room stands: positions that it has not reached are refused."""

import pytest

from chat_service.core.errors import Reason, RefusedError
from chat_service.edge.standing import check_reached
from tests.edge.scene import LOBBY, Scene


@pytest.fixture
def scene() -> Scene:
    """Give a server without clients."""
    return Scene()


@pytest.mark.parametrize(("after_seq", "is_reached"), [(0, True), (2, True), (3, False)])
def test_position_that_no_room_has_reached(scene: Scene, after_seq: int, is_reached: bool) -> None:
    """A position beyond the head is refused, and the refusal says where."""
    alice = scene.joins("alice")
    for number in range(2):
        scene.says(alice, f"{number}")
    if is_reached:
        check_reached(scene.hub, LOBBY, after_seq)
        return
    with pytest.raises(RefusedError) as refused:
        check_reached(scene.hub, LOBBY, after_seq, "after_seq")
    rejection = refused.value.rejection
    assert (rejection.reason, rejection.field) == (Reason.SEQ_OUT_OF_RANGE, "after_seq")
    assert rejection.metadata == (("room_id", "r1"),)
