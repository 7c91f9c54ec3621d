"""A listening socket, and an ASGI server on it that ends on a signal."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import anyio
import uvicorn

from mcp_grok.accepting import accept_connections
from mcp_grok.signals import StoppedBySignal

MAX_PORT = 65_535
WAITING = 2048
"""Connections that the system keeps until they are accepted."""

ACCEPTED_AT_ONCE = 8
"""Connections that are accepted before those over the limit are closed, and before other requests go on."""

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


def bind(host: str, port: int, *, anywhere: bool = False) -> socket.socket:
    """A listening socket.

    Args:
        host: An address of this machine, or a name that resolves to one.
        port: The port; 0 for any free one.
        anywhere: Whether addresses other than loopback are allowed.

    Raises:
        ValueError: the host is not a loopback address, and `anywhere` is false.
        OverflowError: the port is out of range.
        OSError: the port is taken or not permitted, or the host is not an address of this machine.
    """
    if host not in LOOPBACK_HOSTS and not anywhere:
        raise ValueError(f"--host {host}: only 127.0.0.1, localhost and ::1 can be served")
    if not 0 <= port <= MAX_PORT:
        raise OverflowError(f"a port is a number from 0 to {MAX_PORT}")
    family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    if host == "localhost":
        family, where = socket.AF_INET, ("127.0.0.1", port)
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(where)
    listener.listen(WAITING)
    return listener


def address(listener: socket.socket) -> str:
    """The URL of a listening socket, without a path."""
    return url_of(*listener.getsockname()[:2])


def url_of(host: str, port: int) -> str:
    """The URL of a host and port, without a path."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def app_server(
    app: Any, *, shutdown_timeout: int, protocol: Any = "h11", accepted_at_once: int = ACCEPTED_AT_ONCE
) -> uvicorn.Server:
    """A uvicorn server that neither handles signals nor configures logging.

    Args:
        app: The application.
        shutdown_timeout: Seconds for open responses to end after a stop.
        protocol: Makes the `asyncio.Protocol` of each connection.
        accepted_at_once: Maximum number of connections that are accepted in a round of the event loop.
    """
    return _SignalFreeServer(
        uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=shutdown_timeout,
        ),
        accepted_at_once,
    )


async def serve_until_signal(
    server: uvicorn.Server, listener: socket.socket, *, drain: Callable[[], Awaitable[None]] | None = None
) -> int:
    """Serves until a signal arrives.

    Args:
        server: One that `app_server` has made.
        listener: The socket to accept connections on.
        drain: Awaited after the first signal, while requests are still served; a second signal cancels it.

    Returns:
        128 + the signal's number.
    """
    async with anyio.create_task_group() as tasks:

        async def end(number: int) -> None:
            if drain is not None:
                with draining:
                    await drain()
            # This also ends open event streams; setting should_exit alone would wait for them.
            server.handle_exit(number, None)

        def stop(number: int) -> None:
            if stopped.count == 1:
                tasks.start_soon(end, number)
            else:
                draining.cancel()

        draining = anyio.CancelScope()
        stopped = StoppedBySignal(stop)
        tasks.start_soon(stopped.watch)
        await server.serve(sockets=[listener])
        tasks.cancel_scope.cancel()
    return stopped.status


class _SignalFreeServer(uvicorn.Server):
    """A server whose signals are handled by `serve_until_signal`, and whose connections by `accept_connections`."""

    def __init__(self, config: uvicorn.Config, accepted_at_once: int) -> None:
        super().__init__(config)
        self._accepted_at_once = accepted_at_once

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to accept connections."""
        await super().startup(sockets=[])
        protocol: Callable[[], asyncio.Protocol] = partial(
            self.config.http_protocol_class,  # type: ignore[call-arg]
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        self._accepting = asyncio.gather(
            *(accept_connections(each, protocol, self._accepted_at_once) for each in sockets or ())
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the connections after their responses."""
        self._accepting.cancel()
        with suppress(asyncio.CancelledError):
            await self._accepting
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
