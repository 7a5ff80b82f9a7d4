"""The real launcher with real servers: up, crash, stop, and nothing left behind."""

import os
import signal
import socket
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import psutil
import pytest

from chat_protos.chat.v1 import chat_pb2, chat_pb2_grpc
from chat_service.posix import lock_directory
from tests.e2e.launched import PATIENCE, Launched
from tests.held_ports import held_ports
from tests.launcher.fakes import wait_until

ADMIN_COMMAND = str(Path(sysconfig.get_path("scripts")) / "chat-admin")


@contextmanager
def stub(address: str) -> Iterator[chat_pb2_grpc.ChatServiceStub]:
    """Give a connection that waits until the server is there."""
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(PATIENCE)
        yield chat_pb2_grpc.ChatServiceStub(channel)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata that carries a token."""
    return (("authorization", f"Bearer {token}"),)


def lobby() -> chat_pb2.RoomTarget:
    """Return the default room."""
    return chat_pb2.RoomTarget(room_name="lobby")


def running(data_dir: Path, port: int, instances: int) -> Launched:
    """Start so many servers, on ports from this one on."""
    return Launched("--port", str(port), "--instances", str(instances), "--data-dir", data_dir)


def assert_gone(processes: Iterable[psutil.Process]) -> None:
    """Wait until none of the processes is left."""
    _, left = psutil.wait_procs(list(processes), PATIENCE)
    assert left == []


def assert_free(addresses: Iterable[str]) -> None:
    """Take each port, which another listener would prevent."""
    for address in addresses:
        with listening(int(address.rpartition(":")[2])):
            pass


@contextmanager
def listening(port: int) -> Iterator[None]:
    """Listen on a port. Raises OSError when another does."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield


