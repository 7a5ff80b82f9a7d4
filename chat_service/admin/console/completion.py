"""What Tab offers. Pure: a place in a line goes in, words come out."""

from collections.abc import Iterable, Sequence

from chat_service.admin.console.syntax import Argument, Commands, Kind, Place


def offers(
    commands: Commands, place: Place, ports: Sequence[int], names: Iterable[str]
) -> list[str]:
    """Return what the word at the cursor may become; `names` are those of users."""
    words: Iterable[str] = ()
    match place.argument:
        case Argument(kind=Kind.COMMAND):
            words = commands
        case Argument(kind=Kind.PORT, or_all=or_all):
            words = [*map(str, ports), *(["all"] if or_all else [])]
        case Argument(kind=Kind.NAME):
            words = names
    return [word for word in words if word.lower().startswith(place.word.lower())]


def common_beginning(words: Sequence[str]) -> str:
    """Return the longest beginning that all words share, in any case, in the first one's."""
    first = words[0]
    for length in range(len(first), 0, -1):
        if all(word[:length].lower() == first[:length].lower() for word in words):
            return first[:length]
    return ""
