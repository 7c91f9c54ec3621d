"""The status of a call on a terminal: one line on stderr, which disappears when the answer begins."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from mcp_grok.cli.terminal import plain_stderr
from mcp_grok.printable import one_line

INTERVAL = 1.0
"""Seconds between two states of the line, and before the first: a quick answer needs no status."""

MOST_REASONING = 200
"""Characters of the reasoning that are remembered; more than fit into a line."""


class StatusLine:
    """Shows how long a call has been waiting, and the end of what the model thinks. Writes to a terminal alone.

    Args:
        waiting: What it shows while the model is silent.
    """

    def __init__(self, waiting: str) -> None:
        self._waiting = one_line(waiting)
        self._reasoning = ""
        self._stream = plain_stderr()
        self._scope = anyio.CancelScope()
        self._is_shown = False

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Shows the line from time to time until `end`, at the latest until the context is left."""
        async with anyio.create_task_group() as tasks:
            if self._stream.isatty():
                tasks.start_soon(self._show)
            try:
                yield
            finally:
                self.end()

    def reasoning_came(self, text: str) -> None:
        """Adds a piece of the model's reasoning."""
        self._reasoning = (self._reasoning + text)[-MOST_REASONING:]

    def end(self) -> None:
        """Removes the line for good."""
        self._scope.cancel()
        if self._is_shown:
            self._write("")
            self._is_shown = False

    async def _show(self) -> None:
        began = time.monotonic()
        with self._scope:
            while True:
                await anyio.sleep(INTERVAL)
                self._write(f"{self._state()} ({time.monotonic() - began:.0f} s)")
                self._is_shown = True

    def _state(self) -> str:
        thought = one_line(" ".join(self._reasoning.split()))
        # Half of the line, since a character may be two columns wide.
        return f"[reasoning] …{thought[-self._width() // 2 :]}" if thought else self._waiting

    def _write(self, text: str) -> None:
        width = self._width()
        # Spaces erase on every terminal; a control sequence does not.
        self._stream.write(f"\r{'':<{width}}\r{text[:width]}")
        self._stream.flush()

    def _width(self) -> int:
        """The columns of the terminal but the last: after that some begin a new line. 80 if it does not say."""
        return (os.get_terminal_size(self._stream.fileno()).columns or 80) - 1
