"""The chat program of an afternoon: `python socket_chat_server.py PORT`.

A thread for each client; what one says goes to all in turn under a lock, the speaker
included. Nothing is stored, nobody is checked, and one who does not read stops everybody.
So are the programs that people begin with, except that this one cuts what it reads into
lines.
"""

import socket
import sys
import threading


class Chat:
    """One room with everybody who is connected."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: list[socket.socket] = []

    def serve(self, listener: socket.socket) -> None:
        """Give each client a thread, until the process ends."""
        while True:
            client, _ = listener.accept()
            threading.Thread(target=self._listen_to, args=(client,), daemon=True).start()

    def broadcast(self, message: bytes) -> None:
        """Send to all; forget those who are gone."""
        with self._lock:
            for client in self._clients[:]:
                try:
                    client.sendall(message)
                except OSError:
                    self._clients.remove(client)

    def _listen_to(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines:
            try:
                name = lines.readline().strip()
                client.sendall(b"welcome\n")
                with self._lock:
                    self._clients.append(client)
                for line in lines:
                    self.broadcast(name + b": " + line)
            except OSError:
                pass
            with self._lock:
                if client in self._clients:
                    self._clients.remove(client)


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=512) as listener:
        Chat().serve(listener)
