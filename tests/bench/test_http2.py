"""The framing of the load client: what it sends, and what it makes of what arrives."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import http2
from bench.http2 import (
    FIRST_WINDOW,
    FLAG_ACK,
    FLAG_END_HEADERS,
    FLAG_END_STREAM,
    FLAG_PADDED,
    HEADER_BYTES,
    MAX_WINDOW,
    PREFACE,
    SETTINGS_INITIAL_WINDOW,
    Connection,
    Kind,
    ProtocolError,
    frame,
    header_block,
)

Frame = tuple[int, int, int, bytes]


class Taken:
    """A Sink that keeps what it takes."""

    def __init__(self) -> None:
        self.bytes = b""
        self.end: str | None = None

    def data(self, chunk: memoryview) -> None:
        self.bytes += chunk

    def ended(self, how: str) -> None:
        self.end = how


def frames_of(sent: bytes) -> list[Frame]:
    """Return kind, flags, stream and payload of each frame."""
    frames = []
    while sent:
        size = int.from_bytes(sent[:3], "big")
        kind, flags, stream_id = struct.unpack(">BBI", sent[3:HEADER_BYTES])
        frames.append((kind, flags, stream_id, sent[HEADER_BYTES : HEADER_BYTES + size]))
        sent = sent[HEADER_BYTES + size :]
    return frames


def opened() -> tuple[Connection, Taken, int]:
    """Return a connection with one stream, and nothing left to send."""
    connection = Connection()
    taken = Taken()
    stream_id = connection.open([(":method", "POST")], taken)
    connection.outgoing.clear()
    return connection, taken, stream_id


def receive(connection: Connection, data: bytes) -> list[Frame]:
    """Hand over bytes; return the frames that the connection answers with."""
    connection.outgoing.clear()
    connection.receive(memoryview(data))
    return frames_of(bytes(connection.outgoing))


def headers_of(block: bytes) -> list[tuple[str, str]]:
    """Read back literal headers."""
    headers = []
    while block:
        assert block[0] == 0
        block = block[1:]
        pair = []
        for _ in range(2):
            size, at = block[0], 1
            if size == 127:
                shift = 0
                while True:
                    size += (block[at] & 0x7F) << shift
                    shift += 7
                    at += 1
                    if block[at - 1] < 128:
                        break
            pair.append(block[at : at + size].decode())
            block = block[at + size :]
        headers.append((pair[0], pair[1]))
    return headers


def test_first_words_widen_the_windows() -> None:
    """A connection begins with the preface, its settings, and a window as wide as may be."""
    sent = bytes(Connection().outgoing)
    assert sent.startswith(PREFACE)
    settings, update = frames_of(sent[len(PREFACE) :])
    assert settings[0] == Kind.SETTINGS
    assert struct.pack(">HI", SETTINGS_INITIAL_WINDOW, MAX_WINDOW) in settings[3]
    assert update == (Kind.WINDOW_UPDATE, 0, 0, struct.pack(">I", MAX_WINDOW - FIRST_WINDOW))


def test_streams_have_odd_numbers() -> None:
    """Each call gets the next odd number, and its headers as they were given."""
    connection = Connection()
    connection.outgoing.clear()
    first = connection.open([("te", "trailers")], Taken())
    second = connection.open([("authorization", "Bearer " + "t" * 300)], Taken())
    (one, two) = frames_of(bytes(connection.outgoing))
    assert (first, second) == (1, 3)
    assert one == (Kind.HEADERS, FLAG_END_HEADERS, 1, header_block([("te", "trailers")]))
    assert headers_of(two[3]) == [("authorization", "Bearer " + "t" * 300)]


@given(st.lists(st.tuples(st.text("abc-:", min_size=1), st.text("xyz ", max_size=600))))
def test_header_block_can_be_read_back(headers: list[tuple[str, str]]) -> None:
    """Names and values of any length survive their encoding."""
    assert headers_of(header_block(headers)) == headers


@given(
    st.lists(st.binary(max_size=40), min_size=1, max_size=6),
    st.lists(st.integers(min_value=1, max_value=30)),
)
def test_cuts_change_nothing(payloads: list[bytes], cuts: list[int]) -> None:
    """However the server's bytes are cut on the way, the same reaches the stream."""
    connection, taken, stream_id = opened()
    sent = b"".join(
        frame(Kind.DATA, 0, stream_id, payload) + frame(Kind.PING, 0, 0, b"12345678")
        for payload in payloads
    )
    sent += frame(Kind.HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, stream_id, b"\0status")
    for size in cuts:
        connection.receive(memoryview(sent[:size]))
        sent = sent[size:]
    connection.receive(memoryview(sent))
    assert taken.bytes == b"".join(payloads)
    assert taken.end == "status"
    pong = (Kind.PING, FLAG_ACK, 0, b"12345678")
    assert frames_of(bytes(connection.outgoing)) == [pong] * len(payloads)


