"""Answers where there is no screen: from files that a script names, else from the terminal.

Secrets come by no other way: a command line and an environment can be read by others.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from chat_cli import echo
from chat_cli.errors import NobodyError, UnansweredError
from chat_cli.ports import Questions, Secret
from chat_text.sanitize import sanitize

# Bytes of a file that is one secret; one that is longer is another file.
_LARGEST = 4096
STDIN = "-"


OPTIONS = {
    Secret.PASSWORD: "--password-file",
    Secret.NEW_PASSWORD: "--new-password-file",
    Secret.CODE: "--code-file",
    Secret.TOKEN: "--token-file",
}
"""By which option of the command line a secret comes."""


class AnswerFileError(UnansweredError):
    """A file of a secret cannot be used."""


class TerminalQuestions:
    """Asks on the terminal of the process. Obeys `ports.Questions`."""

    async def answer(self, question: str, secret: Secret | None = None) -> str:
        """Ask, and wait for Enter. Raises UnansweredError."""
        return await echo.ask(sanitize(question), hidden=secret is not None)

    def close(self) -> None:
        """Do nothing."""


class FiledQuestions:
    """Answers from secrets that were in files, and asks where there is none.

    A password is given once: asked for again, it was wrong. Where nobody can be asked the `options`
    that the program has are told. Obeys `ports.Questions`.
    """

    def __init__(
        self,
        secrets: Mapping[Secret, str],
        otherwise: Callable[[], Questions],
        options: Mapping[Secret, str] = OPTIONS,
    ) -> None:
        self._options = options
        self._secrets = dict(secrets)
        self._begin = otherwise
        self._others: Questions | None = None
        self._given = False

    async def answer(self, question: str, secret: Secret | None = None) -> str:
        """Give the secret of this kind, or ask. Raises UnansweredError."""
        wrong = self._given and secret is Secret.PASSWORD
        if secret in self._secrets and not wrong:
            self._given = secret is Secret.PASSWORD
            return self._secrets[secret]
        self._others = self._others or self._begin()
        try:
            return await self._others.answer(question, secret)
        except NobodyError as error:
            if wrong:
                raise UnansweredError("the password in the file is wrong") from None
            option = self._options.get(secret) if secret else None
            if secret is None or option is None:
                raise
            hint = f"{error}: give {secret.value} with {option} FILE"
            raise UnansweredError(hint) from None

    def close(self) -> None:
        """Ask no more."""
        if self._others:
            self._others.close()


def read_secret(path: str) -> str:
    """Give the first line of a file, or the next one of stdin if it is `-`.

    Raises AnswerFileError.
    """
    try:
        if path == STDIN:
            line = _next_line(sys.stdin.fileno())
        else:
            with Path(path).open("rb") as file:
                line = file.readline(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AnswerFileError(f"{path}: {reason.lower()}") from None
    try:
        secret = line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise AnswerFileError(f"{path}: what stands there is not UTF-8") from None
    if not secret:
        raise AnswerFileError(f"{path}: there is nothing in the first line")
    if len(line) > _LARGEST:
        raise AnswerFileError(f"{path}: this is no file of one secret: the line is too long")
    return secret


def token_in(text: str) -> str:
    """Give the API token that somebody gave, which travels as ASCII. Raises AnswerFileError."""
    token = text.strip()
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise AnswerFileError("this is no token: /token new makes one")
    return token


def _next_line(descriptor: int) -> bytes:
    """Take one line and nothing behind it, which is for others to read."""
    line = b""
    while len(line) <= _LARGEST and not line.endswith(b"\n"):
        char = os.read(descriptor, 1)
        if not char:
            break
        line += char
    return line
