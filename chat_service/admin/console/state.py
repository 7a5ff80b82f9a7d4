"""What the console shows beside the instances. Pure."""

from dataclasses import dataclass, field

from chat_service.admin.console.lines import Line
from chat_service.admin.console.output import Output


@dataclass(frozen=True, slots=True)
class Running:
    """A command that has not been answered yet."""

    line: str
    # In milliseconds since 1970.
    since_ms: int


@dataclass(slots=True)
class ConsoleState:
    """What keys, commands and news have changed."""

    output: Output = field(default_factory=Output)
    # By their number, in the order of their beginning.
    running: dict[int, Running] = field(default_factory=dict)
    # The port whose log is followed, 0: every log; None: none.
    following: int | None = None
    # What waits for a yes or a no.
    question: str | None = None
    # Whether a stop of everything was asked for here.
    stopping: bool = False
    # What Tab has found; shown until the next key.
    offered: tuple[str, ...] = ()
    # Rows by which the table is scrolled.
    table_top: int = 0

    def scroll_table(self, rows: int) -> None:
        """Move the table; what is drawn keeps it within its ends."""
        self.table_top = max(0, self.table_top + rows)

    def unfollow(self) -> None:
        """Stop following the log."""
        self.following = None
        self.output.append([Line(("class:quiet", "no longer following the log"))])
        self.output.to_end()

    def dismiss(self) -> None:
        """Take the question for answered with no."""
        self.question = None
        self.output.answer([Line("nothing is stopped")])
