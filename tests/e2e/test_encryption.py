"""Servers that encrypt, as whole programs."""

import signal
import ssl
import stat
from pathlib import Path

import grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from tests.authority import issue
from tests.e2e.launched import PATIENCE, Launched
from tests.e2e.test_launcher import admin

NAME = "chat.example"


def channel(address: str, trusted: bytes) -> grpc.Channel:
    """Open a connection of its own that trusts one certificate."""
    return grpc.secure_channel(
        address,
        grpc.ssl_channel_credentials(root_certificates=trusted),
        options=(("grpc.ssl_target_name_override", NAME), ("grpc.use_local_subchannel_pool", 1)),
    )


def join(over: grpc.Channel, name: str) -> str:
    """Sign in; return the token."""
    request = pb.JoinRequest(name=name, room="lobby")
    return stubs.ChatServiceStub(over).Join(request, timeout=PATIENCE).token


def test_other_addresses_are_encrypted(tmp_path: Path) -> None:
    """Where other machines could connect, a certificate is made, told, shared, and kept."""
    told = set()
    for ports in (2, 1):
        with Launched("--host", "0.0.0.0", "--port", "0", "--instances", str(ports),
                      "--data-dir", tmp_path) as server:  # fmt: skip
            line = server.stdout.wait_for(lambda line: line.startswith("certificate SHA-256 "))
            addresses = server.addresses(ports).values()
            for address in addresses:
                port = int(address.rpartition(":")[2])
                pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=PATIENCE)
                assert pem == (tmp_path / "tls" / "cert.pem").read_text()
            told.add(line.split()[2])
            server.terminate()
            assert server.wait() == 0
            assert not any("warning" in line for line in server.stderr.rest())
    assert len(told) == 1
    assert stat.S_IMODE((tmp_path / "tls" / "key.pem").stat().st_mode) == 0o600


def test_renewed_certificate_without_a_restart(tmp_path: Path) -> None:
    """SIGHUP shows what the files hold now; open streams go on, and half a pair changes nothing."""
    first, second = issue(NAME), issue(NAME, days=9)
    cert, key = first.write(tmp_path)
    with Launched("--port", "0", "--data-dir", tmp_path / "data",
                  "--tls-cert", cert, "--tls-key", key) as server:  # fmt: skip
        line = server.stdout.wait_for(lambda line: line.startswith("certificate "))
        assert line == f"certificate SHA-256 {first.sha256} ({cert})"
        (address,) = server.addresses(1).values()
        with channel(address, first.pem) as opened:
            token = join(opened, "alice")
            request = pb.SubscribeRequest(
                rooms=[pb.RoomPosition(room=pb.RoomTarget(room_name="lobby"))]
            )
            bearer = (("authorization", f"Bearer {token}"),)
            reading = stubs.ChatServiceStub(opened).Subscribe(request, metadata=bearer)
            next(reading)
            cert.write_bytes(second.pem)
            server.process.send_signal(signal.SIGHUP)
            line = server.stderr.wait_for(lambda line: "the configuration stays as it was" in line)
            assert f"tls.key {key} is not its key" in line
            with channel(address, first.pem) as over:
                join(over, "bob")
            key.write_bytes(second.key)
            assert "tls.cert" in admin(tmp_path / "data", "reload").stdout
            server.stderr.wait_for(lambda line: f"sha256={second.sha256}" in line)
            server.stderr.wait_for(lambda line: "the certificate expires on " in line)
            with channel(address, second.pem) as over:
                post = pb.Post(
                    room=pb.RoomTarget(room_name="lobby"), text="still here", client_msg_id="1"
                )
                bearer = (("authorization", f"Bearer {join(over, 'carol')}"),)
                stubs.ChatServiceStub(over).PostMessage(
                    pb.PostMessageRequest(post=post), metadata=bearer, timeout=PATIENCE
                )
            frames = (item for frame in reading for item in frame.items)
            assert any(item.event.message.text == "still here" for item in frames)
            reading.cancel()
        server.terminate()
        assert server.wait() == 0


def test_plain_text_is_asked_for(tmp_path: Path) -> None:
    """With --insecure other addresses are in plain text, which a line says; nothing is made."""
    with Launched("--host", "0.0.0.0", "--port", "0", "--data-dir", tmp_path,
                  "--insecure") as server:  # fmt: skip
        line = server.stderr.wait_for(lambda line: "warning" in line)
        assert "other machines can reach 0.0.0.0, and nothing is encrypted" in line
        (address,) = server.addresses(1).values()
        with grpc.insecure_channel(f"127.0.0.1:{address.rpartition(':')[2]}") as over:
            join(over, "alice")
        server.terminate()
        assert server.wait() == 0
    assert not (tmp_path / "tls").exists()
