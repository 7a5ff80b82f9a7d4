"""The instances that there are."""

import asyncio
from pathlib import Path

import pytest

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.operations import AdminError
from chat_service.admin.places import STATES, Places
from chat_service.link import InstanceNews, InstanceState
from tests.admin.scene import run


def news(number: int, port: int, state: InstanceState, pid: int = 7) -> InstanceNews:
    """Return what the launcher says of an instance."""
    return InstanceNews(number, f"127.0.0.1:{port}", port, state, 1, 0, pid, f"/data/{port}")


def test_every_state_has_its_number() -> None:
    """The states of the link are those of the contract, by name."""
    assert {state: pb.InstanceState.Name(number) for state, number in STATES.items()} == {
        state: f"INSTANCE_STATE_{state.name}" for state in InstanceState
    }


def test_channel_lasts_as_long_as_the_process(tmp_path: Path) -> None:
    """There is one while an instance serves, and another one for another process."""

    async def story() -> None:
        places = Places(tmp_path)
        places.learn(news(1, 50051, InstanceState.STARTING))
        place = places.at(50051)
        assert place.remote is None
        places.learn(news(1, 50051, InstanceState.SERVING))
        first = place.remote
        assert first is not None
        places.learn(news(1, 50051, InstanceState.SERVING))
        assert place.remote is first
        places.learn(news(1, 50051, InstanceState.SERVING, pid=8))
        assert place.remote not in (None, first)
        places.learn(news(1, 50051, InstanceState.WAITING, pid=0))
        assert place.remote is None
        await places.close()

    run(story())


def test_port_0_is_no_instance(tmp_path: Path) -> None:
    """An instance whose port the system has not chosen yet is not found by 0."""

    async def story() -> None:
        places = Places(tmp_path)
        places.learn(news(1, 0, InstanceState.STARTING))
        with pytest.raises(AdminError) as refused:
            places.at(0)
        assert refused.value.reason == "INSTANCE_NOT_FOUND"
        assert places.serving(0) == []
        await places.close()

    run(story())


def test_all_that_serve_come_by_port(tmp_path: Path) -> None:
    """Numbers order the table, ports the lists."""

    async def story() -> None:
        places = Places(tmp_path)
        places.learn(news(2, 50051, InstanceState.SERVING))
        places.learn(news(1, 50052, InstanceState.SERVING))
        places.learn(news(3, 50050, InstanceState.STOPPED))
        assert [place.news.number for place in places] == [1, 2, 3]
        assert [place.news.port for place in places.serving(0)] == [50051, 50052]
        places.forget(2)
        assert [place.news.port for place in places.serving(0)] == [50052]
        await asyncio.gather(places.close())

    run(story())
