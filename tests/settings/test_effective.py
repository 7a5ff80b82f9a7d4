"""--print-config: a file that asks for what holds."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_service.config import ConfigError
from chat_service.retention import Keep
from chat_service.settings.effective import toml
from chat_service.settings.kinds import Value
from chat_service.settings.measures import Span
from chat_service.settings.sources import effective
from chat_service.settings.table import SETTINGS
from tests.settings import values

keeps = st.builds(
    Keep,
    st.none() | st.integers(1000, 10**14 // 4),
    st.none() | st.integers(1, 10**12),
)


@given(
    asked=values.some(),
    rooms=st.dictionaries(values.NAMES, keeps, max_size=3),
    has_direct=st.booleans(),
)
def test_what_is_printed_asks_for_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    asked: Mapping[str, Value],
    rooms: Mapping[str, Keep],
    has_direct: bool,
) -> None:
    """Started with what was printed, the servers are told the same."""
    path = tmp_path_factory.getbasetemp() / "printed.toml"
    tables = ["[retention.direct]\n"] * has_direct
    for name, keep in rooms.items():
        tables.append(f'[retention.rooms."{name}"]\n')
        if keep.max_age_ms is not None:
            tables.append(f'max_age = "{keep.max_age_ms}ms"\n')
        if keep.max_messages is not None:
            tables.append(f"max_messages = {keep.max_messages}\n")
    path.write_text("".join(tables), encoding="utf-8")
    try:
        first = effective(asked, {}, path)
    except ConfigError:
        # They do not go together.
        return
    path.write_text(toml(first), encoding="utf-8")
    again = effective({}, {}, path)
    assert again.config == first.config
    assert toml(replace(again, given=first.given, rooms=first.rooms)) == toml(first)


@pytest.mark.parametrize("key", SETTINGS)
@settings(max_examples=10)
@given(data=st.data())
def test_each_setting_comes_back(
    tmp_path_factory: pytest.TempPathFactory, key: str, data: Any
) -> None:
    """A value of each setting is printed, with where it comes from, and is read again."""
    setting = SETTINGS[key]
    value = data.draw(values.of(setting.kind))
    try:
        first = effective({key: value}, {})
    except ConfigError:
        return
    path = tmp_path_factory.getbasetemp() / "each.toml"
    printed = toml(first)
    path.write_text(printed, encoding="utf-8")
    again = effective({}, {}, path)
    assert again.given[key].value == value
    assert setting.of(again.config) == value or first.config.transcripts is None


def test_every_setting_is_shown() -> None:
    """Each key is there, as a value or as a remark that it has none."""
    printed = toml(effective({}, {}))
    table = tomllib.loads(printed)
    for key, setting in SETTINGS.items():
        if setting.default is None:
            name = key.rpartition(".")[2]
            pattern = rf"(?m)^# (direct\.)?{name} = … +# default: {re.escape(setting.unset)}$"
            assert re.search(pattern, printed)
        else:
            found: Any = table
            for part in key.split("."):
                found = found[part]
            assert setting.kind.take(found) == setting.default


UNSET = [key for key, setting in SETTINGS.items() if setting.default is None]


PAIR = ["tls.cert", "tls.key"]


@pytest.mark.parametrize("keys", [*[[key] for key in UNSET if key not in PAIR], PAIR, UNSET])
@pytest.mark.parametrize("tables", ["", "[retention.direct]\n", "[retention.rooms.den]\n"])
def test_what_has_no_value_can_be_filled_in(tmp_path: Path, keys: list[str], tables: str) -> None:
    """Its line stands where it would be read, once the mark of a comment is taken away."""
    path = tmp_path / "chat.toml"
    path.write_text(tables, encoding="utf-8")
    # Each under a header of its own, or with dots below that of the table around it.
    table, filled = "", []
    for line in toml(effective({}, {}, path)).splitlines():
        table = line.split()[0].strip("[]") if line.startswith("[") else table
        key = f"{table}.{line.removeprefix('# ').partition(' ')[0]}"
        if line.startswith("# ") and key in keys:
            kind = SETTINGS[key].kind
            value = kind.write(kind.parse("5s" if isinstance(kind, Span) else "5"))
            filled.append(line.removeprefix("# ").replace("…", value))
        else:
            filled.append(line)
    path.write_text("\n".join(filled), encoding="utf-8")
    again = effective({}, {}, path)
    assert [key for key in UNSET if again.given[key].value is not None] == keys


def test_origins_are_shown(tmp_path: Path) -> None:
    """Behind each value stands where it comes from: default, file and line, name, or flag."""
    path = tmp_path / "chat.toml"
    path.write_text("instances = 2\n[retention.rooms.builds]\nmax_age = '1d'\n", encoding="utf-8")
    printed = toml(effective({"port": 7000}, {"CHAT_SERVER_LOG_LEVEL": "debug"}, path))
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert 'host = "127.0.0.1" # default' in lines
    assert f"instances = 2 # {path}:1" in lines
    assert "port = 7000 # --port" in lines
    assert 'level = "debug" # environment CHAT_SERVER_LOG_LEVEL' in lines
    assert f'[retention.rooms."builds"] # {path}:2' in lines
    assert 'max_age = "1d"' in lines
