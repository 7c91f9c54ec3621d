"""Accepting connections: how many at once.

asyncio accepts up to `backlog` connections in a round of the event loop, and a round with all their requests is long.
uvloop accepts one (https://github.com/libuv/libuv/pull/3696); of some hundreds of connections that are opened together
under load, the last would wait for seconds.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress

logger = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds after an error of the system: it mostly has too many open files, and more attempts would not help."""


async def accept_connections(listener: socket.socket, protocol: Callable[[], asyncio.Protocol], at_once: int) -> None:
    """Accepts connections until it is cancelled.

    Args:
        listener: A listening socket.
        protocol: Makes the protocol of each connection.
        at_once: Maximum number of connections that are accepted before other tasks go on.
    """
    loop = asyncio.get_running_loop()
    listener.setblocking(False)
    while True:
        connections = await _accept(listener, at_once)
        opening = [loop.connect_accepted_socket(protocol, connection) for connection in connections]
        await asyncio.gather(*opening, return_exceptions=True)


async def _accept(listener: socket.socket, at_once: int) -> list[socket.socket]:
    """Waits for connections: at least one, except after an error."""
    connections: list[socket.socket] = []
    try:
        connections.append((await asyncio.get_running_loop().sock_accept(listener))[0])
        with suppress(OSError):  # There are no more, or the next call reports the error.
            while len(connections) < at_once:
                connections.append(listener.accept()[0])
    except ConnectionError:
        pass  # The client has gone.
    except OSError as error:
        logger.error("no connections for %.0f seconds: %s", PAUSE, error)
        await asyncio.sleep(PAUSE)
    return connections
