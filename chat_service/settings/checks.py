"""What settings must have in common, so that no values together break a promise. Pure."""

import ipaddress
from collections.abc import Iterator

from chat_service.config import MAX_PORT, LaunchConfig

Conflict = tuple[tuple[str, ...], str]
"""The keys that do not go together, and why."""

FIELDS_BYTES = 1024
"""What a request or an event has beside its text, ids and names, with room to spare."""

POSITION_BYTES = 40
"""A room of a Hello beside its name: where its reader is."""


def conflicts(config: LaunchConfig) -> Iterator[Conflict]:
    """Yield what does not go together."""
    yield from _addresses(config)
    yield from _requests(config)
    yield from _queues(config)
    calls = config.limits.calls
    if calls.page_items > calls.max_page_items:
        yield ("pages.default", "pages.largest"), "the default is larger than the largest"


def _addresses(config: LaunchConfig) -> Iterator[Conflict]:
    last = config.port + config.instances - 1
    if config.port and last > MAX_PORT:
        yield ("port", "instances"), f"the last port would be over {MAX_PORT}"
    exposed = (
        "other machines could reach it, and nothing is encrypted; if that is what you want, "
        "add --insecure, which servers without tls.cert go by too"
    )
    if (config.tls.cert is None) != (config.tls.key is None):
        yield ("tls.cert", "tls.key"), "a certificate needs its key, and a key its certificate"
    if config.metrics_port is None:
        return
    if config.port and config.port <= config.metrics_port <= last:
        yield ("metrics.port",), "an instance has this port"
    if not ipaddress.ip_address(config.metrics_host).is_loopback and not config.insecure:
        yield ("metrics.host",), exposed


def _requests(config: LaunchConfig) -> Iterator[Conflict]:
    core, transport = config.limits.core, config.limits.transport
    names = core.recipients * (core.name_bytes + 4) + core.room_name_bytes
    post = core.text_bytes + names + 2 * core.client_id_bytes + FIELDS_BYTES
    if post > transport.message_bytes:
        yield (
            ("limits.text_bytes", "limits.recipients", "connections.message_bytes"),
            f"the largest message of a user takes {post} bytes of a request",
        )
    topic = core.topic_bytes + names + FIELDS_BYTES
    if topic > transport.message_bytes:
        yield (
            ("limits.topic_bytes", "limits.recipients", "connections.message_bytes"),
            f"the longest topic takes {topic} bytes of a request",
        )
    rooms = 2 * (core.rooms_per_user + core.directs_per_user)
    hello = rooms * (core.room_name_bytes + POSITION_BYTES) + FIELDS_BYTES
    if hello > transport.message_bytes:
        yield (
            ("limits.rooms_per_user", "limits.directs_per_user", "connections.message_bytes"),
            f"a stream that names {rooms} rooms at its beginning takes {hello} bytes of a request",
        )
    if rooms >= config.limits.unacked_posts:
        yield (
            ("limits.rooms_per_user", "limits.directs_per_user", "queues.unacked"),
            f"a stream may enter {rooms} rooms at its beginning, which are orders at once",
        )


def _queues(config: LaunchConfig) -> Iterator[Conflict]:
    hub, calls = config.limits.hub, config.limits.calls
    if 4 * hub.frame_bytes > hub.queue_bytes:
        yield ("queues.frame_bytes", "queues.reader_bytes"), "a queue holds four frames at least"
    if calls.unacked_posts > config.limits.unacked_posts:
        yield (
            ("queues.unacked_of_stream", "queues.unacked"),
            "one stream may not have more than all",
        )
    if hub.ring_bytes > hub.rings_bytes:
        yield ("rings.bytes", "rings.total_bytes"), "one room may not have more than all"
