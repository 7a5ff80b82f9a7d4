"""Health and reflection: what their libraries leave to whoever uses them."""

from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.edge.clients import PATIENCE, Refusal, Server, outcome, story

CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


# Any: the stubs' types know messages only; here requests are bytes.
def call(channel: Any, path: str, request: bytes) -> Any:
    """Call a method of a standard service with bytes."""
    if path == REFLECTION:
        return channel.stream_stream(path)(iter([request]), timeout=PATIENCE)
    kind = channel.unary_stream if path == WATCH else channel.unary_unary
    return kind(path)(request, timeout=PATIENCE)


@pytest.mark.parametrize("path", [CHECK, WATCH, REFLECTION])
@story
async def test_request_that_cannot_be_parsed(tmp_path: Path, path: str) -> None:
    """Bytes that are no request are INVALID_ARGUMENT, and no mistake of the server."""
    async with Server(tmp_path) as server:
        channel = server.channel()
        for request in (b"\xff" * 11, b"\x0a\x02\xff\xfe", b"\x07"):
            error = await outcome(call(channel, path, request))
            assert error is not None
            refusal = Refusal.of(error)
            assert (refusal.code, refusal.reason) == (
                grpc.StatusCode.INVALID_ARGUMENT,
                "MALFORMED",
            )


@story
async def test_method_that_the_library_lacks(tmp_path: Path) -> None:
    """A method of a younger contract is UNIMPLEMENTED, without a word in the log."""
    async with Server(tmp_path) as server:
        error = await outcome(call(server.channel(), "/grpc.health.v1.Health/List", b""))
        assert error is not None
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
