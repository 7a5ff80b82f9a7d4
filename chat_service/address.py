"""Whether an address can be listened on, asked before anything is made for it."""

import errno
import ipaddress
import socket

from chat_service.config import StartError


def check_address(host: str, port: int) -> None:
    """See that this process can listen on an IP address and a port, of which 0 is any.

    Raises StartError, which names the cause. What is not plain is left to who listens.
    """
    address = ipaddress.ip_address(host)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            # As a server does, for which a connection that has just ended is no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        causes = {
            errno.EADDRINUSE: "the port is in use",
            errno.EACCES: "this user is not allowed to use the port",
        }
        if not address.is_unspecified:
            causes[errno.EADDRNOTAVAIL] = f"{host} is not an address of this machine"
        if error.errno in causes:
            place = f"[{host}]" if address.version == 6 else host
            line = f"cannot listen on {place}:{port}: {causes[error.errno]}"
            raise StartError(line) from None