def test_data_goes_to_its_stream() -> None:
    """What arrives on one stream does not reach another, nor does that of an unknown one."""
    connection, first, first_id = opened()
    second = Taken()
    second_id = connection.open([], second)
    receive(connection, frame(Kind.DATA, 0, second_id, b"two"))
    receive(connection, frame(Kind.DATA, 0, first_id, b"one"))
    receive(connection, frame(Kind.DATA, 0, 99, b"nobody"))
    assert (first.bytes, second.bytes) == (b"one", b"two")


def test_sending_is_bounded_by_both_windows() -> None:
    """A stream sends as much as it and the connection may, and no byte more."""
    connection, _, stream_id = opened()
    assert connection.window(stream_id) == FIRST_WINDOW
    connection.send(stream_id, b"x" * FIRST_WINDOW)
    with pytest.raises(ProtocolError):
        connection.send(stream_id, b"x")
    receive(connection, frame(Kind.WINDOW_UPDATE, 0, stream_id, struct.pack(">I", 50)))
    assert connection.window(stream_id) == 0
    receive(connection, frame(Kind.WINDOW_UPDATE, 0, 0, struct.pack(">I", 20)))
    assert connection.window(stream_id) == 20
    connection.send(stream_id, b"x" * 20, end=True)
    last = frames_of(bytes(connection.outgoing))[-1]
    assert last == (Kind.DATA, FLAG_END_STREAM, stream_id, b"x" * 20)


def test_settings_change_the_windows_of_streams() -> None:
    """A server's first window counts for streams that are open and for later ones."""
    connection, _, stream_id = opened()
    setting = struct.pack(">HI", SETTINGS_INITIAL_WINDOW, 100)
    assert receive(connection, frame(Kind.SETTINGS, 0, 0, setting)) == [
        (Kind.SETTINGS, FLAG_ACK, 0, b"")
    ]
    assert connection.window(stream_id) == 100
    assert connection.window(connection.open([], Taken())) == 100


def test_acks_of_the_server_are_not_answered() -> None:
    """Acks of settings and pings end there."""
    connection, _, _ = opened()
    assert receive(connection, frame(Kind.SETTINGS, FLAG_ACK, 0)) == []
    assert receive(connection, frame(Kind.PING, FLAG_ACK, 0, b"12345678")) == []


def test_window_of_the_connection_is_filled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After REFILL_BYTES the server is given back what it has used, and then again."""
    monkeypatch.setattr(http2, "REFILL_BYTES", 1000)
    connection, _, stream_id = opened()
    chunk = frame(Kind.DATA, 0, stream_id, bytes(400))
    update = (Kind.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1200))
    answers = [receive(connection, chunk) for _ in range(6)]
    assert answers == [[], [], [update], [], [], [update]]


def test_reset_ends_the_stream() -> None:
    """A reset is told with its code, and the stream may send no more."""
    connection, taken, stream_id = opened()
    receive(connection, frame(Kind.RST_STREAM, 0, stream_id, struct.pack(">I", 7)))
    assert taken.end == "reset with code 7"
    assert connection.window(stream_id) == 0


def test_trailers_are_told_as_far_as_they_are_legible() -> None:
    """The end of a stream shows what a person can read of the trailers."""
    connection, taken, stream_id = opened()
    block = header_block([("grpc-status", "14"), ("grpc-message", "come back")])
    flags = FLAG_END_HEADERS | FLAG_END_STREAM
    receive(connection, frame(Kind.HEADERS, flags, stream_id, block))
    assert taken.end is not None
    assert "come back" in taken.end


def test_lost_connection_ends_all_streams() -> None:
    """When the connection is gone, each stream is told once."""
    connection, first, _ = opened()
    second = Taken()
    connection.open([], second)
    connection.lost("gone")
    assert (first.end, second.end) == ("gone", "gone")


@pytest.mark.parametrize(
    "unread",
    [
        frame(Kind.DATA, FLAG_PADDED, 1, b"\0x"),
        frame(Kind.HEADERS, 0, 1, b"\0"),
        frame(Kind.PUSH_PROMISE, FLAG_END_HEADERS, 1, b"\0\0\0\2"),
        frame(Kind.CONTINUATION, FLAG_END_HEADERS, 1, b"\0"),
    ],
)
def test_what_is_not_read_is_refused(unread: bytes) -> None:
    """A frame that this client does not understand is an error, not a wrong figure."""
    connection, _, _ = opened()
    with pytest.raises(ProtocolError):
        receive(connection, unread)
