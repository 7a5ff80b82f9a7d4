"""docs/configuration.md is what the table says."""

import subprocess
import sys
from pathlib import Path

import pytest

from chat_service.settings.document import default_words, markdown
from chat_service.settings.setting import Setting
from chat_service.settings.table import SETTINGS

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_page_is_not_stale() -> None:
    """The page in the repository is made of the table as it is now."""
    command = "python -m chat_service.settings > docs/configuration.md"
    assert PAGE.read_text(encoding="utf-8") == markdown(), f"run: {command}"


def test_page_is_printed() -> None:
    """The command in the page makes the page."""
    done = subprocess.run(
        [sys.executable, "-m", "chat_service.settings"], capture_output=True, timeout=60, check=True
    )
    assert done.stdout.decode() == markdown()


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=list(SETTINGS))
def test_every_setting_has_its_row(setting: Setting) -> None:
    """Each setting is told with all that the table has of it, and breaks no row."""
    (row,) = (line for line in markdown().splitlines() if line.startswith(f"| `{setting.key}` |"))
    assert row.count("|") == 7
    for word in (setting.help, setting.kind.words, default_words(setting), setting.flag):
        assert word in row
    assert row.endswith("| ✓ |") == setting.live
