"""All rows of the screen but the line that is typed on. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from os.path import dirname

from prompt_toolkit.utils import get_cwidth

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.console.lines import Fragments, cut, pad, width_of
from chat_service.admin.console.state import ConsoleState
from chat_service.admin.console.table import table
from chat_service.admin.console.units import count, duration
from chat_text.sanitize import sanitize

MIN_COLUMNS, MIN_ROWS = 40, 11
"""Smaller than this, only the title and the command line are shown."""

# Rows that the table leaves to answers, at least; where there are many, two in five.
_ANSWER_ROWS = 4
# On fewer rows than this, an instance takes one of them, whatever is wrong with it.
_SHORT = 20
# Commands under way that are shown.
_RUNNING_ROWS = 2


@dataclass(frozen=True, slots=True)
class Scene:
    """What is to be seen at one moment."""

    state: ConsoleState
    instances: Sequence[pb.Instance]
    stopping: bool
    # Milliseconds since 1970.
    now_ms: int
    # Of the clock on the wall; None: that of the machine.
    zone: tzinfo | None = None


def above(scene: Scene, columns: int, rows: int) -> list[Fragments]:
    """Return exactly the rows above the command line, which has one row, its hint another."""
    height = max(0, rows - 2)
    if columns < MIN_COLUMNS or rows < MIN_ROWS:
        return _small(scene, columns, rows, height)
    tail = _running(scene, columns)
    # Title, header, totals and rule are always there.
    budget = height - 4
    room = budget - max(_ANSWER_ROWS, budget * 2 // 5)
    shown, note = _table(scene, columns, room, rows < _SHORT)
    pane_height = height - 2 - len(shown) - len(tail)
    pane = scene.state.output.view(columns, pane_height)
    moved = [("Ctrl+↑↓", note)] if note else []
    if pane.above or pane.below:
        hidden = [f"{pane.above} above"] if pane.above else []
        hidden += [f"{pane.below} below"] if pane.below else []
        moved.append(("PgUp PgDn", ", ".join(hidden)))
    blank: list[Fragments] = [[]] * (pane_height - len(pane.rows))
    return [_title(scene, columns), *shown, _rule(scene, moved, columns), *pane.rows, *blank, *tail]


def hint_row(scene: Scene, usage: str, summary: str, columns: int) -> Fragments:
    """Return the row below the command line: how the command on it goes on, or what there is."""
    row: Fragments
    if scene.state.question:
        row = [("", "y and Enter: yes. Enter alone, or Esc: no.")]
    elif scene.state.offered:
        row = [("", _offered(scene.state.offered, columns - 2))]
    elif usage or summary:
        row = [("class:hint.usage", usage), ("", "  " if usage else ""), ("", sanitize(summary))]
    elif scene.state.following is not None:
        row = [("", "Esc stops following the log")]
    elif scene.stopping:
        row = [("", "Ctrl+C makes it quick")]
    else:
        row = [("", "Type help · Tab completes · Ctrl+C stops everything")]
    return _bar([("", " "), *row], columns, "class:hint")


def _small(scene: Scene, columns: int, rows: int, height: int) -> list[Fragments]:
    said: Fragments = [("class:quiet", f"too small: {columns} by {rows}")]
    if scene.state.question:
        said = [("class:question", scene.state.question)]
    filled = [_title(scene, columns), cut(said, columns), *[[]] * height]
    return filled[:height]


def _title(scene: Scene, columns: int) -> Fragments:
    serving = [one for one in scene.instances if one.state == pb.INSTANCE_STATE_SERVING]
    row: Fragments = [("class:title.name", " chat-server")]
    if scene.stopping:
        row.append(("class:title.stopping", "  stopping; Ctrl+C again makes it quick"))
    further = [f"  {len(serving)} of {len(scene.instances)} serving"]
    if serving and not scene.stopping:
        further.append(f"  up {duration(scene.now_ms - min(one.since_ms for one in serving))}")
    for text in further:
        if width_of(row) + len(text) <= columns:
            row.append(("", text))
    directory = f"{_directory(scene.instances)} "
    room = columns - width_of(row)
    if get_cwidth(directory) + 2 <= room:
        row.append(("", pad(directory, room, right=True)))
    return _bar(row, columns, "class:title")


def _directory(instances: Sequence[pb.Instance]) -> str:
    parents = {dirname(one.data_directory) for one in instances}
    return sanitize(parents.pop()) if len(parents) == 1 else ""


def _table(scene: Scene, columns: int, budget: int, short: bool) -> tuple[list[Fragments], str]:
    """Return the rows of the table, and which instances they are if not all."""
    laid = table(scene.instances, columns, scene.now_ms, scene.zone, short)
    rows = [(number, row) for number, rows in enumerate(laid.body, 1) for row in rows]
    top = scene.state.table_top = min(scene.state.table_top, max(0, len(rows) - budget))
    shown = rows[top : top + budget]
    note = ""
    if len(shown) < len(rows):
        note = f"instances {shown[0][0]} to {shown[-1][0]} of {len(laid.body)}"
    total = [laid.total] if len(laid.body) > 1 else []
    return [cut(row, columns) for row in (laid.header, *(row for _, row in shown), *total)], note


def _rule(scene: Scene, moved: Sequence[tuple[str, str]], columns: int) -> Fragments:
    following = scene.state.following
    log = [] if following is None else [f"following {following or 'all logs'}"]
    parts = [*log, *(f"{what} ({keys})" for keys, what in moved)]
    if sum(len(part) + 3 for part in parts) >= columns:
        # Who has scrolled once knows the keys.
        parts = [*log, *(what for _, what in moved)]
    text = "─" + "".join(f" {part} ─" for part in parts)
    return cut([("class:rule", text + "─" * max(0, columns - len(text)))], columns)


def _running(scene: Scene, columns: int) -> list[Fragments]:
    state = scene.state
    rows: list[Fragments] = []
    under_way = list(state.running.values())
    for number, running in enumerate(under_way[:_RUNNING_ROWS], 1):
        took = duration(scene.now_ms - running.since_ms)
        more = len(under_way) - number if number == _RUNNING_ROWS else 0
        others = f", and {count(more, 'other')}" if more else ""
        rows.append([("class:running", f"… {sanitize(running.line)}: {took}{others}")])
    if state.question:
        rows.append([("class:question", state.question)])
    return [cut(row, columns) for row in rows]


def _offered(words: Sequence[str], width: int) -> str:
    text = ""
    for place, word in enumerate(words):
        rest = f"  … {len(words) - place} more"
        longer = f"{text}  {sanitize(word)}" if text else sanitize(word)
        if len(longer) + len(rest) > width and len("  ".join(words)) > width:
            return text + rest
        text = longer
    return text


def _bar(row: Fragments, columns: int, style: str) -> Fragments:
    """Fill a row to its end, so that its style reaches from side to side."""
    row = cut(row, columns)
    filled = [*row, ("", " " * (columns - width_of(row)))]
    return [(f"{style} {own}", text) for own, text in filled]
