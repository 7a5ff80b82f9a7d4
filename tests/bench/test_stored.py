"""Data that is made for a server: the server takes it for its own."""

from pathlib import Path

import pytest

from bench import chat
from bench.rpc import Caller
from bench.server import ChatServer
from bench.stored import StoreError, store
from chat_protos.chat.v1 import chat_pb2 as pb


def test_server_starts_on_what_was_stored(tmp_path: Path) -> None:
    """Every message is there, across several batches, and the next one follows them."""
    store(tmp_path / "server", "archive", 2001)
    with ChatServer(tmp_path / "server") as server, Caller(server.address) as caller:
        request = chat.join_request("reader", "archive")
        joined = pb.JoinResponse.FromString(caller.call(chat.JOIN, "", request))
        assert joined.room.head_seq == 2001
        page = pb.ListMessagesRequest(
            room=pb.RoomTarget(room_id=joined.room.room_id), page_size=3, before_seq=2002
        )
        answer = caller.call(chat.LIST_MESSAGES, joined.token, page.SerializeToString())
        events = pb.ListMessagesResponse.FromString(answer).events
        assert sorted(event.seq for event in events) == [1999, 2000, 2001]


def test_refused_messages_are_an_error(tmp_path: Path) -> None:
    """A log that does not take the messages is not measured as if it had."""
    with pytest.raises(StoreError):
        store(tmp_path, "not a name of a room", 1)
