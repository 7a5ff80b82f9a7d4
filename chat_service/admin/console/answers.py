"""Answers of the instances as lines: lists, figures, lines of the log. Pure.

Names, topics, reasons, addresses and the log come from elsewhere: each is sanitized here.
"""

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.console.lines import Line, aligned
from chat_service.admin.console.styles import sign_and_word
from chat_service.admin.console.table import address_of, problem_of
from chat_service.admin.console.units import count, duration
from chat_service.admin.operations import Logged
from chat_text.sanitize import sanitize

# How a record begins that is written as text: time and level, then who writes it.
_RECORD = re.compile(r"\S+Z (DEBUG|INFO|WARNING|ERROR|CRITICAL) ")

MAX_LISTED = 4_000
"""Rows of one list: more than anybody reads; the output keeps some more lines than that."""


def error(line: str) -> Line:
    """Return the line that tells that something cannot be done."""
    return Line(("class:error", sanitize(line)))


def instance_lines(instances: Sequence[pb.Instance], zone: tzinfo | None = None) -> list[Line]:
    """List the instances with what the table has no room for."""
    rows = [
        (
            address_of(one),
            sign_and_word(one.state)[1],
            f"{datetime.fromtimestamp(one.since_ms / 1000, zone):%b %d %H:%M:%S}",
            str(one.pid or "-"),
            sanitize(one.data_directory),
        )
        for one in instances
    ]
    titles = ("ADDRESS", "STATE", "SINCE", "PROCESS", "DATA")
    header, *lines = aligned(titles, rows, right=(3,))
    listed = [header]
    for one, line in zip(instances, lines, strict=True):
        listed.append(line)
        if problem_of(one):
            listed.append(Line(("class:problem", f"  └ {problem_of(one)}"), indent=4))
    return listed


def user_lines(
    users: Sequence[pb.InstanceUser], complete: bool, several: bool, now_ms: int
) -> list[Line]:
    """List users; `complete` is False if there are more of them.

    `several` instances serve: each user is listed with the port.
    """
    connected = sum(user.user.connected for user in users)
    rows = [
        (
            *([str(user.port)] if several else []),
            sanitize(user.user.name),
            _kind(user),
            "yes" if user.user.connected else "no",
            str(user.sessions),
            duration(now_ms - user.created_ms),
            sanitize(" ".join(user.addresses)) or "-",
            sanitize(" ".join(user.room_names)) or "-",
        )
        for user in users
    ]
    port = ("PORT",) if several else ()
    titles = (*port, "NAME", "KIND", "CONNECTED", "SESSIONS", "HERE FOR", "FROM", "ROOMS")
    numbers = len(port) + 3
    summary = f"{count(len(users), 'user')}, {connected:,} connected"
    return [
        _summary(summary, "users", complete),
        *(aligned(titles, rows, (numbers, numbers + 1)) if rows else []),
    ]


def _kind(user: pb.InstanceUser) -> str:
    if user.closed:
        return "closed"
    if user.user.bot:
        return "bot"
    if user.admin:
        return "admin"
    return "account" if user.user.account else "guest"


def room_lines(rooms: Sequence[pb.InstanceRoom], complete: bool, several: bool) -> list[Line]:
    """List public rooms; `complete` is False if there are more of them, `several` as above."""
    rows = [
        (
            *([str(room.port)] if several else []),
            "#" + sanitize(room.room.name),
            f"{room.members:,}",
            f"{room.readers:,}",
            f"{room.room.head_seq + 1 - room.first_seq if room.first_seq else 0:,}",
            sanitize(room.room.topic) or "-",
        )
        for room in rooms
    ]
    port = ("PORT",) if several else ()
    titles = (*port, "ROOM", "MEMBERS", "READERS", "EVENTS", "TOPIC")
    right = range(len(port) + 1, len(port) + 4)
    return [
        _summary(count(len(rooms), "public room"), "rooms", complete),
        *(aligned(titles, rows, right) if rows else []),
    ]


def log_line(logged: Logged, named: bool) -> Line:
    """Show a line of the log; `named` puts its writer in front, unless the line names it."""
    text = sanitize(logged.line.replace("\t", "    ").rstrip())
    record = _RECORD.match(text)
    if record:
        return Line((f"class:log.{record[1].lower()}", text))
    return Line(*([("class:quiet", f"{logged.port or 'server'} ")] if named else []), text)


def _summary(text: str, command: str, complete: bool) -> Line:
    return Line(text if complete else f"the first {text}; “chat-admin {command}” lists all")
