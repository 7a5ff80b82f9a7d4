"""The real `chat-admin` against the real `chat-server`: what an operator does from scripts."""

import asyncio
import itertools
import json
import socket
import subprocess
import sysconfig
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from tests.e2e.launched import PATIENCE, Launched
from tests.edge.clients import CONNECTION, Guest, story
from tests.held_ports import held_ports

COMMAND = str(Path(sysconfig.get_path("scripts")) / "chat-admin")


class Admin:
    """`chat-admin` for one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        # The operator's side comes a moment after the instances.
        self._wait = ["--wait", str(PATIENCE)]

    def waits_no_more(self) -> None:
        """Expect the server to be there, or not to be."""
        self._wait = []

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command."""
        return subprocess.run(
            [COMMAND, "--data-dir", str(self._data_dir), *self._wait, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )

    def does(self, *arguments: str) -> list[str]:
        """Run a command that must succeed; return its lines."""
        done = self.run(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.splitlines()

    # Any: whatever JSON holds.
    def tells(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command that must succeed; return its objects."""
        return list(map(json.loads, self.does(*arguments, "--json")))

    def fails(self, *arguments: str) -> tuple[int, str]:
        """Run a command that must fail with one line; return the exit code and the line."""
        done = self.run(*arguments)
        assert done.stdout == "", done
        (line,) = done.stderr.splitlines()
        return done.returncode, line


@asynccontextmanager
async def guest(address: str, name: str) -> AsyncIterator[Guest]:
    """Sign somebody in who reads the lobby."""
    async with grpc.aio.insecure_channel(address, options=CONNECTION) as channel:
        request = pb.JoinRequest(name=name)
        joined = await stubs.ChatServiceStub(channel).Join(request, timeout=PATIENCE)
        someone = Guest(address, channel, joined)
        await someone.opens("lobby")
        yield someone


def ports(instances: list[dict[str, Any]], state: str = "serving") -> list[int]:
    """Return the ports of the instances in this state."""
    return [one["port"] for one in instances if one["state"] == state]


def test_instances_come_and_go(tmp_path: Path) -> None:
    """One is added, stopped, started again and restarted while others run; all stop at the end."""
    admin = Admin(tmp_path)
    with (
        held_ports(3) as first,
        Launched(
            *("--data-dir", tmp_path, "--port", str(first), "--instances", "2", "--no-console")
        ) as server,
    ):
        server.addresses(2)
        second, third = first + 1, first + 2
        assert ports(admin.tells("instances")) == [first, second]
        assert admin.does("start", str(third)) == [f"127.0.0.1:{third} serves"]
        assert ports(admin.tells("instances")) == [first, second, third]
        code, line = admin.fails("start", str(third))
        assert code == 1
        assert str(third) in line
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            code, line = admin.fails("start", str(taken.getsockname()[1]))
            assert code == 1
            assert "in use" in line
        assert admin.does("stop", str(second)) == [f"127.0.0.1:{second} has stopped"]
        assert ports(admin.tells("instances"), "stopped") == [second]
        assert admin.fails("stop", str(second))[0] == 1
        assert admin.does("start", str(second)) == [f"127.0.0.1:{second} serves"]
        (before,) = (one for one in admin.tells("instances") if one["port"] == first)
        assert admin.does("restart", str(first)) == [f"127.0.0.1:{first} serves again"]
        (after,) = (one for one in admin.tells("instances") if one["port"] == first)
        assert (after["number"], after["restarts"]) == (before["number"], 0)
        assert after["pid"] != before["pid"]
        assert admin.does("reload") == ["nothing has changed"]
        assert admin.does("shutdown") == ["the server stops"]
        assert server.wait() == 0
        admin.waits_no_more()
        code, line = admin.fails("instances")
    assert code == 3
    assert line.startswith(f"chat-admin: no server answers with the data directory {tmp_path}")


@story
async def test_operator_and_people(tmp_path: Path) -> None:
    """Who is there is told, everybody hears an announcement, and who is removed is gone."""
    admin = Admin(tmp_path)
    with Launched(
        "--data-dir", tmp_path, "--port", "0", "--instances", "2", "--no-console"
    ) as server:
        here, there = sorted(server.addresses(2).values(), key=lambda one: int(one[10:]))
        async with guest(here, "alice") as alice, guest(there, "bob") as bob:
            port = here.rpartition(":")[2]
            told = await asyncio.to_thread(admin.tells, "users")
            assert [(one["name"], one["connected"], one["rooms"]) for one in told] == [
                ("alice", True, ["lobby"]),
                ("bob", True, ["lobby"]),
            ]
            assert told[0]["addresses"] == ["127.0.0.1"]
            (room,) = await asyncio.to_thread(admin.tells, "rooms", port)
            assert (room["name"], room["members"], room["readers"]) == ("lobby", 1, 1)
            said = await asyncio.to_thread(admin.does, "say", "Back", "in 5 minutes.")
            assert said == ["said to 2 clients"]
            for someone in (alice, bob):
                item = await someone.chat.item(lambda item: item.HasField("notice"))
                assert item.notice.kind == pb.NOTICE_KIND_ANNOUNCEMENT
                assert item.notice.text == "Back in 5 minutes."
            assert (await asyncio.to_thread(admin.fails, "kick", "bob"))[0] == 2
            kicked = await asyncio.to_thread(admin.does, "kick", port, "Alice", "no", "adverts")
            assert kicked == [f"alice was removed from {port}: 1 session ended"]
            end = await alice.chat.end()
            assert end is not None
            assert (end.code, end.reason) == (grpc.StatusCode.PERMISSION_DENIED, "KICKED")
            assert "no adverts" in end.message
            assert [one["name"] for one in await asyncio.to_thread(admin.tells, "users")] == ["bob"]
            code, line = await asyncio.to_thread(admin.fails, "kick", port, "alice")
            assert (code, "alice" in line or "nobody" in line) == (1, True)


@story
async def test_export_is_the_history(tmp_path: Path) -> None:
    """Every message is exported once, in both formats, while people talk; figures tell of them."""
    admin = Admin(tmp_path)
    texts = [f"message {number}" for number in range(1, 1501)]
    arguments = ("--data-dir", tmp_path, "--port", "0", "--no-console", "--no-rate-limits")
    with Launched(*arguments, "--stats-interval", "1") as server:
        (address,) = server.addresses(1).values()
        async with guest(address, "alice") as alice:
            orders = [await alice.chat.posts(text) for text in texts]
            await alice.chat.ack(orders[-1])
            enough = asyncio.Event()
            talking = asyncio.create_task(chatter(alice, enough))
            objects = await asyncio.to_thread(admin.does, "export", "lobby", "--format", "jsonl")
            output = tmp_path / "lobby.txt"
            saved = await asyncio.to_thread(admin.does, "export", "#LOBBY", "--output", str(output))
            enough.set()
            await talking
            assert saved == []
            events = list(map(json.loads, objects))
            assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
            assert [one["text"] for one in events][:1500] == texts
            assert {one["author_id"] for one in events} == {alice.user_id}
            lines = output.read_text(encoding="utf-8").splitlines()
            assert len(lines) >= len(events)
            assert [line.partition("Z ")[2] for line in lines[:1500]] == [
                f"<alice> {text}" for text in texts
            ]
            code, line = await asyncio.to_thread(admin.fails, "export", "nowhere")
            assert (code, line) == (1, "chat-admin: there is no public room of that name")
            samples = await asyncio.to_thread(sampled, admin)
            assert samples[-1]["users"] == 1
            assert samples[-1]["memory_bytes"] > 10 << 20
            assert samples[-1]["connections"] >= 1


async def chatter(someone: Guest, enough: asyncio.Event) -> None:
    """Go on talking until it is enough. A cancelled write would end the stream with it."""
    for number in itertools.count():
        if enough.is_set():
            return
        await someone.says(f"chatter {number}")


def sampled(admin: Admin) -> list[dict[str, Any]]:
    """Wait until there is a sample; return all."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        samples = admin.tells("stats")
        if samples and samples[-1]["users"]:
            return samples
    raise AssertionError("there are no samples")
