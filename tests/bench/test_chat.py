"""What the load says: posts cut from an example, and answers counted without decoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import chat
from bench.http2 import HEADER_BYTES, Kind
from bench.rpc import PREFIX
from bench.texts import TEXT_BYTES
from chat_protos.chat.v1 import chat_pb2 as pb


@given(
    st.integers(min_value=0, max_value=10**9 - 1), st.integers(min_value=0, max_value=10**19 - 1)
)
def test_posts_are_what_they_say(number: int, due_ns: int) -> None:
    """Each post decodes to its room, its own id, and a text of 100 bytes with its time."""
    posts = chat.Posts("r7", "s-1")
    message = posts.message(number, due_ns)
    assert len(message) == posts.payload_bytes == PREFIX.unpack(message[:5])[1] + 5
    post = pb.ChatRequest.FromString(message[5:]).post
    assert post.room.room_id == "r7"
    assert post.client_msg_id == f"s-1-{number:09}"
    assert len(post.text.encode()) == TEXT_BYTES
    assert chat.due_ns_of(post.text) == due_ns


def test_post_is_one_frame() -> None:
    """A post goes out as one DATA frame of its stream."""
    posts = chat.Posts("r7", "s-1")
    sent = posts.frame(5, 1, 2)
    assert int.from_bytes(sent[:3], "big") == posts.payload_bytes
    assert (sent[3], int.from_bytes(sent[5:HEADER_BYTES], "big")) == (Kind.DATA, 5)
    assert sent[HEADER_BYTES:] == posts.message(1, 2)


def test_hello_names_what_was_read() -> None:
    """A reader names its room and position; a sender names none."""
    reader = pb.ChatRequest.FromString(chat.hello("r7", after_seq=0)[5:]).hello
    assert reader.rooms[0].room.room_id == "r7"
    assert reader.rooms[0].HasField("after_seq")
    fresh = pb.ChatRequest.FromString(chat.hello("r7")[5:]).hello
    assert not fresh.rooms[0].HasField("after_seq")
    assert not pb.ChatRequest.FromString(chat.hello()[5:]).hello.rooms


def test_answers_are_counted() -> None:
    """Acks and errors are told apart, whatever their length, and other items left out."""
    items = [
        pb.StreamItem(ack=pb.Ack(seq=1)),
        pb.StreamItem(event=pb.RoomEvent(message=pb.Message(text="x" * 300))),
        pb.StreamItem(error=pb.Error(message="y" * 20_000)),
        pb.StreamItem(ack=pb.Ack(client_msg_id="z" * 64)),
        pb.StreamItem(notice=pb.Notice()),
    ]
    response = pb.ChatResponse(items=items).SerializeToString()
    assert chat.answers(response) == (2, 1)
    assert chat.answers(response * 3) == (6, 3)
    assert chat.answers(b"") == (0, 0)


def test_other_bytes_are_no_answers() -> None:
    """Bytes that are no frame of the stream are refused rather than counted."""
    with pytest.raises(ValueError, match="not a frame"):
        chat.answers(pb.JoinResponse(user=pb.User(name="a")).SerializeToString())
