"""What the commands do. Each takes the desk and an order and returns the lines of the answer."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeVar

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.console.answers import (
    MAX_LISTED,
    error,
    instance_lines,
    log_line,
    room_lines,
    user_lines,
)
from chat_service.admin.console.lines import Line
from chat_service.admin.console.sparkline import statistics_lines, summed
from chat_service.admin.console.state import ConsoleState
from chat_service.admin.console.syntax import Order
from chat_service.admin.console.table import address_of
from chat_service.admin.console.units import count
from chat_service.admin.operations import AdminError, Operations
from chat_text.sanitize import sanitize

Answer = Sequence[Line]

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Desk:
    """What commands work with."""

    operations: Operations
    state: ConsoleState
    # Milliseconds since 1970.
    now_ms: Callable[[], int]
    # Columns of the terminal.
    width: Callable[[], int]

    @property
    def stopping(self) -> bool:
        """Whether everything is being stopped."""
        return self.state.stopping or self.operations.stopping

    @property
    def several(self) -> bool:
        """Whether more than one instance serves."""
        serving = pb.INSTANCE_STATE_SERVING
        return sum(one.state == serving for one in self.operations.instances()) > 1


async def start(desk: Desk, order: Order) -> Answer:
    """Start an instance."""
    return [Line(f"{address_of(await desk.operations.start(order.port))} serves")]


async def stop(desk: Desk, order: Order) -> Answer:
    """Stop an instance, or all."""
    gone = await desk.operations.stop(order.port)
    return [Line(f"{address_of(instance)} has stopped") for instance in gone]


async def restart(desk: Desk, order: Order) -> Answer:
    """Stop an instance and start it again."""
    return [Line(f"{address_of(await desk.operations.restart(order.port))} serves again")]


async def instances(desk: Desk, _: Order) -> Answer:
    """List the instances."""
    return instance_lines(desk.operations.instances())


async def users(desk: Desk, order: Order) -> Answer:
    """List users."""
    found, complete, missing = await _gathered(desk.operations.users(order.port))
    return [*user_lines(found, complete, desk.several, desk.now_ms()), *missing]


async def rooms(desk: Desk, order: Order) -> Answer:
    """List public rooms."""
    found, complete, missing = await _gathered(desk.operations.rooms(order.port))
    return [*room_lines(found, complete, desk.several), *missing]


async def say(desk: Desk, order: Order) -> Answer:
    """Say something to everybody."""
    return [Line(f"said to {count(await desk.operations.say(order.port, order.text), 'client')}")]


async def kick(desk: Desk, order: Order) -> Answer:
    """End all sessions of a user."""
    removed = await desk.operations.kick(order.port, order.name, order.text)
    ended = count(removed.sessions, "session")
    return [Line(f"{sanitize(removed.user.name)} was removed from {order.port}: {ended} ended")]


async def owner_code(desk: Desk, order: Order) -> Answer:
    """Make a code for an admin."""
    code = await desk.operations.owner_code(order.port)
    return [
        Line(f"{code} makes whoever registers with it on {order.port} an admin, once"),
        Line("in chat-cli: /register --owner"),
    ]


async def logs(desk: Desk, order: Order) -> Answer:
    """Begin to follow the log, or stop it."""
    followed = desk.state.following
    if followed is not None and order.port in (0, followed):
        desk.state.following = None
        return [Line(("class:quiet", "no longer following the log"))]
    # Read before it is followed: a line comes once.
    recent = desk.operations.recent_log(order.port)
    desk.state.following = order.port
    return [log_line(logged, named=not order.port) for logged in recent]


async def stats(desk: Desk, order: Order) -> Answer:
    """Show the last minutes."""
    interval_ms = round(desk.operations.sample_interval_s * 1000)
    if order.port:
        of, samples = str(order.port), desk.operations.samples(order.port)
    else:
        ports = [one.port for one in desk.operations.instances() if one.port]
        of = "all instances" if len(ports) != 1 else str(ports[0])
        samples = summed([desk.operations.samples(port) for port in ports], interval_ms)
    return statistics_lines(of, samples, interval_ms, desk.width())


async def open_client(desk: Desk, order: Order) -> Answer:
    """Show how a client is started."""
    (instance,) = (one for one in desk.operations.instances() if one.port == order.port)
    fingerprint = desk.operations.fingerprint
    reached = f"{_target(instance)}{_encryption(instance, bool(fingerprint))}"
    lines = [Line(f"chat-cli --target {reached} --name NAME")]
    if _is_everywhere(instance):
        # `localhost` is this machine alone, and in no certificate that an authority issued.
        why = "from elsewhere, or if the certificate is for another name" if fingerprint else ""
        lines.append(Line(f"{why or 'from elsewhere'}: --target NAME-OF-THIS-MACHINE:{order.port}"))
    if fingerprint:
        lines.append(Line(f"certificate SHA-256 {fingerprint}"))
    if instance.state != pb.INSTANCE_STATE_SERVING:
        lines.append(Line(("class:quiet", f"{address_of(instance)} does not serve now")))
    return lines


async def reload(desk: Desk, _: Order) -> Answer:
    """Read the configuration again."""
    reloaded = await desk.operations.reload()
    lines = []
    if reloaded.applied:
        lines.append(Line(sanitize("holds now: " + ", ".join(reloaded.applied))))
    if reloaded.after_restart:
        waiting = ", ".join(reloaded.after_restart)
        line = f"waits for a restart of the whole: {waiting}"
        lines.append(Line(("class:running", sanitize(line))))
    return lines or [Line("nothing has changed")]


async def shutdown(desk: Desk, order: Order) -> Answer:
    """Stop everything, after a question if people are connected."""
    if desk.stopping:
        return [Line("it is being stopped; Ctrl+C makes it quick")]
    people = sum(instance.sample.users for instance in desk.operations.instances())
    if people:
        verb = "is" if people == 1 else "are"
        desk.state.question = (
            f"{count(people, 'person', 'people')} {verb} connected. Stop everything?"
        )
        return []
    return await shutdown_now(desk, order)


async def shutdown_now(desk: Desk, _: Order) -> Answer:
    """Stop everything; a second time: quickly."""
    quick = desk.stopping
    desk.state.stopping = True
    try:
        await desk.operations.shutdown()
    except AdminError:
        desk.state.stopping = False
        raise
    return [Line("stopping quickly" if quick else "stopping: clients are told to come back later")]


def _target(instance: pb.Instance) -> str:
    """Return what a client on this machine is told, or on another if that can reach it.

    `localhost` is one address of many that only this machine has.
    """
    host, _, port = instance.address.rpartition(":")
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return address_of(instance)
    if address.is_unspecified or host in ("127.0.0.1", "[::1]"):
        return f"localhost:{port}"
    return address_of(instance)


def _is_everywhere(instance: pb.Instance) -> bool:
    """Whether an instance listens on every address of its machine."""
    try:
        return ip_address(instance.address.rpartition(":")[0].strip("[]")).is_unspecified
    except ValueError:
        return False


def _encryption(instance: pb.Instance, encrypted: bool) -> str:
    """Return the option by which a client does as the server does, where it has to be told."""
    try:
        address = ip_address(_target(instance).rpartition(":")[0].strip("[]"))
    except ValueError:
        # A name: localhost.
        local = True
    else:
        local = address.is_loopback
    if local == encrypted:
        return " --tls" if encrypted else " --plaintext"
    return ""


async def _gathered(listed: AsyncIterator[_Item]) -> tuple[list[_Item], bool, list[Line]]:
    """Return the first MAX_LISTED, whether that is all, and who did not answer, if not all."""
    found: list[_Item] = []
    try:
        async for item in listed:
            if len(found) == MAX_LISTED:
                return found, False, []
            found.append(item)
    except AdminError as failed:
        if not found:
            raise
        return found, True, [error(str(failed))]
    return found, True, []
