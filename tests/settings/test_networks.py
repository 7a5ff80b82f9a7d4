"""Networks as values of settings."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.settings.kinds import BadValueError
from chat_service.settings.networks import MAX_NETWORKS, Networks
from tests.settings.values import NETWORKS

KIND = Networks()


@given(st.lists(NETWORKS, unique=True).map(tuple))
def test_what_is_written_is_read(value: tuple[str, ...]) -> None:
    """A value survives the file, and the environment."""
    assert KIND.take(tomllib.loads(f"x = {KIND.write(value)}")["x"]) == value
    assert KIND.parse(",".join(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10.0.0.0/8, 192.0.2.7", ("10.0.0.0/8", "192.0.2.7/32")),
        ("2001:DB8::/32,::1", ("2001:db8::/32", "::1/128")),
        ("10.0.0.0/255.0.0.0", ("10.0.0.0/8",)),
        ("::1,::1", ("::1/128",)),
        ("", ()),
    ],
)
def test_forms(text: str, value: tuple[str, ...]) -> None:
    """Each network is written in one way, once; an address is a network of one."""
    assert KIND.parse(text) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("home", "'home' is none"),
        ("10.0.0.0/33", "is none"),
        ("10.0.0.0/8,,::1", "'' is none"),
        ("fe80::1%eth0", "is none"),
        ("10.1.2.3/8", "10.1.2.3/8 is an address in 10.0.0.0/8"),
        ('["::1"]', "here with commas alone"),
    ],
)
def test_slips(text: str, why: str) -> None:
    """Whatever is no list of networks is refused, and said what of it is wrong."""
    with pytest.raises(BadValueError, match="not a list of at most 100 networks") as error:
        KIND.parse(text)
    assert why in str(error.value)


@pytest.mark.parametrize("value", ["10.0.0.0/8", [10], 10, None, ["::1"] * (MAX_NETWORKS + 1)])
def test_values_of_a_file_that_are_none(value: object) -> None:
    """In a file it is a list of texts, not too long."""
    with pytest.raises(BadValueError, match="networks"):
        KIND.take(value)
