"""Entries as styled lines. Pure: the time zone and the moment are passed in.

Every fragment that leaves this module has gone through `sanitize`, ours as well as theirs, so
no call can forget it. Styles are class names of `styles.STYLE`; remote text never becomes one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from chat_cli.durations import until
from chat_cli.entries import (
    Announcement,
    Deed,
    Entry,
    Happening,
    History,
    Listing,
    Movement,
    Names,
    Note,
    NotSent,
    Spoken,
    Struck,
    TopicLine,
)
from chat_text.sanitize import sanitize, sanitize_lines

Fragments = list[tuple[str, str]]

# The mark of what the server has stored.
MARK = "✓"
_FAILED = "✗"
_BULLET = "·"
_DELETED = "(message deleted)"
_OPERATOR = "-- the operator: "
# Width of "08:01 ": what folded lines and further lines of a text are indented by.
_INDENT = 6
# Columns that the cells of a table are aligned to, at most: windows are 80 columns wide.
_COLUMN = 30


@dataclass(frozen=True, slots=True)
class Line:
    """One line before it is folded to a width; folded parts are indented by `indent` columns.

    `of` is the message that it is a line of, if it is one.
    """

    fragments: Fragments
    indent: int = _INDENT
    of: Spoken | None = None

    @property
    def text(self) -> str:
        """The line without its styles."""
        return "".join(text for _, text in self.fragments)


@dataclass(slots=True)
class Renderer:
    """Makes lines of entries and remembers the day, to draw a line when it changes.

    `zone` None is the local one; `name_style` gives the style class of a name.
    """

    zone: tzinfo | None
    day: date
    name_style: Callable[[str], str]

    def lines(self, entry: Entry, now_ms: int) -> list[Line]:
        """Give the lines of an entry, a date line before them if the day has changed."""
        match entry:
            case Spoken() | Struck() | TopicLine() | Deed():
                return [*self._day_line(entry.time_ms), *self._event(entry, now_ms)]
            case Movement():
                return [self._movement(entry, now_ms)]
            case Note():
                return self._note(entry, now_ms)
            case Announcement(text):
                return self._announcement(text, now_ms)
            case NotSent():
                return self._not_sent(entry, now_ms)
            case Listing(title, ()) | Listing(title, []):
                # What follows is what can be done with one of them.
                return [self._title(f"{title.partition(';')[0]}: none", now_ms)]
            case Listing(title, rows):
                return [self._title(title, now_ms), *_table(rows)]
            case Names(title, names):
                text = f"{_BULLET} {title}: {', '.join(names) or 'nobody'}"
                return [_line([self._time(now_ms), (_class("plain"), text)])]
            case History(title, entries):
                return self._history(title, entries, now_ms)

    def struck(self, entry: Spoken) -> list[Line]:
        """Give what stands for a message that was shown and is deleted now."""
        place, name = entry.place, entry.author
        return self._event(Struck(place, entry.time_ms, name, entry.bot), entry.time_ms)

    def until(self, until_ms: int, now_ms: int) -> str:
        """Say until when something holds."""
        return until(until_ms, now_ms, self.zone)

    def _event(self, entry: Happening, now_ms: int) -> list[Line]:
        head = [self._time(entry.time_ms), *_place(entry.place)]
        match entry:
            case Spoken():
                return self._spoken(entry, head)
            case Struck(author=name, bot=bot):
                gone = (_class("quiet"), f": {_DELETED}")
                return [_line([*head, self._author(name), *_bot(bot), gone])]
            case TopicLine(author=name, topic=topic):
                what = f" set the topic: {topic}" if topic else " removed the topic"
            case Deed(actor=name):
                what = f" {entry.what}{self._circumstances(entry, now_ms)}"
        return [_line([*head, (_class("plain"), f"{_BULLET} "), self._author(name), ("", what)])]

    def _circumstances(self, entry: Deed | Note, now_ms: int) -> str:
        """Say until when, and why."""
        end = f" {self.until(entry.until_ms, now_ms)}" if entry.until_ms else ""
        return f"{end}: {entry.reason}" if entry.reason else end

    def _author(self, name: str) -> tuple[str, str]:
        return (self.name_style(name), name)

    def _spoken(self, entry: Spoken, head: Fragments) -> list[Line]:
        if entry.numbered:
            head.insert(1, (_class("number"), f"{entry.where[1]} "))
        author, bot = self._author(entry.author), _bot(entry.bot)
        body = _class("mention") if entry.mention else ""
        first, *more = sanitize_lines(entry.text)
        if entry.action:
            star, what = (_class("action"), "* "), (_class("action"), f" {first}")
            start = [*head, star, author, *bot, what]
        else:
            start = [*head, author, *bot, ("", ": "), (body, first)]
        drawn = [start, *([_blank(), (body, line)] for line in more)]
        if entry.own:
            drawn[-1].append((_class("mark"), f"\u00a0{MARK}"))
        return [Line(safe(fragments), of=entry) for fragments in drawn]

    def _note(self, entry: Note, now_ms: int) -> list[Line]:
        style = _class(entry.tone.value)
        first, *more = sanitize_lines(entry.text + self._circumstances(entry, now_ms))
        head = _line([self._time(now_ms), (style, f"{_BULLET} {first}")])
        return [head, *(_line([_blank(), (style, f"  {line}")], _INDENT + 2) for line in more)]

    def _announcement(self, text: str, now_ms: int) -> list[Line]:
        style = _class("announcement")
        first, *more = sanitize_lines(text)
        head = _line([self._time(now_ms), (style, f"{_OPERATOR}{first}")])
        return [head, *(_line([_blank(), (style, f"   {line}")], _INDENT + 3) for line in more)]

    def _movement(self, entry: Movement, now_ms: int) -> Line:
        parts = []
        if entry.came:
            parts.append(f"{_gathered(entry.came)} joined")
        if entry.went:
            parts.append(f"{_gathered(entry.went)} left")
        text = f"{_BULLET} {', '.join(parts)}"
        return _line([self._time(now_ms), *_place(entry.place), (_class("quiet"), text)])

    def _not_sent(self, entry: NotSent, now_ms: int) -> list[Line]:
        first, *more = sanitize_lines(entry.text)
        head = [self._time(now_ms), (_class("failed"), f"{_FAILED} not sent: "), ("", first)]
        reason = _line([_blank(), (_class("warning"), f"  {entry.reason}")], _INDENT + 2)
        lines = [
            [head[0], *_place(entry.place), *head[1:]],
            *([_blank(), ("", line)] for line in more),
        ]
        return [*(_line(fragments) for fragments in lines), reason]

    def _history(self, title: str, entries: Iterable[Happening], now_ms: int) -> list[Line]:
        day = self.day
        lines = [self._title(title, now_ms)]
        for entry in entries:
            lines += self.lines(entry, now_ms)
        self.day = day
        lines.append(_line([self._time(now_ms), (_class("title"), f"{_BULLET} end of history")]))
        return lines

    def _title(self, title: str, now_ms: int) -> Line:
        return _line([self._time(now_ms), (_class("title"), f"{_BULLET} {title}")])

    def _day_line(self, time_ms: int) -> list[Line]:
        day = self._moment(time_ms).date()
        if day == self.day:
            return []
        self.day = day
        return [_line([(_class("day"), f"── {day:%A} {day.day} {day:%B %Y} ──")])]

    def _time(self, time_ms: int) -> tuple[str, str]:
        return (_class("time"), f"{self._moment(time_ms):%H:%M} ")

    def _moment(self, time_ms: int) -> datetime:
        return moment(time_ms).astimezone(self.zone)


def moment(time_ms: int) -> datetime:
    """Give a point in time; one outside of the calendar, which only a bug can send, as 1970."""
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def safe(fragments: Iterable[tuple[str, str]]) -> Fragments:
    """Sanitize the texts of fragments, each as one line."""
    return [(style, sanitize(text)) for style, text in fragments]


def _line(fragments: Iterable[tuple[str, str]], indent: int = _INDENT) -> Line:
    return Line(safe(fragments), indent)


def _class(name: str) -> str:
    return f"class:{name}"


def _blank() -> tuple[str, str]:
    return ("", " " * _INDENT)


def _place(label: str) -> Fragments:
    return [(_class("place"), f"{label} ")] if label else []


def _bot(bot: bool) -> Fragments:
    """Mark a name as that of a program."""
    return [(_class("quiet"), " (bot)")] if bot else []


def _gathered(names: tuple[str, ...]) -> str:
    """Name up to five people, and count the others."""
    shown = names if len(names) <= 6 else names[:5]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _table(rows: Iterable[Iterable[str]]) -> list[Line]:
    """Align all cells but the last of each row; one that is very wide moves its own row only."""
    cells = [[sanitize(cell) for cell in row] for row in rows]
    widths: dict[int, int] = {}
    for row in cells:
        for column, cell in enumerate(row[:-1]):
            fits = len(cell) <= _COLUMN
            widths[column] = max(widths.get(column, 0), len(cell) if fits else 0)
    lines = []
    for row in cells:
        padded = [f"{cell:<{widths[column]}}  " for column, cell in enumerate(row[:-1])]
        indent = _INDENT + sum(widths[column] + 2 for column in range(len(padded)))
        lines.append(_line([_blank(), ("", "".join(padded) + row[-1])], indent))
    return lines
