"""A way to a server that can be cut, and that can lose what the server answers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

MAX_READ = 64 * 1024


class Link:
    """Forwards connections to a server; clients connect to `address`."""

    def __init__(self, server: str) -> None:
        host, _, port = server.rpartition(":")
        self._server = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._listener.getsockname())
        self._lock = threading.Lock()
        self._connections: list[_Connection] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._is_cut = False
        self._is_over = False
        self._watched = b""
        self._sent = 0
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()
        self._is_over = True
        # The accepting thread wakes by this, and leaves.
        socket.create_connection(self._listener.getsockname()).close()
        self._threads[0].join()
        self._listener.close()
        for thread in self._threads:
            thread.join()
        for connection in self._connections:
            connection.client.close()
            connection.server.close()

    def cut(self) -> None:
        """Break all connections, and refuse new ones until `restore`."""
        with self._lock:
            self._is_cut = True
            for connection in self._connections:
                connection.close()

    def restore(self) -> None:
        """Let new connections pass."""
        with self._lock:
            self._is_cut = False

    def lose_answers_to(self, sent: bytes) -> None:
        """Once a client has sent these bytes, let nothing back on that connection."""
        with self._lock:
            self._watched = sent

    @property
    def times_sent(self) -> int:
        """On how many connections clients sent what `lose_answers_to` named."""
        with self._lock:
            return self._sent

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            with self._lock:
                if self._is_over:
                    client.close()
                    return
                if self._is_cut:
                    client.close()
                    continue
                try:
                    server = socket.create_connection(self._server)
                except OSError:
                    client.close()
                    continue
                connection = _Connection(client, server)
                self._connections.append(connection)
            for pump in (self._up, self._down):
                thread = threading.Thread(target=pump, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _up(self, connection: "_Connection") -> None:
        heard = b""
        counted = False
        with connection.closing():
            while data := connection.client.recv(MAX_READ):
                heard += data
                with self._lock:
                    if self._watched and self._watched in heard and not counted:
                        counted = True
                        self._sent += 1
                        # The first answer is lost; later ones arrive.
                        connection.deaf = self._sent == 1
                connection.server.sendall(data)

    def _down(self, connection: "_Connection") -> None:
        with connection.closing():
            while data := connection.server.recv(MAX_READ):
                if not connection.deaf:
                    connection.client.sendall(data)


class _Connection:
    """Both ends of one connection."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        # Whether what the server sends is dropped.
        self.deaf = False

    def close(self) -> None:
        """Break the connection; whoever waits on an end wakes."""
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Break the connection at the end, whatever ended it."""
        try:
            with suppress(OSError):
                yield
        finally:
            self.close()
