"""What settings must have in common."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.config import LaunchConfig, Tls
from chat_service.settings.checks import conflicts
from chat_service.settings.setting import defaults
from chat_service.settings.table import SETTINGS


def changed(**values: Any) -> LaunchConfig:
    """Return the defaults with fields changed; `a__b` is the field `b` of the part `a`."""
    config = defaults()
    for path, value in values.items():
        *parts, name = path.split("__")
        if parts:
            part = getattr(config.limits, parts[0])
            limits = replace(config.limits, **{parts[0]: replace(part, **{name: value})})
            config = replace(config, limits=limits)
        elif hasattr(config, name):
            config = replace(config, **{name: value})
        else:
            config = replace(config, limits=replace(config.limits, **{name: value}))
    return config


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"port": 65_532, "instances": 5}, "port instances"),
        ({"tls": Tls(cert=Path("/c"))}, "tls.cert tls.key"),
        ({"tls": Tls(key=Path("/k"))}, "tls.cert tls.key"),
        ({"metrics_port": 50_052, "instances": 2}, "metrics.port"),
        ({"metrics_port": 9100, "metrics_host": "::"}, "metrics.host"),
        ({"core__text_bytes": 32 << 10, "transport__message_bytes": 32 << 10}, "limits.text_bytes"),
        ({"transport__message_bytes": 16 << 10}, "limits.rooms_per_user"),
        ({"core__rooms_per_user": 1000}, "limits.rooms_per_user"),
        ({"core__rooms_per_user": 500, "unacked_posts": 1000}, "limits.rooms_per_user"),
        ({"hub__frame_bytes": 512 << 10}, "queues.frame_bytes queues.reader_bytes"),
        ({"calls__unacked_posts": 4096, "unacked_posts": 4000}, "queues.unacked_of_stream"),
        ({"hub__ring_bytes": 128 << 20}, "rings.bytes rings.total_bytes"),
        ({"calls__page_items": 1000, "calls__max_page_items": 999}, "pages.default pages.largest"),
    ],
)
def test_what_does_not_go_together(changes: dict[str, Any], keys: str) -> None:
    """Values that break a promise together are named, the keys in the table's words."""
    found = list(conflicts(changed(**changes)))
    assert any(set(keys.split()) <= set(told) for told, _ in found)
    assert all(key in SETTINGS for told, _ in found for key in told)
    assert all(why and why.isprintable() for _, why in found)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"port": 65_531, "instances": 5},
        {"port": 0, "instances": 256, "metrics_port": 9100},
        {"host": "0.0.0.0", "insecure": True},
        {"host": "0.0.0.0"},
        {"tls": Tls(Path("/c"), Path("/k"))},
        {"host": "::1"},
        {"metrics_port": 50_053, "instances": 3, "port": 50_050},
        {"metrics_host": "::"},
        {"core__text_bytes": 32 << 10, "transport__message_bytes": 128 << 10},
    ],
)
def test_what_goes_together(changes: dict[str, Any]) -> None:
    """Values that promise nothing false pass, those at the bounds too."""
    assert list(conflicts(changed(**changes))) == []


def test_largest_requests_fit() -> None:
    """What a client may send at most is smaller than what the server reads at most."""
    config = defaults()
    core = config.limits.core
    name, room = "n" * core.name_bytes, "r" * core.room_name_bytes
    client_id = "i" * core.client_id_bytes
    recipients = pb.RoomTarget(direct=pb.Recipients(names=[name] * core.recipients))
    post = pb.Post(room=recipients, text="t" * core.text_bytes, client_msg_id=client_id)
    rooms = 2 * (core.rooms_per_user + core.directs_per_user)
    place = pb.RoomPosition(room=pb.RoomTarget(room_name=room), after_seq=2**63 - 1)
    hello = pb.Hello(rooms=[place] * rooms, epoch="e" * 64)
    for request in (
        pb.ChatRequest(order_id=client_id, post=post),
        pb.ChatRequest(order_id=client_id, hello=hello),
    ):
        tight = replace(config.limits.transport, message_bytes=request.ByteSize() - 1)
        limits = replace(config.limits, transport=tight)
        assert list(conflicts(replace(config, limits=limits)))
        assert request.ByteSize() < config.limits.transport.message_bytes
