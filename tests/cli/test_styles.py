"""`chat_cli.styles`: colours that can be read on dark and on light."""

import pytest

from chat_cli.styles import NAME_COLOURS, STYLE, name_class


def luminance(colour: str) -> float:
    """Give the relative luminance of `#rrggbb` (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", NAME_COLOURS)
def test_names_are_readable_on_black_and_on_white(colour: str) -> None:
    """The contrast is at least 4 to 1 on both."""
    light = luminance(colour)
    assert 1.05 / (light + 0.05) >= 4
    assert (light + 0.05) / 0.05 >= 4


def test_a_name_has_one_colour() -> None:
    """The same in any case and in every process; different names share the palette out."""
    assert name_class("Bob") == name_class("bob")
    assert name_class("bob") == "class:name-8"
    assert len({name_class(f"user{number}") for number in range(200)}) == len(NAME_COLOURS)


def test_every_style_can_be_parsed() -> None:
    """The sheet has no word that prompt_toolkit does not know."""
    for number in range(len(NAME_COLOURS)):
        attributes = STYLE.get_attrs_for_style_str(f"class:name-{number}")
        assert attributes.bold
        assert attributes.color
