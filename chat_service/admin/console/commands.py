"""The table of commands. Parsing, help, hints and completion all come from it."""

from chat_service.admin.console import actions
from chat_service.admin.console.actions import Answer, Desk
from chat_service.admin.console.answers import error
from chat_service.admin.console.lines import Line, pad
from chat_service.admin.console.syntax import Argument, Command, Kind, Order, unknown

_PORT = Argument(Kind.PORT)
_ANY_PORT = Argument(Kind.PORT, optional=True)


async def _help(_: Desk, order: Order) -> Answer:
    command = COMMANDS.get(order.name.lower())
    if command:
        lines = [Line(("class:header", command.usage)), Line(command.summary)]
        return [*lines, *([Line(command.detail)] if command.detail else [])]
    if order.name:
        return [error(unknown(COMMANDS, order.name))]
    width = max(len(command.usage) for command in COMMANDS.values()) + 2
    return [
        *(
            Line(("class:header", pad(command.usage, width)), command.summary, indent=width)
            for command in COMMANDS.values()
        ),
        *(Line(("class:header", pad(keys, width)), does, indent=width) for keys, does in KEYS),
    ]


KEYS = (
    ("Tab", "complete a command, a port, a name"),
    ("Up, Down", "earlier lines; what is typed first chooses among them"),
    ("PgUp, PgDn", "move through the answers"),
    ("Ctrl+Up, Ctrl+Down", "move through the table"),
    ("Esc", "stop following the log"),
    ("Ctrl+C", "clear the line; on an empty one stop everything, pressed again quickly"),
    ("Ctrl+D", "shutdown"),
)

COMMANDS = {
    command.name: command
    for command in (
        Command(
            "start",
            (Argument(Kind.PORT, optional=True, new=True),),
            "start an instance, new or stopped",
            actions.start,
            "Without PORT it listens on the port after the highest.",
        ),
        Command(
            "stop",
            (Argument(Kind.PORT, or_all=True),),
            "let the clients go and stop an instance",
            actions.stop,
            "Its data stays, and it can be started again.",
        ),
        Command("restart", (_PORT,), "stop an instance and start it again", actions.restart),
        Command("list", (), "the instances, their processes and data", actions.instances),
        Command("users", (_ANY_PORT,), "who is there", actions.users),
        Command("rooms", (_ANY_PORT,), "the public rooms", actions.rooms),
        Command(
            "say",
            (_ANY_PORT, Argument(Kind.TEXT)),
            "show everybody a notice",
            actions.say,
            "Without PORT, or with 0, on all instances.",
        ),
        Command(
            "kick",
            (_PORT, Argument(Kind.NAME), Argument(Kind.REASON, optional=True)),
            "end all sessions of a user",
            actions.kick,
            "The user is told the reason. A guest's name is free at once.",
        ),
        Command(
            "owner-code",
            (_PORT,),
            "make a one-time code for an admin",
            actions.owner_code,
            "Whoever registers with it becomes one. The code before it is void.",
        ),
        Command(
            "logs",
            (_ANY_PORT,),
            "follow the log; once more ends it",
            actions.logs,
            "Esc and Ctrl+C end it too.",
        ),
        Command("stats", (_ANY_PORT,), "the last minutes at a glance", actions.stats),
        Command("open", (_PORT,), "how a client connects", actions.open_client),
        Command(
            "reload",
            (),
            "read the configuration again",
            actions.reload,
            "What can change without a restart holds at once; the rest is named.",
        ),
        Command(
            "help", (Argument(Kind.COMMAND, optional=True),), "this list, or one command", _help
        ),
        Command(
            "shutdown",
            (),
            "stop everything; asks if people are connected",
            actions.shutdown,
        ),
    )
}
"""The commands by their names, in the order of the help."""
