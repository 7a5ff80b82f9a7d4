"""The plot."""

import xml.etree.ElementTree as ET

from bench.plot import BAR_WIDTH, OURS, Bar, Panel, svg

SPACE = "{http://www.w3.org/2000/svg}"
PANEL = Panel("speed & more", (Bar("ours", 2.0, 1.0, 4.0, True), Bar("<b>", 1.0, 1.0, 1.0, False)))


def test_bars_are_to_scale() -> None:
    """The greatest round of all fills the width; each bar is as long as its median."""
    root = ET.fromstring(svg([[PANEL]]))
    _, ours, theirs = root.iter(f"{SPACE}rect")
    assert float(ours.attrib["width"]) == BAR_WIDTH / 2
    assert float(theirs.attrib["width"]) == BAR_WIDTH / 4
    assert (ours.attrib["fill"] == OURS, theirs.attrib["fill"] == OURS) == (True, False)


def test_every_text_is_shown_as_it_is() -> None:
    """Titles, names and medians are there, whatever characters they have."""
    shown = [text.text for text in ET.fromstring(svg([[PANEL]])).iter(f"{SPACE}text")]
    assert shown == ["speed & more", "ours", "2.00", "<b>", "1.00"]


def test_panels_do_not_overlap() -> None:
    """Panels of a row are side by side, rows below each other, all inside the picture."""
    root = ET.fromstring(svg([[PANEL, PANEL], [PANEL]]))
    titles = [text for text in root.iter(f"{SPACE}text") if text.text == PANEL.title]
    places = [(float(text.attrib["x"]), float(text.attrib["y"])) for text in titles]
    (left, top), (right, same), (below_left, below) = places
    assert (left, top) == (below_left, same)
    assert left < right < float(root.attrib["width"])
    assert top + PANEL.height <= below < float(root.attrib["height"])


def test_nothing_measured_is_an_empty_bar() -> None:
    """A figure of zero gives no division by zero."""
    assert ET.fromstring(svg([[Panel("none", (Bar("a", 0.0, 0.0, 0.0, True),))]])) is not None
