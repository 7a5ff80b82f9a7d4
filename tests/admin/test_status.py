"""Why something cannot be done, as the status of a call."""

import grpc
import pytest

from chat_service.admin.remote import UNAVAILABLE
from chat_service.admin.status import FIELD, STATUS
from chat_service.link import Refusal


@pytest.mark.parametrize("refusal", [one for one in Refusal if one is not Refusal.NONE])
def test_every_refusal_has_a_status(refusal: Refusal) -> None:
    """Nothing that the launcher refuses is taken for a mistake of ours, or for a success."""
    assert STATUS[refusal] not in (grpc.StatusCode.OK, grpc.StatusCode.INTERNAL)


def test_table_has_nothing_else() -> None:
    """Beside refusals stand only the reasons of this process, and fields are of such."""
    own = {UNAVAILABLE, "MALFORMED", "PAGE_INVALID"}
    assert set(STATUS) == own | set(Refusal) - {Refusal.NONE}
    assert set(FIELD) <= set(STATUS)
