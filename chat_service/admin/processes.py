"""What the process of an instance uses, as the system tells it."""

import psutil

from chat_service.admin.samples import Usage


def usage_of(pid: int, port: int) -> Usage | None:
    """Look at a process, and at the established connections to a port of its own.

    Takes 10 to 20 ms where there are thousands of connections: not for an event loop. None:
    there is no such process, or this one may not look at it.
    """
    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        return Usage(
            cpu_s=times.user + times.system,
            memory_bytes=process.memory_info().rss,
            connections=sum(
                connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == port
                for connection in process.net_connections("tcp")
            ),
        )
    except psutil.Error:
        return None
