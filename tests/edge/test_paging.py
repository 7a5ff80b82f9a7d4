"""Page sizes and page tokens."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.core.errors import Reason, RefusedError
from chat_service.edge.paging import key_of, page_size, token_after


@pytest.mark.parametrize(
    ("asked", "size"),
    [(0, 100), (1, 1), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)],
)
def test_size_of_a_page(asked: int, size: int) -> None:
    """Zero means the default; more than the most is taken as the most."""
    assert page_size(asked) == size


@pytest.mark.parametrize("asked", [-1, -(2**31)])
def test_negative_size_is_refused(asked: int) -> None:
    """A negative size is a mistake of the caller."""
    with pytest.raises(RefusedError) as refused:
        page_size(asked)
    assert refused.value.rejection.reason is Reason.PAGE_INVALID
    assert refused.value.rejection.field == "page_size"


@given(st.text("abc 12", min_size=1), st.text(min_size=1))
def test_token_leads_back_to_its_key(scope: str, key: str) -> None:
    """What a list put into a token it finds there, and another list does not."""
    token = token_after(scope, key)
    assert token.isascii()
    assert key_of(token, scope) == key
    with pytest.raises(RefusedError):
        key_of(token, scope + "3")


def test_no_token_is_the_first_page() -> None:
    """An empty token asks for the beginning."""
    assert key_of("", "rooms") is None


@given(st.text(min_size=1) | st.binary(min_size=1).map(lambda b: base64.b64encode(b).decode()))
def test_foreign_token_is_refused(token: str) -> None:
    """Whatever a token is that no list made, it is refused as one."""
    with pytest.raises(RefusedError) as refused:
        key_of(token, "rooms")
    assert refused.value.rejection.reason is Reason.PAGE_INVALID
    assert refused.value.rejection.field == "page_token"
    assert refused.value.rejection.retry_after_ms == 0


def test_token_without_a_key_is_refused() -> None:
    """A token that says where it belongs but not where to go on is not ours."""
    for content in (b"rooms\n", b"rooms"):
        with pytest.raises(RefusedError):
            key_of(base64.urlsafe_b64encode(content).decode(), "rooms")
