"""The command `chat-server`: reads its options and starts the launcher."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, NoReturn

from chat_service.config import ConfigError
from chat_service.settings.changes import changes, check_meanwhile
from chat_service.settings.effective import toml
from chat_service.settings.kinds import BadValueError, Count, Directory, File, Switch, Value
from chat_service.settings.measures import Size, Span
from chat_service.settings.setting import CONFIG_NAME, PREFIX, Setting
from chat_service.settings.sources import Effective, effective, effective_again
from chat_service.settings.table import SETTINGS

USAGE_STATUS = 2


class Arguments(NamedTuple):
    """What the command line says."""

    # The settings that have a flag on it, by key.
    flags: Mapping[str, Value]
    config: Path | None
    print_config: bool
    check_config: bool

    def read(self, environment: Mapping[str, str]) -> Effective:
        """Return what holds, with the files as they are now. Raises ConfigError."""
        return _with_certificate(effective(self.flags, environment, self.config))

    def read_again(self, environment: Mapping[str, str]) -> Effective:
        """Return what holds now, for a launch that runs. Raises ConfigError."""
        return _with_certificate(effective_again(self.flags, environment, self.config))


def _with_certificate(found: Effective) -> Effective:
    """See that the certificate can be used that is named, if one is. Raises ConfigError."""
    files = found.config.tls.given
    if files is None:
        return found
    # Late: it needs OpenSSL, and most have none to read.
    from chat_service.certificates import read_pair

    tls = replace(found.config.tls, fingerprint=read_pair(files).fingerprint)
    return replace(found, config=replace(found.config, tls=tls))


class _Parser(argparse.ArgumentParser):
    """Answers a bad value in one line; the whole usage is for --help."""

    def error(self, message: str) -> NoReturn:
        """Leave with status 2."""
        line = message.removeprefix("argument ").replace("\n", " ")
        self.exit(USAGE_STATUS, f"{self.prog}: {line} (see {self.prog} --help)\n")


def read_arguments(arguments: Sequence[str]) -> Arguments:
    """Return what the command line says; leave with one line where it makes no sense."""
    parser = _Parser(
        prog="chat-server",
        description="Start chat servers, each with its own port and data, and keep them running.",
        epilog="Every other setting, of which there are many, is told in the file or by the "
        f"environment ({PREFIX}…): see --print-config and docs/configuration.md.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=None,
        metavar="FILE",
        help=f"a TOML file of settings (default: {CONFIG_NAME} of the environment, or none)",
    )
    parser.add_argument(
        "--print-config",
        action="store_true",
        default=False,
        help="show every setting and where its value comes from, as such a file, and leave",
    )
    parser.add_argument(
        "--check-config",
        action="store_true",
        default=False,
        help="say whether these settings can be used, and leave; a certificate is looked at, ports "
        "and directories are not",
    )
    for setting in SETTINGS.values():
        if setting.flag:
            _add(parser, setting)
    parser.add_argument(
        "--version", action="store_true", default=False, help="show the version and leave"
    )
    options = vars(parser.parse_args(arguments))
    if options.pop("version"):
        # Here, because it takes as long to import as all the rest.
        from importlib import metadata

        print(parser.prog, metadata.version("durable-chat"))
        parser.exit()
    return Arguments(
        config=options.pop("config"),
        print_config=options.pop("print_config"),
        check_config=options.pop("check_config"),
        flags=options,
    )


def _add(parser: argparse.ArgumentParser, setting: Setting) -> None:
    # A percent sign begins something for argparse.
    words = (setting.flag_help or setting.help).replace("`", "").replace("%", "%%")
    if isinstance(setting.kind, Switch):
        parser.add_argument(
            setting.flag,
            dest=setting.key,
            action="store_const",
            const=not setting.default,
            help=words,
        )
        return
    default = setting.unset
    if setting.default is not None:
        default = setting.kind.write(setting.default).strip('"')
    parser.add_argument(
        setting.flag,
        dest=setting.key,
        type=_reader(setting),
        metavar=_placeholder(setting),
        help=f"{words} (default: {default.replace('%', '%%')})",
    )


def _placeholder(setting: Setting) -> str:
    name = setting.key.rpartition(".")[2]
    match setting.kind:
        case File():
            return "FILE"
        case Directory():
            return "DIR"
        case Size():
            return "SIZE"
        case Span():
            return "TIME"
        case Count() if name != "port":
            return "N"
    return name.upper()


def _reader(setting: Setting) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        try:
            return setting.kind.parse(text)
        except BadValueError as error:
            raise argparse.ArgumentTypeError(f"{text}: {error}") from None

    return read


def main(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> int:
    """Run the servers until a signal ends them; return the exit status.

    0: stopped as asked. 1: an instance cannot start. 2: a bad value (some by SystemExit).
    """
    asked = read_arguments(sys.argv[1:] if arguments is None else arguments)
    try:
        found = asked.read(environment)
    except ConfigError as error:
        for problem in error.problems:
            print(f"chat-server: {problem}", file=sys.stderr)
        return USAGE_STATUS
    if asked.print_config:
        print(toml(found), end="")
        return 0
    if asked.check_config:
        print("chat-server: this configuration can be used")
        return 0
    config = found.config
    if sys.platform == "win32":
        print("chat-server: runs on Linux and macOS; chat-cli runs here too", file=sys.stderr)
        return 1
    from chat_service.launcher import run

    if not config.is_private and config.certificate is None:
        print(
            f"chat-server: warning: other machines can reach {config.host}, "
            "and nothing is encrypted",
            file=sys.stderr,
        )
    return run(config, lambda: asked.read_again(environment).config, changes, check_meanwhile)
