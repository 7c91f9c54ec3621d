"""Serving on a socket, in this process."""

import argparse
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import pytest

from mcp_grok.cli.serve_command import listen
from mcp_grok.listener import app_server


@pytest.mark.parametrize("number", [20, 50])
def test_connections_opened_together_are_accepted_together(number: int) -> None:
    open_at_each_request: list[int] = []

    def serving(listener: socket.socket) -> Callable[[], Awaitable[None]]:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            open_at_each_request.append(len(server.server_state.connections))
            server.should_exit = True
            await send({"type": "http.response.start", "status": 204})
            await send({"type": "http.response.body"})

        async def serve() -> None:
            with ExitStack() as stack:
                for _ in range(number):
                    client = stack.enter_context(socket.create_connection(listener.getsockname()))
                    client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                await server.serve(sockets=[listener])

        server = app_server(answer, shutdown_timeout=1)
        server.config.lifespan = "off"
        return serve

    options = argparse.Namespace(host=None, port=0)
    assert listen(options, serving, "/") == 0
    assert open_at_each_request == [number] * number
