"""The colours of the console, for dark and for light terminals.

Each colour has a relative luminance near 0.18, so that it stands out from black and from
white alike; and none says anything alone: a state has its word and its sign too. With
NO_COLOR in the environment prompt_toolkit draws bold and dim only.
"""

from prompt_toolkit.styles import Style

from chat_protos.chat.v1 import admin_pb2 as pb

_GREEN = "#008539"
_RED = "#d0402f"
_ORANGE = "#b35c00"
_BLUE = "#007bb8"

STYLE = Style.from_dict(
    {
        "title": "reverse",
        "title.name": "bold",
        "title.stopping": f"{_ORANGE} bold",
        "header": "bold",
        "quiet": "dim",
        "total": "bold",
        "rule": "dim",
        "problem": _RED,
        "error": f"{_RED} bold",
        "log.debug": "dim",
        "log.warning": _ORANGE,
        "log.error": _RED,
        "log.critical": f"{_RED} bold",
        "echo": f"{_BLUE} bold",
        "question": "bold",
        "running": _ORANGE,
        "prompt": "bold",
        "hint": "reverse",
        "hint.usage": "bold",
        "spark": _GREEN,
        "state.serving": _GREEN,
        "state.starting": _BLUE,
        "state.waiting": f"{_RED} bold",
        "state.stopping": _ORANGE,
        "state.stopped": "bold",
    }
)

_STATES: dict[int, tuple[str, str]] = {
    pb.INSTANCE_STATE_STARTING: ("◐", "starting"),
    pb.INSTANCE_STATE_SERVING: ("●", "serving"),
    pb.INSTANCE_STATE_WAITING: ("▲", "waiting"),
    pb.INSTANCE_STATE_STOPPING: ("◑", "stopping"),
    pb.INSTANCE_STATE_STOPPED: ("○", "stopped"),
}


def sign_and_word(state: int) -> tuple[str, str]:
    """Return the sign and the word of a pb.InstanceState; `class:state.WORD` is its style."""
    return _STATES.get(state, ("?", "unknown"))
