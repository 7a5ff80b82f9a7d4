"""`chat_cli.endpoint`: where a server is."""

import pytest

from chat_cli.endpoint import Endpoint


@pytest.mark.parametrize(
    ("target", "host", "port", "called"),
    [
        ("Chat.Example:7000", "Chat.Example", 7000, "chat.example:7000"),
        ("127.0.0.1:50051", "127.0.0.1", 50051, "127.0.0.1:50051"),
        ("[::1]:50051", "::1", 50051, "[::1]:50051"),
        ("[FE80::1%eth0]:1", "FE80::1%eth0", 1, "[fe80::1%eth0]:1"),
    ],
)
def test_target_is_read(target: str, host: str, port: int, called: str) -> None:
    """Host and port are told apart, and it has one name however it is written."""
    endpoint = Endpoint.of(target)
    assert (endpoint.host, endpoint.port, str(endpoint)) == (host, port, called)


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "127.0.0.1", "127.8.9.10", "[::1]"])
def test_loopback(host: str) -> None:
    """What cannot leave the machine."""
    assert Endpoint.of(f"{host}:50051").is_loopback


@pytest.mark.parametrize(
    "host",
    [
        "chat.example", "localhost.example", "128.0.0.1", "0.0.0.0", "[::]", "192.168.1.2",
        "[::ffff:127.0.0.1]", "127.1", "127.0.0.1.example", "127.0.0.999", "localhost.",
    ],
)  # fmt: skip
def test_everything_else_may_leave_the_machine(host: str) -> None:
    """Also what looks like loopback, and names that the network may know."""
    assert not Endpoint.of(f"{host}:50051").is_loopback
