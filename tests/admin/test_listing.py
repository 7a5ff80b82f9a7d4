"""One list out of those of several instances."""

import base64

import pytest

from chat_service.admin.listing import DEFAULT_PAGE, MAX_PAGE, page_size
from chat_service.admin.operations import AdminError
from chat_service.admin.samples import Reading
from tests.admin.scene import Scene, a_fleet, run


def encoded(text: str) -> str:
    """Return a token that says this."""
    return base64.b64encode(text.encode()).decode()


async def pages(scene: Scene, port: int, size: int) -> list[list[str]]:
    """Return the names of all pages of users."""
    found: list[list[str]] = []
    token = ""
    while True:
        page = await scene.fleet.users_page(port, size, token)
        found.append([f"{user.port}:{user.user.name}" for user in page.items])
        token = page.next_token
        if not token:
            return found


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 1000])
def test_every_size_gives_the_same_list(size: int) -> None:
    """Pages are full but the last one, and together they are the list, by port and name."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052, 50053, 50054)
            scene.launcher.instances[1].users += ["cy", "al", "bo"]
            scene.launcher.instances[3].users += ["dan"]
            scene.launcher.instances[4].users += ["eve", "flo"]
            whole = ["50051:al", "50051:bo", "50051:cy", "50053:dan", "50054:eve", "50054:flo"]
            parts = await pages(scene, 0, size)
            assert [name for part in parts for name in part] == whole
            assert all(len(part) == size for part in parts[:-1])
            walked = [f"{user.port}:{user.user.name}" async for user in scene.fleet.users(0)]
            assert walked == whole

    run(story())


def test_list_of_one_instance() -> None:
    """A port that is named gives that instance's list alone, in pages too."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052)
            scene.launcher.instances[1].users += ["al"]
            scene.launcher.instances[2].users += ["bo", "cy", "di"]
            assert await pages(scene, 50052, 2) == [["50052:bo", "50052:cy"], ["50052:di"]]

    run(story())


def test_those_that_answer_are_listed() -> None:
    """Of several that hang, who they are is raised after the items of the others."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052, 50053, 50054)
            for number, instance in scene.launcher.instances.items():
                instance.users += [f"user{number}"]
            for number in (1, 3):
                place = scene.fleet.places.at(50050 + number)
                place.history.add(Reading(1.0, 1000, place.news.pid, None, None))
                scene.launcher.instances[number].answers.clear()
            found: list[str] = []

            async def read() -> None:
                async for user in scene.fleet.users(0):
                    found.append(user.user.name)

            with pytest.raises(AdminError, match=r"^50051, 50053 do not answer$") as told:
                await read()
            assert found == ["user2", "user4"]
            assert told.value.reason == "INSTANCE_UNAVAILABLE"

    run(story())


def test_list_goes_on_after_an_instance_that_is_gone() -> None:
    """A token of an instance that was stopped meanwhile goes on at the next port."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052)
            scene.launcher.instances[1].users += ["al", "bo"]
            scene.launcher.instances[2].users += ["cy"]
            token = (await scene.fleet.users_page(0, 1, "")).next_token
            await scene.fleet.stop(50051)
            page = await scene.fleet.users_page(0, 5, token)
            assert [user.user.name for user in page.items] == ["cy"]
            assert page.next_token == ""

    run(story())


@pytest.mark.parametrize(
    "token",
    ["x", "é", "=" * 9, *map(encoded, ["50051", "a:b", f"{9:05000}:", "50052:"])],
)
def test_foreign_token_is_refused(token: str) -> None:
    """What no page has given is PAGE_INVALID, a token of another instance's list too."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052)
            with pytest.raises(AdminError) as refused:
                await scene.fleet.users_page(50051, 5, token)
            assert refused.value.reason == "PAGE_INVALID"

    run(story())


def test_token_of_another_list_is_refused() -> None:
    """The users' token is no token of the rooms, as the instance says itself."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051)
            scene.launcher.instances[1].users += ["al", "bo"]
            token = (await scene.fleet.users_page(0, 1, "")).next_token
            with pytest.raises(AdminError) as refused:
                await scene.fleet.rooms_page(0, 1, token)
            assert refused.value.reason == "PAGE_INVALID"

    run(story())


def test_sizes_are_those_of_the_contract() -> None:
    """0 is the usual size, and too many are as many as there may be."""
    assert (DEFAULT_PAGE, MAX_PAGE) == (100, 1000)
    assert [page_size(asked) for asked in (0, 1, 1000, 1001)] == [100, 1, 1000, 1000]