def admin(data_dir: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `chat-admin` for the servers of a data directory, once they can be asked."""
    return subprocess.run(
        [ADMIN_COMMAND, "--data-dir", data_dir, "--wait", str(PATIENCE), *arguments],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


def test_five_instances_are_five_servers(tmp_path: Path) -> None:
    """Five listen, each keeps to itself, and SIGTERM ends all with 0 and free ports."""
    with held_ports(5) as port, running(tmp_path, port, 5) as server:
        addresses = server.addresses(5)
        assert sorted(addresses) == sorted(tmp_path / str(port + place) for place in range(5))
        instances = server.instances()
        assert set(instances) == set(addresses)
        epochs = set()
        for address in addresses.values():
            with stub(address) as chat:
                answer = chat.Join(chat_pb2.JoinRequest(name="alice"), timeout=PATIENCE)
                epochs.add(answer.epoch)
        assert len(epochs) == 5
        server.terminate()
        assert server.wait() == 0
        assert_gone(instances.values())
        assert_free(addresses.values())
        *_, last = lines = server.stdout.rest()
        assert len(lines) == 6
        # None of them has an admin yet.
        assert all(address in last for address in addresses.values())


def test_killed_instance_comes_back_with_its_data(tmp_path: Path) -> None:
    """An instance that is killed is back on its port with what was acknowledged before."""
    with held_ports(2) as port, running(tmp_path, port, 2) as server:
        one, two = (tmp_path / str(port + place) for place in range(2))
        address = server.addresses(2)[two]
        with stub(address) as chat:
            token = chat.Join(chat_pb2.JoinRequest(name="alice"), timeout=PATIENCE).token
            post = chat_pb2.Post(room=lobby(), text="still here?", client_msg_id="1")
            posted = chat.PostMessage(
                chat_pb2.PostMessageRequest(post=post), metadata=bearer(token), timeout=PATIENCE
            )
        other, killed = server.instances()[one], server.instances()[two]
        killed.kill()
        server.stderr.wait_for(lambda line: f"{address} was ended by SIGKILL" in line)
        server.stderr.wait_for(lambda line: f"{address} listens again" in line)
        with stub(address) as chat:
            page = chat.ListMessages(
                chat_pb2.ListMessagesRequest(room=lobby()),
                metadata=bearer(token),
                timeout=PATIENCE,
            )
        assert [(event.seq, event.message.text) for event in page.events] == [
            (posted.seq, "still here?")
        ]
        assert server.instances()[one] == other
        assert server.instances()[two].pid != killed.pid


def test_killed_launcher_leaves_nothing(tmp_path: Path) -> None:
    """When the launcher itself is killed every process ends, and ports and data are free."""
    with held_ports(5) as port, running(tmp_path, port, 5) as server:
        addresses = server.addresses(5)
        processes = [*server.instances().values(), server.admin()]
        server.process.kill()
        assert_gone(processes)
        assert_free(addresses.values())
    for directory in (tmp_path, *addresses):
        os.close(lock_directory(directory))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_with_open_streams(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl+C, or SIGTERM, ends open streams, no process has to be killed, and the status is 0."""
    with Launched("--port", "0", "--instances", "2", "--data-dir", tmp_path) as server:
        address = server.addresses(2)[tmp_path / "ephemeral-1"]
        instances = server.instances()
        with stub(address) as chat:
            token = chat.Join(chat_pb2.JoinRequest(name="alice", room="lobby")).token
            position = chat_pb2.RoomPosition(room=lobby(), after_seq=0)
            stream = chat.Subscribe(
                chat_pb2.SubscribeRequest(rooms=[position]), metadata=bearer(token)
            )
            next(stream)
            if number is signal.SIGINT:
                os.killpg(server.process.pid, number)
            else:
                server.process.send_signal(number)
            assert server.wait() == 0
            with pytest.raises(grpc.RpcError) as caught:
                list(stream)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert_gone(instances.values())
        told = "\n".join(server.stderr.rest())
        assert "Traceback" not in told
        assert told.count("drained") == 2


def test_busy_port_is_named_and_stops_all(tmp_path: Path) -> None:
    """A busy port is one line that names it, status 1, and the other instance is gone."""
    with (
        held_ports(2) as port,
        listening(port + 1),
        running(tmp_path, port, 2) as server,
    ):
        assert server.wait() == 1
        (line,) = [line for line in server.stderr.rest() if " INFO " not in line]
        assert line.startswith(f"chat-server: cannot listen on 127.0.0.1:{port + 1}: ")
        assert "in use" in line
        assert_free([f"127.0.0.1:{port}"])


def test_data_in_use_is_named(tmp_path: Path) -> None:
    """A data directory that another process holds is one line that names it, and status 1."""
    held = lock_directory(tmp_path / "ephemeral-1")
    with Launched("--port", "0", "--data-dir", tmp_path) as server:
        assert server.wait() == 1
        assert server.stdout.rest() == []
        assert server.stderr.rest() == [
            f"chat-server: data directory {tmp_path / 'ephemeral-1'} is in use by another process"
        ]
    os.close(held)


def test_damaged_data_is_named_and_stops_all(tmp_path: Path) -> None:
    """Data that cannot be read is one line that names the file, which is left as it was."""
    damaged = tmp_path / "ephemeral-1" / "chat.sqlite3"
    damaged.parent.mkdir()
    damaged.write_bytes(b"not a database" * 1000)
    with Launched("--port", "0", "--instances", "2", "--data-dir", tmp_path) as server:
        assert server.wait() == 1
        (line,) = [line for line in server.stderr.rest() if line.startswith("chat-server: ")]
        assert str(damaged) in line
    assert damaged.read_bytes() == b"not a database" * 1000


def test_second_launcher_on_the_same_data_is_refused(tmp_path: Path) -> None:
    """Whoever starts a second one on the same data is told so, whatever its ports; both know."""
    with Launched("--port", "0", "--data-dir", tmp_path) as first:
        address = first.addresses(1)[tmp_path / "ephemeral-1"]
        with (
            held_ports() as port,
            Launched("--port", str(port), "--data-dir", tmp_path) as second,
        ):
            assert second.wait() == 1
            assert second.stderr.rest() == [
                f"chat-server: data directory {tmp_path} is in use by another process; "
                "name another one with --data-dir"
            ]
        with stub(address) as chat:
            assert chat.Join(chat_pb2.JoinRequest(name="alice"), timeout=PATIENCE).token


def test_instances_are_added_and_removed(tmp_path: Path) -> None:
    """One is added and serves, one is removed and its port free; the others do not notice."""
    with (
        held_ports(3) as port,
        running(tmp_path, port, 2) as server,
    ):
        one, two, three = (tmp_path / str(port + place) for place in range(3))
        first = server.addresses(2)[one]
        before = server.instances()
        third = str(port + 2)
        assert admin(tmp_path, "start", third).returncode == 0
        added = server.instances()[three]
        with stub(f"127.0.0.1:{third}") as chat:
            assert chat.Join(chat_pb2.JoinRequest(name="alice"), timeout=PATIENCE).token
        taken = admin(tmp_path, "start", third)
        assert (taken.returncode, taken.stderr.count("\n")) == (1, 1)
        assert admin(tmp_path, "stop", str(port)).returncode == 0
        assert_gone([before[one]])
        assert_free([first])
        assert server.instances() == {two: before[two], three: added}
        assert admin(tmp_path, "start", str(port)).returncode == 0
        with stub(first) as chat:
            assert chat.Join(chat_pb2.JoinRequest(name="alice"), timeout=PATIENCE).token
        assert admin(tmp_path, "shutdown").returncode == 0
        assert server.wait() == 0
        lines = server.stdout.rest()
        assert [line.startswith("no admin yet on ") for line in lines] == [False, False, True, True]
        assert f"127.0.0.1:{third}:" in lines[3]


def test_busy_port_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    """A start on a port that somebody else has is one line, no instance and no directory."""
    texts = tmp_path / "texts"
    asked = ("--port", "0", "--data-dir", tmp_path, "--transcripts", texts)
    with Launched(*asked) as server, socket.socket() as other:
        server.addresses(1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        before = server.instances()
        refused = admin(tmp_path, "start", str(port))
        assert refused.returncode == 1
        assert f"cannot listen on 127.0.0.1:{port}: the port is in use" in refused.stderr
        assert not (tmp_path / str(port)).exists()
        assert not (texts / str(port)).exists()
        assert server.instances() == before
        assert str(port) not in admin(tmp_path, "instances").stdout


def test_killed_admin_process_is_replaced(tmp_path: Path) -> None:
    """Another one answers, and the instances have not noticed."""
    with Launched("--port", "0", "--data-dir", tmp_path) as server:
        (address,) = server.addresses(1).values()
        before = server.instances()
        killed = server.admin()
        killed.kill()
        server.stderr.wait_for(lambda line: "the admin process was ended by SIGKILL" in line)
        assert server.admin().pid != killed.pid
        wait_until(lambda: address in admin(tmp_path, "instances").stdout)
        assert server.instances() == before
        server.terminate()
        assert server.wait() == 0


def test_configuration_is_read_again(tmp_path: Path) -> None:
    """SIGHUP applies what has changed, says so, and stays with the old where the new is bad."""
    file = tmp_path / "chat.toml"
    file.write_text("[log]\nlevel = 'info'\n", encoding="utf-8")
    with Launched("--port", "0", "--data-dir", tmp_path / "d", "--config", file) as server:
        server.addresses(1)
        server.admin()
        file.write_text("[log]\nlevel = 'deebug'\n", encoding="utf-8")
        server.process.send_signal(signal.SIGHUP)
        line = server.stderr.wait_for(lambda line: "the configuration stays as it was" in line)
        assert f"{file}:2: log.level" in line
        file.write_text("[log]\nlevel = 'debug'\n", encoding="utf-8")
        server.process.send_signal(signal.SIGHUP)
        server.stderr.wait_for(lambda line: line.endswith("again; now: log.level"))
        server.terminate()
        assert server.wait() == 0
