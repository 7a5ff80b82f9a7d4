"""Duplicate storms: whatever is sent again has one effect, and gets the first answer."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from tests.chaos.client import CONNECTION, Client
from tests.chaos.figures import Figures
from tests.chaos.load import settle, until
from tests.chaos.record import BrokenPromiseError, Place, Record, message_id
from tests.chaos.scale import BOUNDED, Scale
from tests.chaos.server import Server

CALL_S = 30.0


async def post(client: Client, record: Record, text: str, number: int) -> pb.PostMessageResponse:
    """Post by a call on a connection of its own, and take the answer to the record."""
    message = message_id(client.name, number)
    async with grpc.aio.insecure_channel(client.address, options=CONNECTION) as channel:
        answer = await stubs.ChatServiceStub(channel).PostMessage(
            pb.PostMessageRequest(
                post=pb.Post(
                    room=pb.RoomTarget(room_id=client.room_id), text=text, client_msg_id=message
                )
            ),
            metadata=(("authorization", f"Bearer {client.token}"),),
            timeout=CALL_S,
        )
    record.ack(message, Place(answer.room_id, answer.seq), duplicate=answer.duplicate)
    return answer


async def storm(
    server: Server, scale: Scale, chance: random.Random, *stops: Callable[[], object]
) -> tuple[Record, list[int]]:
    """Send everything several times; return what was told, and how many duplicates were.

    First in streams, each post three times; then many calls with one id at once; then that
    id again after each of the stops, of which the server starts again.
    """
    record = Record()
    counts = []
    thrice = Client(server.address, "thrice", "again", record=record, chance=chance, copies=3)
    other = Client(server.address, "other", "again", record=record, chance=chance)
    async with thrice, other:
        for _ in range(scale.repeated):
            thrice.say()
        await settle([thrice, other])
        # A post is answered with its first answer, and two more are on their way.
        await until(
            lambda: record.duplicates >= 2 * scale.repeated or bool(record.breaches),
            "all copies are answered",
        )
        counts.append(record.duplicates)
        number = scale.repeated
        copies = [post(thrice, record, "one of many", number) for _ in range(scale.copies)]
        answers = await asyncio.gather(*copies)
        counts.append(sum(answer.duplicate for answer in answers))
        for stop in stops:
            await asyncio.to_thread(stop)
            await asyncio.to_thread(server.start)
            counts.append((await post(thrice, record, "one of many", number)).duplicate)
        await settle([thrice, other])
        try:
            await post(thrice, record, "something else", number)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
                record.breach("ended", f"an id with another text met {error}")
        else:
            record.breach("twice", "an id was taken for two texts")
    return record, counts


def test_what_is_sent_again_has_one_effect(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """Each post has one place; all its answers name it, and all but one say duplicate."""
    with Server(tmp_path) as server:
        record, counts = asyncio.run(storm(server, scale, chance, server.terminate, server.kill))
        assert server.terminate() == 0
        record.compare_stored(server.database)
    figures["posts, each sent three times"] = scale.repeated
    figures["answers to them that say duplicate"] = counts[0]
    figures["parallel copies of one post"] = scale.copies
    figures["answers to them that say duplicate "] = counts[1]
    figures["answers after a restart and a crash that say duplicate"] = sum(counts[2:])
    figures["posts stored"] = len(record.acked)
    figures["breaches"] = sum(record.breaches.values())
    record.verdict()
    assert counts == [2 * scale.repeated, scale.copies - 1, True, True]
    assert len(record.acked) == scale.repeated + 1


def test_forgotten_ids_are_noticed(tmp_path: Path, chance: random.Random, figures: Figures) -> None:
    """A server that does not look an id up stores a retry twice, which is seen."""
    with Server(tmp_path, fault="forgotten-ids") as server:
        record, _ = asyncio.run(storm(server, BOUNDED, chance))
    figures["breaches found"] = dict(record.breaches)
    with pytest.raises(BrokenPromiseError):
        record.verdict()
    assert record.breaches["twice"]
