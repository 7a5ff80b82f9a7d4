"""What each command asks of the server, and what it prints.

Every command raises CallError where its call fails, and OSError where its output cannot be
written.
"""

import argparse
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from chat_cli.admin import accounts, objects
from chat_cli.admin.api import PROCESS_S, AdminApi
from chat_cli.admin.export import export, output_to
from chat_cli.admin.ports import one_port, serving_ports
from chat_cli.admin.tables import Table, rate, share, size, span
from chat_cli.errors import ChatError
from chat_cli.session.errors import CallError
from chat_protos.chat.v1 import admin_pb2 as pb
from chat_text.sanitize import sanitize

T = TypeVar("T")


async def instances(api: AdminApi, options: argparse.Namespace) -> None:
    """List the instances."""
    answer = await api.ask(api.stub.ListInstances, pb.ListInstancesRequest())
    _show(answer.instances, objects.instance, _instances_table(), _instance_row, options.json)


async def start(api: AdminApi, options: argparse.Namespace) -> None:
    """Start an instance."""
    request = pb.StartInstanceRequest(port=options.port)
    answer = await api.ask(api.stub.StartInstance, request, PROCESS_S)
    _tell([answer.instance], options.json, "serves")


async def stop(api: AdminApi, options: argparse.Namespace) -> None:
    """Stop one instance or all."""
    request = pb.StopInstanceRequest(port=options.port, all=options.port == 0)
    answer = await api.ask(api.stub.StopInstance, request, PROCESS_S)
    _tell(answer.instances, options.json, "has stopped")


async def restart(api: AdminApi, options: argparse.Namespace) -> None:
    """Restart an instance."""
    request = pb.RestartInstanceRequest(port=await one_port(api, options.port))
    answer = await api.ask(api.stub.RestartInstance, request, PROCESS_S)
    _tell([answer.instance], options.json, "serves again")


async def users(api: AdminApi, options: argparse.Namespace) -> None:
    """List the users."""
    titles = (">PORT", "NAME", "KIND", "CONNECTED", ">SESSIONS", "FROM", "ROOMS")
    await _show_pages(api, api.users, objects.user, Table(titles), _user_row, options)


async def rooms(api: AdminApi, options: argparse.Namespace) -> None:
    """List the public rooms."""
    titles = (">PORT", "ROOM", ">PRESENT", ">MEMBERS", ">READERS", ">EVENTS", "TOPIC")
    await _show_pages(api, api.rooms, objects.room, Table(titles), _room_row, options)


async def say(api: AdminApi, options: argparse.Namespace) -> None:
    """Say something to everybody."""
    request = pb.SayRequest(port=options.port, text=" ".join(options.text))
    answer = await api.ask(api.stub.Say, request)
    print(f"said to {_counted(answer.streams, 'client')}")


async def kick(api: AdminApi, options: argparse.Namespace) -> None:
    """Remove a user."""
    port = await one_port(api, options.port)
    request = pb.KickUserRequest(port=port, name=options.name, reason=" ".join(options.reason))
    answer = await api.ask(api.stub.KickUser, request)
    sessions = _counted(answer.sessions, "session")
    print(f"{sanitize(answer.user.name)} was removed from {port}: {sessions} ended")


async def stats(api: AdminApi, options: argparse.Namespace) -> None:
    """Tell how instances were in the last minutes."""
    answer = await api.ask(api.stub.GetStatistics, pb.GetStatisticsRequest(port=options.port))
    if options.json:
        for told in answer.instances:
            for sample in told.samples:
                print(objects.line({"port": told.instance.port, **objects.sample(sample)}))
        return
    table = Table((">PORT", "FIGURE", ">MIN", ">NOW", ">MAX"))
    rows = [row for told in answer.instances for row in _statistics_rows(told)]
    _print(table.lines(rows))


async def reload(api: AdminApi, _: argparse.Namespace) -> None:
    """Have the configuration read again."""
    answer = await api.ask(api.stub.ReloadConfiguration, pb.ReloadConfigurationRequest())
    waiting = "waits for a restart of the whole"
    for what, keys in (("holds now", answer.applied), (waiting, answer.after_restart)):
        if keys:
            print(f"{what}: {sanitize(', '.join(keys))}")
    if not (answer.applied or answer.after_restart):
        print("nothing has changed")


async def shutdown(api: AdminApi, _: argparse.Namespace) -> None:
    """Stop everything."""
    await api.ask(api.stub.Shutdown, pb.ShutdownRequest())
    print("the server stops")


