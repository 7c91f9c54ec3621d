"""Accepting connections, on asyncio's event loop and on uvloop."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import anyio
import pytest

from mcp_grok.accepting import accept_connections
from mcp_grok.listener import bind

CONNECTIONS = 20
AT_ONCE = 8
ROUNDS = 7
"""Rounds of the event loop in which some connections are accepted and opened."""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket."""
    with bind("127.0.0.1", 0) as listener:
        yield listener


@contextmanager
def accepting(
    listener: socket.socket, protocol: Callable[[], asyncio.Protocol], at_once: int = AT_ONCE
) -> Iterator[None]:
    """Accepts connections during a block."""
    task = asyncio.create_task(accept_connections(listener, protocol, at_once))
    try:
        yield
    finally:
        task.cancel()


class Opened(asyncio.Protocol):
    """A connection that adds itself to a list."""

    def __init__(self, opened: list["Opened"]) -> None:
        self._opened = opened
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._opened.append(self)

    def data_received(self, data: bytes) -> None:
        self.received += data


def run(function: Callable[[], Any], loop: str) -> None:
    """Runs a coroutine function on an event loop."""
    if loop == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    anyio.run(function, backend_options={"use_uvloop": loop == "uvloop"})


@pytest.mark.parametrize("at_once", [1, AT_ONCE])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_connections_opened_together_are_accepted_in_few_rounds(
    listener: socket.socket, loop: str, at_once: int
) -> None:
    clients = [socket.create_connection(listener.getsockname()) for _ in range(CONNECTIONS)]

    new_in_rounds: list[int] = []

    async def count() -> None:
        opened: list[Opened] = []
        with anyio.fail_after(5), accepting(listener, lambda: Opened(opened), at_once):
            while len(opened) < CONNECTIONS:
                before = len(opened)
                await anyio.lowlevel.checkpoint()
                new_in_rounds.append(len(opened) - before)
        for each in opened:
            each.transport.close()

    run(count, loop)
    for client in clients:
        client.close()
    assert max(new_in_rounds) <= at_once
    began = next(number for number, new in enumerate(new_in_rounds) if new)
    assert len(new_in_rounds) - began <= ROUNDS * -(-CONNECTIONS // at_once)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_client_that_has_gone_does_not_keep_others_out(listener: socket.socket, loop: str) -> None:
    for _ in range(AT_ONCE):
        gone = socket.create_connection(listener.getsockname())
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # A reset, not an end.
        gone.close()

    async def greet() -> None:
        opened: list[Opened] = []
        with anyio.fail_after(5), accepting(listener, lambda: Opened(opened)):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            writer.write(b"hello")
            while b"hello" not in [each.received for each in opened]:
                await anyio.lowlevel.checkpoint()
            writer.close()

    run(greet, loop)


class Exhausted(socket.socket):
    """A listening socket of a process that has too many open files."""

    def accept(self) -> tuple[socket.socket, Any]:
        raise OSError(errno.EMFILE, "Too many open files")


async def test_error_of_the_system_is_logged_and_accepting_goes_on(
    listener: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    exhausted = Exhausted(fileno=listener.detach())
    with exhausted, accepting(exhausted, asyncio.Protocol), caplog.at_level(logging.ERROR):
        with anyio.fail_after(5):
            while not caplog.records:
                await anyio.lowlevel.checkpoint()
        with suppress(TimeoutError), anyio.fail_after(0.2):
            await asyncio.Event().wait()
    assert [record.getMessage() for record in caplog.records] == [
        "no connections for 1 seconds: [Errno 24] Too many open files"
    ]
