"""What files are called."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.core.names import is_name, name_key
from chat_service.transcripts import naming

NOON = 1_795_182_648_000
HOSTILE = [
    "../x",
    "..",
    ".",
    "",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "C:",
    "-rf",
    ".hidden",
    "a\0b",
    "\n",
]
names = st.text(max_size=64) | st.text("aA./@%-2fF\u212a\ud800", max_size=8)


def nothing(_: str) -> bool:
    """Find no file."""
    return False


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leads_out_of_the_directory(name: str) -> None:
    """What is not a plain name is percent-encoded, and never hidden or an option."""
    file = naming.file_name(name)
    assert re.fullmatch(r"[A-Za-z0-9_%][A-Za-z0-9_.%-]*\.log|\.log", file)
    assert file != ".log" or not name


def test_known_names() -> None:
    """A valid name stays as it is."""
    assert naming.file_name("lobby") == "lobby.log"
    assert naming.file_name("v1.2-x_Y") == "v1.2-x_Y.log"
    assert naming.file_name("../x") == "%2E.%2Fx.log"
    assert naming.file_name("caf\xe9@%") == "caf%C3%A9%40%25.log"


@given(names)
def test_valid_names_stay_as_they_are(name: str) -> None:
    """All that the core allows is a plain name of a file."""
    if is_name(name, 64):
        assert naming.file_name(name) == f"{name}.log"


@given(names, names)
def test_rooms_never_share_a_file(one: str, other: str) -> None:
    """Not even where a file system takes no notice of case."""
    if naming.file_name(one).lower() == naming.file_name(other).lower():
        assert name_key(one) == name_key(other)


@given(names, names)
def test_file_set_aside_is_never_the_file_of_a_room(one: str, other: str) -> None:
    """No room can be called so that it would take such a file."""
    aside = naming.aside_name(naming.file_name(one), NOON, nothing)
    assert aside.lower() != naming.file_name(other).lower()


def test_files_of_one_moment_sort_after_each_other() -> None:
    """A name that is taken is never given; the next one is later, as text too."""
    taken: list[str] = []
    for _ in range(3):
        taken.append(naming.aside_name("lobby.log", NOON + 999, taken.__contains__))
    assert taken == [
        "lobby@2026-11-20T13-50-48.999Z.log",
        "lobby@2026-11-20T13-50-49.000Z.log",
        "lobby@2026-11-20T13-50-49.001Z.log",
    ]
    assert sorted(taken) == taken


def test_files_set_aside_are_found_in_their_order() -> None:
    """They sort by name; files of other rooms, and other files, are not named."""
    files: list[str] = []
    for time_ms in [NOON] * 11 + [NOON + 1000]:
        files.append(naming.aside_name("a.b.log", time_ms, files.__contains__))
    others = [
        "a.b.log",
        "axb@2026-11-20T13-50-48.000Z.log",
        "a.b@2026-11-20T13-50-48Z.log",
        "a.b@2026.log",
        "a.b@notes.log",
        "lock",
    ]
    assert naming.set_aside("a.b.log", [*reversed(files), *others]) == files