async def export_room(api: AdminApi, options: argparse.Namespace) -> None:
    """Write the history of a room."""
    port = await one_port(api, options.port)
    as_json = options.format == "jsonl"
    with output_to(options.output) as file:
        await export(api.export(port, options.room), options.room, as_json, file)


COMMANDS: dict[str, Callable[[AdminApi, argparse.Namespace], Awaitable[None]]] = {
    "instances": instances,
    "start": start,
    "stop": stop,
    "restart": restart,
    "users": users,
    "rooms": rooms,
    "say": say,
    "kick": kick,
    **accounts.COMMANDS,
    "stats": stats,
    "reload": reload,
    "shutdown": shutdown,
    "export": export_room,
}


def _show(
    found: Iterable[T],
    describe: Callable[[T], objects.Object],
    table: Table,
    row: Callable[[T], Sequence[str]],
    as_json: bool,
) -> None:
    if as_json:
        _print(objects.line(describe(one)) for one in found)
    else:
        _print(table.lines(map(row, found)))


async def _show_pages(
    api: AdminApi,
    pages: Callable[[int], AsyncIterator[list[T]]],
    describe: Callable[[T], objects.Object],
    table: Table,
    row: Callable[[T], Sequence[str]],
    options: argparse.Namespace,
) -> None:
    """Show the lists of one instance or all. Raises ChatError at the end if some are missing."""
    ports = [options.port] if options.port else await serving_ports(api)
    if not ports:
        _show([], describe, table, row, options.json)
    silent = []
    for port in ports:
        try:
            async for page in pages(port):
                _show(page, describe, table, row, options.json)
        except CallError as error:
            if options.port or error.reason != "INSTANCE_UNAVAILABLE":
                raise
            silent.append(str(port))
    if silent:
        raise ChatError(f"{', '.join(silent)} {'does' if len(silent) == 1 else 'do'} not answer")


def _tell(found: Iterable[pb.Instance], as_json: bool, what: str) -> None:
    for one in found:
        plain = f"{sanitize(one.address)} {what}"
        print(objects.line(objects.instance(one)) if as_json else plain)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def _instances_table() -> Table:
    titles = ("ADDRESS", "STATE", ">SINCE", ">USERS", ">ROOMS", ">IN/S", ">OUT/S", ">CPU")
    return Table((*titles, ">MEMORY", ">RESTARTS", "PROBLEM"))


def _instance_row(one: pb.Instance) -> Sequence[str]:
    since = span(time.time() - one.since_ms / 1000)
    sample = one.sample
    figures = (
        str(sample.users),
        str(sample.rooms),
        rate(sample.messages_in),
        rate(sample.messages_out),
        share(sample.cpu),
        size(sample.memory_bytes),
    )
    told = figures if one.HasField("sample") else ("-",) * len(figures)
    return (one.address, objects.state(one), since, *told, str(one.restarts), one.problem)


def _user_row(one: pb.InstanceUser) -> Sequence[str]:
    connected = "yes" if one.user.connected else "no"
    places = (", ".join(one.addresses), ", ".join(one.room_names))
    return (str(one.port), one.user.name, _kind(one), connected, str(one.sessions), *places)


def _kind(one: pb.InstanceUser) -> str:
    """Name what a user is."""
    if one.closed:
        return "closed"
    if one.user.bot:
        return "bot"
    if one.admin:
        return "admin"
    return "account" if one.user.account else "guest"


def _room_row(one: pb.InstanceRoom) -> Sequence[str]:
    # None are kept if the first that is kept is yet to come.
    kept = max(0, one.room.head_seq - max(one.first_seq, 1) + 1)
    counts = map(str, (one.room.present, one.members, one.readers, kept))
    return (str(one.port), one.room.name, *counts, one.room.topic)


def _statistics_rows(told: pb.InstanceSamples) -> list[Sequence[str]]:
    """Give a row for each figure of an instance that has samples."""
    figures: tuple[tuple[str, Callable[[pb.Sample], float], Callable[[float], str]], ...] = (
        ("users", lambda one: one.users, _whole),
        ("in msg/s", lambda one: one.messages_in, rate),
        ("out msg/s", lambda one: one.messages_out, rate),
        ("cpu", lambda one: one.cpu, share),
        ("memory", lambda one: one.memory_bytes, lambda count: size(int(count))),
        ("connections", lambda one: one.connections, _whole),
    )
    rows: list[Sequence[str]] = []
    for name, value_of, shown in figures if told.samples else ():
        values = list(map(value_of, told.samples))
        cells = map(shown, (min(values), values[-1], max(values)))
        rows.append((str(told.instance.port), name, *cells))
    return rows


def _whole(count: float) -> str:
    return f"{count:.0f}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
