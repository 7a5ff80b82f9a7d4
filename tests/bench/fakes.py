"""Servers of the wires that others speak, in a few lines each: one room, nothing checked.

with FakeIrc() as server:    an address to connect to; a thread for each client
    ...
server.leave_out(1)    from now on the client that came second hears nothing
server.close(1)        the client that came second is cut off
"""

import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from bench.server import Server


class Client:
    """One connected client."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.name = ""
        self.listens = False

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)


class FakeServer:
    """Answers line by line; obeys `bench.server.Server` as far as this process can."""

    wire = ""
    at_once = 2
    start_s = 0.0

    def __init__(self, _: Path = Path()) -> None:
        self.address = ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._clients: list[Client] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for client in self._clients:
            try:
                client.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads[1:]:
            thread.join()

    def cpu_seconds(self) -> float:
        return 0.0

    def resident_bytes(self) -> int:
        return 0

    def line(self, client: Client, line: bytes) -> None:
        raise NotImplementedError

    def leave_out(self, place: int) -> None:
        """Let one of those who listen hear nothing more."""
        with self._lock:
            [client for client in self._clients if client.listens][place].listens = False

    def close(self, place: int) -> None:
        """Close the connection of one of those who listen."""
        with self._lock:
            client = [client for client in self._clients if client.listens][place]
            client.listens = False
            client.connection.shutdown(socket.SHUT_RDWR)

    def say(self, data: bytes) -> None:
        """Send to all who listen."""
        for client in self._clients:
            if client.listens:
                client.send(data)

    def greet(self, client: Client) -> None:
        """Say what is said first."""

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            client = Client(connection)
            thread = threading.Thread(target=self._serve, args=(client,))
            with self._lock:
                self._clients.append(client)
                self._threads.append(thread)
            thread.start()

    def _serve(self, client: Client) -> None:
        with client.connection, client.connection.makefile("rb") as lines:
            try:
                self.greet(client)
                for line in lines:
                    with self._lock:
                        self.line(client, line.rstrip())
            except OSError:
                pass
            with self._lock:
                client.listens = False


class FakeIrc(FakeServer):
    """One channel of an IRC server, which lets outsiders speak."""

    wire = "irc"

    def line(self, client: Client, line: bytes) -> None:
        command, _, rest = line.partition(b" ")
        name = client.name.encode()
        if command == b"NICK":
            client.name = rest.decode()
        elif command == b"USER":
            client.send(b":here 001 " + name + b" :Welcome\r\n:here 422 " + name + b" :No MOTD\r\n")
        elif command == b"JOIN":
            client.listens = True
            self.say(b":" + name + b"!u@h JOIN " + rest + b"\r\n")
            names = b" ".join(each.name.encode() for each in self._clients if each.listens)
            reply = b":here 353 %b = %b :%b\r\n:here 366 %b %b :End\r\n"
            client.send(reply % (name, rest, names, name, rest))
        elif command == b"PRIVMSG":
            self.say(b":" + name + b"!u@h " + line + b"\r\n")
        elif command == b"PING":
            client.send(b":here PONG here " + rest + b"\r\n")


class FakeNats(FakeServer):
    """One subject of a NATS server."""

    wire = "nats"

    def __init__(self, directory: Path = Path()) -> None:
        super().__init__(directory)
        self._subjects: dict[Client, bytes] = {}

    def greet(self, client: Client) -> None:
        client.send(b'INFO {"max_payload":1048576}\r\n')

    def line(self, client: Client, line: bytes) -> None:
        if client in self._subjects:
            self.say(b"MSG %b 1 %d\r\n%b\r\n" % (self._subjects.pop(client), len(line), line))
        elif line.startswith(b"PUB "):
            self._subjects[client] = line.split()[1]
        elif line.startswith(b"SUB "):
            client.listens = True
        elif line == b"PING":
            client.send(b"PONG\r\n")


class ConnectedLines:
    """Both ends of a connection: a listener that is given to a client, and what it says."""

    buffer: ClassVar[memoryview] = memoryview(bytearray(1 << 16))

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def accept(self) -> socket.socket:
        """Return the server's end of the connection that was made."""
        self._listener.settimeout(10.0)
        connection, _ = self._listener.accept()
        self._listener.close()
        return connection


# That each is a server as the load sees it is for the type checker to say.
SERVERS: tuple[type[Server], ...] = (FakeIrc, FakeNats)
