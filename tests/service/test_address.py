"""Whether an address can be listened on."""

import errno
import socket

import pytest

from chat_service.address import check_address
from chat_service.config import StartError


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the system refuse every address for a reason of its own."""

    class Refusing(socket.socket):
        def bind(self, address: object, /) -> None:
            raise OSError(number, f"not {address}")

    monkeypatch.setattr(socket, "socket", Refusing)


def test_port_that_is_taken_is_told() -> None:
    """Somebody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError) as refused:
            check_address("127.0.0.1", port)
        assert str(refused.value) == f"cannot listen on 127.0.0.1:{port}: the port is in use"


def test_port_with_ended_connections_is_free() -> None:
    """Connections that the server has ended do not hold its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
    check_address("127.0.0.1", port)
    check_address("127.0.0.1", port)


def test_address_of_another_machine_is_told() -> None:
    """It is not called a matter of the port, not even where any port would do."""
    for port in (0, 50051):
        with pytest.raises(StartError) as refused:
            check_address("192.0.2.1", port)
        line = f"cannot listen on 192.0.2.1:{port}: 192.0.2.1 is not an address of this machine"
        assert str(refused.value) == line


def test_port_that_is_not_allowed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Low ports are for some users alone."""
    refuse(monkeypatch, errno.EACCES)
    with pytest.raises(StartError) as refused:
        check_address("::1", 80)
    line = "cannot listen on [::1]:80: this user is not allowed to use the port"
    assert str(refused.value) == line


@pytest.mark.parametrize(
    ("host", "number"), [("::", errno.EADDRNOTAVAIL), ("127.0.0.1", errno.ENOBUFS)]
)
def test_what_is_not_plain_is_left_to_who_listens(
    monkeypatch: pytest.MonkeyPatch, host: str, number: int
) -> None:
    """Whoever listens may know a way, as with all addresses where there is no IPv6."""
    refuse(monkeypatch, number)
    check_address(host, 50051)
