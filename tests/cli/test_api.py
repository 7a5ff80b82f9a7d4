"""`chat_cli.session.api`: the channel's options, and calls that fail in our own words."""

import grpc
import pytest

from chat_cli.model import ByName
from chat_cli.session.api import CHANNEL_OPTIONS, ChatApi, options_for
from chat_cli.session.errors import CallError, UnauthenticatedError, UnreachableError
from tests.cli.desk import run
from tests.cli.fake_service import FakeService


def test_the_channel_notices_a_dead_server_and_keeps_unread_input_small() -> None:
    """Ping every 30 s, dead after 10 s, no growing windows, no shared back-off."""
    assert dict(CHANNEL_OPTIONS) == {
        "grpc.keepalive_time_ms": 30_000,
        "grpc.keepalive_timeout_ms": 10_000,
        "grpc.http2.ping_timeout_ms": 10_000,
        "grpc.http2.max_pings_without_data": 0,
        "grpc.http2.bdp_probe": 0,
        "grpc.http2.lookahead_bytes": 65_536,
        "grpc.use_local_subchannel_pool": 1,
    }


def test_no_proxy_stands_between_a_machine_and_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy of the environment is for other machines."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    async def story() -> None:
        async with FakeService() as fake, ChatApi(fake.target) as api:
            assert (await api.join("anna")).user.name == "anna"

    run(story())
    for target in ("localhost:1", "LOCALHOST:1", "127.0.0.2:1", "[::1]:1"):
        assert ("grpc.enable_http_proxy", 0) in options_for(target)
    for target in ("localhost.example.org:1", "chat.example.org:1", "[::2]:1"):
        assert ("grpc.http_proxy", "http://127.0.0.1:9") in options_for(target)
        assert ("grpc.enable_http_proxy", 0) in options_for(target, {})


def test_join_gives_all_there_is_to_know() -> None:
    """User, epoch, limits and the room that was asked for."""

    async def story() -> None:
        async with FakeService(send_burst=7) as fake, ChatApi(fake.target) as api:
            joined = await api.join("anna", "dev")
            assert joined.user.name == "anna"
            assert (joined.epoch, joined.limits.send_burst) == ("e1", 7)
            assert joined.room
            assert joined.room.name == "dev"
            again = await api.join("ANNA", token=joined.token)
            assert again.user == joined.user
            assert again.room is None

    run(story())


def test_every_call_fails_in_our_words() -> None:
    """Without a token none works, and each says why."""

    async def story() -> None:
        async with FakeService() as fake, ChatApi(fake.target) as api:
            for call in (
                api.list_users(None),
                api.list_rooms(),
                api.newest_events(ByName("lobby"), 5),
                api.sign_out("nonsense", within=5.0),
                api.join("anna", token="nonsense"),
            ):
                with pytest.raises(UnauthenticatedError, match="your sign-in is over"):
                    await call
            fake.user("anna")
            with pytest.raises(CallError) as taken:
                await api.join("anna")
            assert taken.value.code is grpc.StatusCode.ALREADY_EXISTS

    run(story())


def test_nobody_listening_is_no_answer() -> None:
    """A refused connection fails at once."""

    async def story() -> None:
        fake = FakeService()
        await fake.start()
        await fake.stop()
        async with ChatApi(fake.target) as api:
            with pytest.raises(UnreachableError, match="no answer"):
                await api.join("anna")

    run(story())


def test_history_gives_no_more_than_was_asked_for() -> None:
    """Oldest first, over as many pages as it takes."""

    async def story() -> None:
        async with FakeService() as fake, ChatApi(fake.target) as api:
            api.token = (await api.join("anna")).token
            for number in range(5):
                fake.say("bob", f"n{number}")
            events = await api.newest_events(ByName("lobby"), 3)
            assert [event.seq for event in events] == [3, 4, 5]
            assert len(await api.newest_events(ByName("lobby"), 50)) == 5

    run(story())
