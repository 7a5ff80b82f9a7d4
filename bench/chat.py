"""What the load says to the chat service and what it looks at in the answers."""

from collections.abc import Iterator

from bench.http2 import Kind, frame
from bench.rpc import framed
from bench.texts import NUMBER_DIGITS, STAMP_DIGITS, TEXT_BYTES
from chat_protos.chat.v1 import chat_pb2 as pb

JOIN = "/chat.v1.ChatService/Join"
CHAT = "/chat.v1.ChatService/Chat"
LIST_MESSAGES = "/chat.v1.ChatService/ListMessages"

# Tags on the wire: each is a field number shifted by three, and 2 for a length.
_ITEM = 0x0A  # ChatResponse.items
_ACK = 0x3A  # StreamItem.ack
_ERROR = 0x42  # StreamItem.error


def join_request(name: str, room: str) -> bytes:
    """Return the request to sign in."""
    return pb.JoinRequest(name=name, room=room).SerializeToString()


def hello(room_id: str = "", *, after_seq: int | None = None) -> bytes:
    """Return the first request of a Chat stream, framed; without a room it reads none."""
    order = pb.Hello()
    if room_id:
        order.rooms.append(
            pb.RoomPosition(room=pb.RoomTarget(room_id=room_id), after_seq=after_seq)
        )
    return framed(pb.ChatRequest(hello=order).SerializeToString())


class Posts:
    """Makes posts of one size, each with its number and the time at which it was due.

    They are cut from one encoded example, since encoding each would cost the sender more
    than sending it.
    """

    def __init__(self, room_id: str, sender: str) -> None:
        number = "n" * NUMBER_DIGITS
        stamp = "t" * STAMP_DIGITS
        fill = "x" * (TEXT_BYTES - STAMP_DIGITS - 1)
        post = pb.Post(
            room=pb.RoomTarget(room_id=room_id),
            text=f"{stamp} {fill}",
            client_msg_id=f"{sender}-{number}",
        )
        message = framed(pb.ChatRequest(post=post).SerializeToString())
        self.payload_bytes = len(message)
        """Bytes of a post that count against the window of HTTP/2."""
        self._before, rest = message.split(stamp.encode())
        self._between, self._after = rest.split(number.encode())

    def frame(self, stream_id: int, number: int, due_ns: int) -> bytes:
        """Return a post as a DATA frame of the stream."""
        return frame(Kind.DATA, 0, stream_id, self.message(number, due_ns))

    def message(self, number: int, due_ns: int) -> bytes:
        """Return a post, framed for gRPC."""
        return b"%s%0*d%s%0*d%s" % (
            self._before,
            STAMP_DIGITS,
            due_ns,
            self._between,
            NUMBER_DIGITS,
            number,
            self._after,
        )


def due_ns_of(text: str) -> int:
    """Return when a text of Posts was due."""
    return int(text[:STAMP_DIGITS])


def answers(response: bytes) -> tuple[int, int]:
    """Count the acks and the errors of a ChatResponse, without decoding them.

    Raises ValueError for bytes that are no ChatResponse.
    """
    acks = errors = 0
    for tag in _item_tags(response):
        if tag == _ACK:
            acks += 1
        elif tag == _ERROR:
            errors += 1
    return acks, errors


def _item_tags(response: bytes) -> Iterator[int]:
    at = 0
    size = len(response)
    while at < size:
        if response[at] != _ITEM:
            raise ValueError("not a frame of the Chat stream")
        at += 1
        length = shift = 0
        while True:
            byte = response[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield response[at]
        at += length
