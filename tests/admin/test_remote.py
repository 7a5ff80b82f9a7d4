"""One instance, reached by its own socket."""

import asyncio
from pathlib import Path

import grpc
import pytest

from chat_service.admin.operations import AdminError
from chat_service.admin.remote import PassedOnError, Remote, target_of
from tests.admin.fake_instance import FakeInstance
from tests.admin.scene import run, short_directory


def test_socket_below_is_relative(tmp_path: Path) -> None:
    """An instance below the working directory has a short name, also behind a link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert target_of(tmp_path / "real" / "50051", tmp_path / "real") == "unix:50051/admin.sock"
    assert target_of(tmp_path / "link" / "50051", tmp_path / "real") == "unix:50051/admin.sock"


def test_socket_behind_a_link_is_relative(tmp_path: Path) -> None:
    """An instance whose data was moved and linked is named by the link, wherever that leads."""
    (tmp_path / "big disk").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "50051").symlink_to(tmp_path / "big disk")
    assert target_of(tmp_path / "data" / "50051", tmp_path / "data") == "unix:50051/admin.sock"


def test_socket_elsewhere_is_absolute(tmp_path: Path) -> None:
    """An instance elsewhere has its whole name."""
    path = (tmp_path / "data").resolve()
    assert target_of(path, tmp_path / "other") == f"unix:{path}/admin.sock"


def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    """Without a socket the call fails at once, with a line that names the instance."""

    async def story() -> None:
        remote = Remote("127.0.0.1:50051", f"unix:{tmp_path}/none.sock")
        with pytest.raises(AdminError, match=r"^127\.0\.0\.1:50051 does not answer") as refused:
            await remote.figures(50051)
        assert refused.value.reason == "INSTANCE_UNAVAILABLE"
        await remote.close()
        with pytest.raises(AdminError) as refused:
            await remote.figures(50051)
        assert refused.value.reason == "INSTANCE_UNAVAILABLE"

    run(story())


def test_instance_that_hangs_is_given_up() -> None:
    """A call has a bound, after which the instance does not answer."""

    async def story() -> None:
        with short_directory() as name:
            async with FakeInstance(50051, Path(name)) as instance:
                instance.answers.clear()
                remote = Remote("127.0.0.1:50051", f"unix:{name}/admin.sock")
                with pytest.raises(AdminError) as refused:
                    await remote.figures(50051, 0.05)
                assert refused.value.reason == "INSTANCE_UNAVAILABLE"
                await remote.close()

    run(story())


def test_refusal_is_passed_on() -> None:
    """Reason, words, status and details are those of the instance."""

    async def story() -> None:
        with short_directory() as name:
            async with FakeInstance(50051, Path(name)):
                remote = Remote("127.0.0.1:50051", f"unix:{name}/admin.sock")
                with pytest.raises(PassedOnError, match=r"^no user al$") as refused:
                    await remote.kick(50051, "al", "")
                assert refused.value.reason == "USER_NOT_FOUND"
                assert refused.value.code is grpc.StatusCode.NOT_FOUND
                assert refused.value.details
                await remote.close()

    run(story())


def test_status_without_a_reason_is_internal() -> None:
    """What no instance of ours answers is told with its status, and not taken for silence."""

    async def story() -> None:
        with short_directory() as name:
            server = grpc.aio.server()
            server.add_insecure_port(f"unix:{name}/admin.sock")
            await server.start()
            remote = Remote("127.0.0.1:50051", f"unix:{name}/admin.sock")
            with pytest.raises(PassedOnError, match="answered with UNIMPLEMENTED") as refused:
                await remote.figures(50051)
            assert refused.value.reason == "INTERNAL"
            await remote.close()
            await server.stop(0)

    run(story())


def test_instance_that_is_slow_to_accept_is_waited_for() -> None:
    """A busy instance takes its time to greet a connection, and answers all the same."""

    async def story() -> None:
        with short_directory() as name:
            async with FakeInstance(50051, Path(name)):

                async def pass_on(
                    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
                ) -> None:
                    await asyncio.sleep(0.4)
                    there, to_there = await asyncio.open_unix_connection(f"{name}/admin.sock")
                    await asyncio.gather(_pipe(reader, to_there), _pipe(there, writer))

                slow = await asyncio.start_unix_server(pass_on, f"{name}/slow.sock")
                remote = Remote("127.0.0.1:50051", f"unix:{name}/slow.sock")
                assert await remote.figures(50051)
                await remote.close()
                slow.close()

    run(story())


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
    writer.close()
