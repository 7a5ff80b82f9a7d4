"""docs/configuration.md, made of the table."""

from collections.abc import Iterator

from chat_service.settings.setting import CONFIG_NAME, PREFIX, Group, Setting
from chat_service.settings.table import GROUPS

HEAD = f"""# Configuration

<!-- Made by `python -m chat_service.settings > docs/configuration.md`. Do not edit. -->

Everything that `chat-server` can be told. A value comes from the last of these that has one:

1. the default,
2. the file: `chat-server --config FILE`, or `{CONFIG_NAME}=FILE`,
3. the environment: `{PREFIX}` and the key in capitals, with `_` for each dot
   (`limits.text_bytes` is `{PREFIX}LIMITS_TEXT_BYTES`),
4. the flag, where there is one.

`chat-server --print-config` shows what holds in the end, and where each value comes from; what it
prints is a file that asks for the same, in which a line that begins with `#` is a setting without
a value, to be filled in. `chat-server --check-config` says whether every value can be used, and
goes with the others, and whether a certificate goes with its key; whether ports are free and
directories can be written to is found by a start alone. Whatever is not known, or cannot be used,
is told with its file and line, or the name in the environment, and nothing starts:

```
$ chat-server --check-config --config chat.toml
chat-server: chat.toml:4: limits.text_byte: not known here; did you mean limits.text_bytes?
chat-server: chat.toml:7: limits.text_lines: not a whole number from 1 to 1000
```

A file is [TOML](https://toml.io). `[limits]` and below it `text_bytes = "8K"` is the key
`limits.text_bytes`. Sizes are numbers of bytes, or text with K, M, G or T (1024, 1024², 1024³,
1024⁴ bytes): `"64K"`. Times are text with ms, s, m, h or d: `"90s"`. Names in a list are
`["ann", "bob"]` in a file, and `ann,bob` in the environment, where an empty text is an empty list;
so are networks, as `["10.0.0.0/8", "::1"]` and `10.0.0.0/8,::1`.
Numbers, sizes, times and text stand in the environment without quotes.

DIR/PORT has the number of the port: `DIR/50051`. With port 0, where the system chooses, it has that
of the place in the row, which stays from start to start: `DIR/ephemeral-1`.

SIGHUP, `reload` in the console and `chat-admin reload` read the file again. What is marked with
✓ below then holds at once, also for those who are connected. The rest is named, by every reload
until it is in force: a server has it when it is started again (`restart PORT`). What has no
table below, and `log.format`, stays as it is until the whole is started again. A file with a
mistake changes nothing, nor does one whose values that hold at once do not go with what servers
that run have until they are restarted: those first, then the others.

Kubernetes puts the addresses of a service called `chat-server` into the environment under names
that begin with `{PREFIX}`, which are not known here: `enableServiceLinks: false` stops that.
"""

ROOMS = """
A room may have bounds of its own, in place of those of `[retention]`; such tables come from the
file alone:

```toml
[retention]
max_age = "30d"
[retention.direct]            # direct messages: no bound
[retention.rooms.builds]      # the room #builds
max_messages = 10_000
```
"""


def markdown() -> str:
    """Return the text of the page."""
    return "".join((HEAD, *(part for group in GROUPS for part in _section(group))))


def _section(group: Group) -> Iterator[str]:
    yield f"\n## {f'[{group.name}]' if group.name else 'Without a table'}\n\n{group.about}\n\n"
    yield "| key | what | value | default | flag | reload |\n|---|---|---|---|---|---|\n"
    for setting in group.settings:
        cells = (
            f"`{setting.key}`",
            setting.help,
            setting.kind.words,
            default_words(setting),
            f"`{setting.flag}`" if setting.flag else "",
            "✓" if setting.live else "",
        )
        yield f"| {' | '.join(cells)} |\n"
    if group.name == "retention":
        yield ROOMS


def default_words(setting: Setting) -> str:
    """Return what holds where nobody gave a value, in Markdown."""
    if setting.default is None:
        return setting.unset
    return setting.default_words or f"`{setting.kind.write(setting.default)}`"
