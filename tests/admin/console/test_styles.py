"""`chat_service.admin.console.styles`: the colours, and the words that go with them."""

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.console.styles import STYLE, sign_and_word


def luminance(colour: str) -> float:
    """Compute the relative luminance of RRGGBB (WCAG 2.2)."""
    linear = []
    for start in (0, 2, 4):
        part = int(colour[start : start + 2], 16) / 255
        linear.append(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_stand_out_from_black_and_from_white() -> None:
    """At least 3.8 to 1 on both."""
    rules = dict(STYLE.style_rules)
    colours = [word for rule in rules.values() for word in rule.split() if word.startswith("#")]
    assert colours
    for colour in colours:
        light = luminance(colour[1:])
        assert (light + 0.05) / 0.05 >= 3.8
        assert 1.05 / (light + 0.05) >= 3.8


def test_every_state_has_its_style() -> None:
    """Named by its word."""
    rules = dict(STYLE.style_rules)
    for state in pb.InstanceState.values():
        sign, word = sign_and_word(state)
        assert len(sign) == 1
        assert word == "unknown" or f"state.{word}" in rules
