"""On which line a key stands."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.settings.lines import lines_of

TEXT = """\
# A file.
host = "::1"

[limits]   # of all
text_bytes = 5
reserved_names = [
    "a",

    "b",
]
topic_bytes = '''
[retention]
'''
name_bytes = 7
[retention.rooms."v1.2"]
max_age = "1d"
[retention]
rooms.lobby = { max_age = "2d",
  max_messages = 5 }
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("host", 2),
        ("limits", 4),
        ("limits text_bytes", 5),
        ("limits reserved_names", 6),
        ("limits topic_bytes", 11),
        ("limits name_bytes", 14),
        ("retention", 15),
        ("retention rooms v1.2", 15),
        ("retention rooms v1.2 max_age", 16),
        ("retention rooms lobby", 18),
    ],
)
def test_line_is_where_the_key_begins(key: str, line: int) -> None:
    """A key is found where it begins, also behind and among values of several lines."""
    text = TEXT.replace('"2d",\n ', '"2d",')
    assert lines_of(text)[tuple(key.split())] == line


values = st.sampled_from(("1", '"x"', '"""a\n\n[b]\n"""', "[\n1,\n2\n]", "{ z = 1 }"))


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("[[rooms]]\na = 1\n[[rooms]]\nb = 1", "rooms", 1),
        ("a.b.c = 1\na.b.d = 2", "a b d", 2),
        ("a.b.c = 1\na.b.d = 2", "a b", 1),
        ("['a b'.c] # [d]\n\"e\" = 1", "a b", 1),
        ("  [ a . b ]\n  c = [\n ]\n  d = 1", "a b d", 4),
        ("a = { b = { c = 1 } }", "a b c", 1),
    ],
)
def test_other_ways_to_write_a_key(text: str, key: str, line: int) -> None:
    """Dotted and quoted keys, arrays of tables and tables in a line are found too."""
    keys = {" ".join(found): at for found, at in lines_of(text).items()}
    assert keys[key] == line


@given(st.lists(st.tuples(values, st.sampled_from(("", "\n", "# more\n\n"))), min_size=1))
def test_every_key_of_any_file(parts: list[tuple[str, str]]) -> None:
    """Each key of a file is found on the line on which it was written."""
    text, written = "", []
    for number, (value, between) in enumerate(parts):
        if number % 3 == 0:
            text += f"[table{number}]\n"
        text += between
        written.append(((f"table{number // 3 * 3}", f"key{number}"), text.count("\n") + 1))
        text += f"key{number} = {value}\n"
    tomllib.loads(text)
    found = lines_of(text)
    assert [found[key] for key, _ in written] == [line for _, line in written]
