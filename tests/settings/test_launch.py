"""Values to a configuration."""

from pathlib import Path

import pytest

from chat_service.config import Transcripts
from chat_service.retention import Keep, Retention
from chat_service.settings.kinds import Value
from chat_service.settings.launch import launch_config
from chat_service.settings.setting import defaults
from chat_service.settings.table import SETTINGS

DEFAULTS: dict[str, Value] = {key: setting.default for key, setting in SETTINGS.items()}


def test_defaults_are_the_defaults() -> None:
    """Where every setting has its default, nothing is changed."""
    assert launch_config(DEFAULTS, {}, has_direct=False) == defaults()


@pytest.mark.parametrize("key", SETTINGS)
def test_each_value_reaches_its_field(key: str) -> None:
    """A value is found in the configuration where the table says that it goes."""
    setting = SETTINGS[key]
    others: dict[str, Value] = {"transcripts.directory": Path("/t")}
    value: Value = object()  # type: ignore[assignment] # nothing looks at it
    if key.startswith("retention."):
        value = 7
    found = launch_config(DEFAULTS | others | {key: value}, {}, has_direct=True)
    assert setting.of(found) is value


def test_transcripts_are_written_only_where_there_is_a_directory() -> None:
    """Sizes alone ask for no transcripts."""
    sizes: dict[str, Value] = {"transcripts.rotate_size": 5}
    assert launch_config(DEFAULTS | sizes, {}, has_direct=False).transcripts is None
    asked = DEFAULTS | sizes | {"transcripts.directory": Path("/t")}
    found = launch_config(asked, {}, has_direct=False).transcripts
    assert found == Transcripts(Path("/t"), rotate_bytes=5)


def test_direct_messages_go_by_their_own_table_or_by_that_of_rooms() -> None:
    """Bounds of their own, be they none, take the place of those of rooms."""
    few: dict[str, Value] = {"retention.max_messages": 5}
    assert launch_config(DEFAULTS | few, {}, has_direct=False).retention.direct is None
    assert launch_config(DEFAULTS | few, {}, has_direct=True).retention.direct == Keep()
    own: dict[str, Value] = {"retention.direct.max_age": 9}
    found = launch_config(DEFAULTS | few | own, {"den": Keep(3)}, has_direct=False).retention
    assert found == Retention(Keep(None, 5), Keep(9), (("den", Keep(3)),))
