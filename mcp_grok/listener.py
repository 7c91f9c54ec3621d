"""Listening on this machine: which hosts may be bound, and an ASGI server that leaves signals to us."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import uvicorn

from mcp_grok.signals import StoppedBySignal

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on a loopback address.

    Raises:
        ValueError: the host is not a loopback address; anybody who reaches the server spends the operator's key.
        OSError: the port is taken, or may not be used.
    """
    if host not in LOOPBACK_HOSTS:
        raise ValueError(
            f"--host {host}: only 127.0.0.1, localhost and ::1 can be served, since whoever reaches the server spends "
            "your key. To reach it from elsewhere, put a proxy that authenticates in front of it."
        )
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(2048)
    return listener


def address(listener: socket.socket) -> str:
    """The URL a listening socket is reached at."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def app_server(app: Any, *, shutdown_timeout: int) -> uvicorn.Server:
    """A server for an ASGI app that neither handles signals nor sets up logs of its own.

    Args:
        app: The application.
        shutdown_timeout: Seconds that open responses get to end.
    """
    return _LeavesSignals(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=shutdown_timeout,
        )
    )


async def serve_app(
    app: Any, listener: socket.socket, *, shutdown_timeout: int, on_stop: Callable[[], None] = lambda: None
) -> int:
    """Serves an ASGI app until a signal comes.

    Args:
        app: The application.
        listener: What to listen on.
        shutdown_timeout: Seconds that open responses get to end.
        on_stop: Called when a signal has come, before open responses are waited for.

    Returns:
        128 + the signal's number.
    """
    server = app_server(app, shutdown_timeout=shutdown_timeout)

    def stop(number: int) -> None:
        on_stop()
        # Also what has open event streams end; setting should_exit alone would wait for them.
        server.handle_exit(number, None)

    async with anyio.create_task_group() as tasks:
        stopped = StoppedBySignal(stop)
        tasks.start_soon(stopped.watch)
        await server.serve(sockets=[listener])
        tasks.cancel_scope.cancel()
    return stopped.status


class _LeavesSignals(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
