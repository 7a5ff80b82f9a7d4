"""What the clients of a server are shown when they connect, which may change meanwhile.

gRPC speaks TLS 1.2 and 1.3 and nothing older, and asks for the certificate at each handshake:
a new one is for those who connect from then on, and streams that are open go on.
"""

from collections import deque

import grpc


class Encryption:
    """A certificate with its key, both PEM, as gRPC takes them.

    Both must fit: what gRPC cannot use, it leaves aside in favour of the one before.
    """

    def __init__(self, certificates: bytes, key: bytes) -> None:
        self._first = _configuration(certificates, key)
        # What gRPC was not told yet. Threads take from it, and each step of a deque is whole.
        self._next: deque[grpc.ServerCertificateConfiguration] = deque(maxlen=1)

    def change(self, certificates: bytes, key: bytes) -> None:
        """Show another certificate from the next handshake on."""
        self._next.append(_configuration(certificates, key))

    def credentials(self) -> grpc.ServerCredentials:
        """Return what a port is opened with."""
        return grpc.dynamic_ssl_server_credentials(
            self._first,
            self._fetch,  # type: ignore[arg-type] # None is "no change" in gRPC's own words
        )

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        try:
            return self._next.pop()
        except IndexError:
            return None


def _configuration(certificates: bytes, key: bytes) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(key, certificates)])
