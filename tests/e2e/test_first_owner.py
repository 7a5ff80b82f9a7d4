"""The first admin, and the way back in: the real programs, from the first start on."""

import re
from pathlib import Path

import grpc

from chat_protos.chat.v1 import accounts_pb2, chat_pb2
from chat_protos.chat.v1.accounts_pb2_grpc import AccountServiceStub
from chat_protos.chat.v1.chat_pb2_grpc import ChatServiceStub
from tests.e2e.launched import PATIENCE, Launched
from tests.e2e.test_admin import Admin
from tests.e2e.test_console import console
from tests.held_ports import held_ports

PASSWORD = "correct horse battery"


def code_of(server: Launched) -> tuple[str, str]:
    """Wait for the line with the code; return the code, and the line up to it."""
    line = server.stdout.wait_for(lambda line: line.startswith("no admin yet on "))
    codes = set(re.findall(r"\b(?:[2-9A-HJ-NP-Z]{4}-){3}[2-9A-HJ-NP-Z]{4}\b", line))
    (code,) = codes
    return code, line.partition(code)[0]


def comes_back(server: Launched, address: str) -> None:
    """Wait until an instance listens that ended."""
    server.stderr.wait_for(lambda line: f"{address} listens again" in line)


def registers(address: str, name: str, code: str) -> accounts_pb2.RegisterResponse:
    """Register with a code, as any client may. Raises grpc.RpcError."""
    with grpc.insecure_channel(address) as channel:
        request = accounts_pb2.RegisterRequest(name=name, password=PASSWORD, owner_code=code)
        response: accounts_pb2.RegisterResponse = AccountServiceStub(channel).Register(
            request, timeout=PATIENCE
        )
        return response


def refused(address: str, name: str, code: str) -> str:
    """Register with a code that must be refused; return the status."""
    try:
        registers(address, name, code)
    except grpc.RpcError as error:
        return str(error.code().name)
    raise AssertionError("not refused")


def signs_in(address: str, name: str, password: str) -> str:
    """Sign in with a password; return the name."""
    with grpc.insecure_channel(address) as channel:
        request = chat_pb2.JoinRequest(name=name, password=password)
        joined: chat_pb2.JoinResponse = ChatServiceStub(channel).Join(request, timeout=PATIENCE)
        return joined.user.name


def test_first_admin_comes_by_the_code_that_the_start_prints(tmp_path: Path) -> None:
    """One code for both, good once for each; a crash keeps it, no start with an admin has one."""
    with held_ports(2) as port:
        arguments = ("--port", str(port), "--instances", "2", "--data-dir", tmp_path)
        with Launched(*arguments) as server:
            addresses = server.addresses(2)
            first, second = (addresses[tmp_path / str(port + n)] for n in (0, 1))
            code, named = code_of(server)
            assert first in named
            assert second in named
            commands = [" ".join(process.cmdline()) for process in server.instances().values()]
            assert all("owner_code_hash" in one and code not in one for one in commands)
            assert registers(first, "alice", code.lower()).account.admin
            assert refused(first, "bob", code) == "PERMISSION_DENIED"
            for data_dir, address in addresses.items():
                server.instances()[data_dir].kill()
                comes_back(server, address)
            assert refused(first, "bob", code) == "PERMISSION_DENIED"
            assert registers(second, "carol", code).account.admin
            server.terminate()
            assert server.wait() == 0
            assert not any(code in line for line in server.stderr.rest())
            assert [code in line for line in server.stdout.rest()].count(True) == 1
        for path in tmp_path.rglob("*"):
            assert not path.is_file() or code.encode() not in path.read_bytes()
        with Launched(*arguments) as server:
            server.addresses(2)
            server.terminate()
            assert server.wait() == 0
            assert not any("no admin" in line for line in server.stdout.rest())


def test_way_back_in_needs_the_data_directory_alone(tmp_path: Path) -> None:
    """A lost password, a lost admin, a code: all by `chat-admin`, all in the audit log."""
    with Launched("--port", "0", "--instances", "1", "--data-dir", tmp_path) as server:
        (address,) = server.addresses(1).values()
        code, _ = code_of(server)
        registers(address, "alice", code)
        admin = Admin(tmp_path)
        said, password = admin.does("set-password", "alice", "--generate")
        assert said.endswith("1 session ended")
        assert signs_in(address, "alice", password.removeprefix("password: ")) == "alice"
        done = admin.does("add-account", "bob", "--generate")
        assert signs_in(address, "bob", done[1].removeprefix("password: ")) == "bob"
        admin.does("admin", "bob", "on")
        admin.does("admin", "alice", "off")
        kinds = {one["name"]: (one["account"], one["admin"]) for one in admin.tells("users")}
        assert kinds == {"alice": (True, False), "bob": (True, True)}
        fresh = admin.does("owner-code")[0].split()[0]
        assert fresh != code
        assert registers(address, "carol", fresh).account.admin
        admin.does("close-account", "carol", "left", "us")
        entries = admin.tells("audit")
        assert [(one["action"], one["target"], one["actor"]) for one in entries] == [
            ("deactivate", "carol", None),
            ("admin", "carol", None),
            ("owner-code", None, None),
            ("admin", "alice", None),
            ("admin", "bob", None),
            ("account", "bob", None),
            ("password-reset", "alice", None),
            ("admin", "alice", None),
        ]
        assert entries[0]["reason"] == "left us"
        status, line = admin.fails("set-password", "alice")
        assert (status, "there is no terminal to ask on" in line) == (1, True)


def test_console_says_no_more_that_there_is_no_admin(tmp_path: Path) -> None:
    """The line goes on about the other instance, and then says that the code was used."""
    with console(tmp_path, 2, columns=200) as (server, port):
        one, two = (f"127.0.0.1:{port + number}" for number in range(2))
        server.shows(f"no admin yet on {one}, {two}: ")
        (line,) = [row for row in server.rows() if row.startswith("no admin yet")]
        code = line.partition("one-time code ")[2].split()[0]
        registers(one, "alice", code)
        server.shows(f"no admin yet on {two}: ")
        registers(two, "alice", code)
        server.shows("the one-time code for the first admin was used")
        assert not any("no admin yet" in row for row in server.rows())
