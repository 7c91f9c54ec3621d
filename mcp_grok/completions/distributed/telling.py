"""What comes of a call while it runs, told to whoever waits for it in another process: at most ten times a second."""

import anyio

from mcp_grok.completions.call import Call
from mcp_grok.completions.distributed.state import SharedState, StoreGoneError

INTERVAL = 0.1
"""Seconds between two tellings."""


class Telling:
    """Tells the text of a call, what the model thinks, and that it was sent. Whatever is told here may be late, not
    lost: while Redis is away it is kept for later.

    Args:
        call: The call.
        state: Where it is told.
    """

    def __init__(self, call: Call, state: SharedState) -> None:
        self._id = call.id
        self._state = state
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._sent = False
        self._piece = ""
        self._number = 0
        self._news = anyio.Event()
        self._closed = anyio.Event()

    def text_came(self, text: str) -> None:
        """Takes a piece of the text."""
        self._text.append(text)
        self._news.set()

    def thought_came(self, text: str) -> None:
        """Takes a piece of what the model thinks."""
        self._thoughts.append(text)
        self._news.set()

    def was_sent(self) -> None:
        """Takes that the call was sent."""
        self._sent = True
        self._news.set()

    def close(self) -> None:
        """Says that nothing more comes; `run` tells what is left and ends."""
        self._closed.set()
        self._news.set()

    async def run(self) -> None:
        """Tells what comes until `close`."""
        last = False
        while not last:
            await self._news.wait()
            last = self._closed.is_set()
            self._news = anyio.Event()
            try:
                await self._tell()
            except StoreGoneError:
                self._news.set()
            with anyio.move_on_after(INTERVAL):
                await self._closed.wait()

    async def _tell(self) -> None:
        if self._sent:
            await self._state.sent(self._id)
            self._sent = False
        if self._thoughts:
            thoughts, self._thoughts = "".join(self._thoughts), []
            await self._state.thought(self._id, thoughts)
        # A piece that may have been told already is told again as it was, under its number.
        while self._piece or self._text:
            if not self._piece:
                self._piece, self._text = "".join(self._text), []
            await self._state.text(self._id, self._number, self._piece)
            self._number += 1
            self._piece = ""
