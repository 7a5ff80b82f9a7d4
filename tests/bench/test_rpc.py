"""Calls of the load client: messages cut from streams, and a link to a listening socket."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.http2 import (
    FLAG_END_HEADERS,
    FLAG_END_STREAM,
    HEADER_BYTES,
    PREFACE,
    Kind,
    frame,
    header_block,
)
from bench.rpc import Caller, CallError, WholeMessages, framed

PATIENCE_S = 20.0
END = frame(
    Kind.HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1, header_block([("grpc-status", "5")])
)


@given(
    st.lists(st.binary(max_size=30), max_size=6), st.lists(st.integers(min_value=1, max_value=20))
)
def test_messages_come_whole(messages: list[bytes], cuts: list[int]) -> None:
    """However a stream is cut, its messages come whole, in order, empty ones too."""
    taken: list[bytes] = []
    ends: list[str] = []
    sink = WholeMessages(taken.append, ends.append)
    stream = b"".join(map(framed, messages))
    assert sink.between
    for size in cuts:
        sink.data(memoryview(stream[:size]))
        stream = stream[size:]
    sink.data(memoryview(stream))
    sink.ended("done")
    assert taken == messages
    assert ends == ["done"]
    assert sink.between


def test_part_of_a_message_is_noticed() -> None:
    """In the middle of a prefix or of a message, the stream is not between messages."""
    sink = WholeMessages(lambda _: None, lambda _: None)
    stream = framed(b"text")
    for at in range(len(stream)):
        sink.data(memoryview(stream[at : at + 1]))
        assert sink.between == (at == len(stream) - 1)


Script = Callable[[socket.socket], None]


@pytest.fixture
def listening() -> Iterator[Callable[[Script], str]]:
    """Serve one connection by a script; gives the address."""
    threads = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def start(script: Script) -> str:
            def serve() -> None:
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(PATIENCE_S)
                    script(connection)

            thread = threading.Thread(target=serve)
            thread.start()
            threads.append(thread)
            return f"127.0.0.1:{server.getsockname()[1]}"

        yield start
        for thread in threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


def request_of(connection: socket.socket) -> bytes:
    """Read until the end of the first request; return its message."""
    stream = connection.makefile("rb")
    assert stream.read(len(PREFACE)) == PREFACE
    message = b""
    while True:
        header = stream.read(HEADER_BYTES)
        payload = stream.read(int.from_bytes(header[:3], "big"))
        if header[3] == Kind.DATA:
            message += payload
            if header[4] & FLAG_END_STREAM:
                return message


def test_call_gets_its_answer(listening: Callable[[Script], str]) -> None:
    """A unary call sends its request framed, and returns the message of the answer."""

    def script(connection: socket.socket) -> None:
        answer = framed(b"echo " + request_of(connection)[5:])
        connection.sendall(frame(Kind.DATA, 0, 1, answer) + END)
        assert connection.recv(1) == b""

    with Caller(listening(script)) as caller:
        assert caller.call("/a/B", "", b"hello") == b"echo hello"


def test_refused_call_tells_why(listening: Callable[[Script], str]) -> None:
    """A call that ends without an answer raises an error that shows method and trailers."""

    def script(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(END)
        assert connection.recv(1) == b""

    with Caller(listening(script)) as caller, pytest.raises(CallError, match=r"/a/B.*grpc-status"):
        caller.call("/a/B", "token", b"")


def test_lost_connection_ends_the_call(listening: Callable[[Script], str]) -> None:
    """A call whose connection the server closes ends at once."""

    def script(connection: socket.socket) -> None:
        request_of(connection)

    with Caller(listening(script)) as caller, pytest.raises(CallError, match="/a/B"):
        caller.call("/a/B", "", b"")


def test_silent_server_does_not_hold_a_call(listening: Callable[[Script], str]) -> None:
    """A call that gets no answer ends after its time."""

    def script(connection: socket.socket) -> None:
        while connection.recv(4096):
            pass

    with Caller(listening(script), timeout_s=0.05) as caller, pytest.raises(TimeoutError):
        caller.call("/a/B", "", b"")
