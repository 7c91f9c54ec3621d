"""The text of an answer as progress notifications, joined so that they stay few."""

from collections.abc import Callable

import anyio

from mcp_grok.tools.context import Report
from mcp_grok.upstream.surrogates import without_lone_surrogates

INTERVAL = 1 / 9
"""Seconds between notifications. With the last one, which does not wait, that is at most ten a second."""

FIRST_HEARTBEAT = 1.0
"""Seconds until the first notification, should nothing have come by then."""

HEARTBEAT = 8.0
"""Seconds of silence after which a notification without text says that the call is alive."""

THOUGHTS = 1.0
"""Seconds between notifications of what the model thinks."""


class Progress:
    """Passes pieces of text on as messages that, joined in order, are the text. Adding one never waits.

    Args:
        report: Sends one notification.
        status: What there is to say while no text has come; None for nothing.
        heartbeat: Seconds of silence after which a notification without text is sent; the first comes sooner.
    """

    def __init__(
        self, report: Report, *, status: Callable[[], str | None] = lambda: None, heartbeat: float = HEARTBEAT
    ) -> None:
        self._report = report
        self._status = status
        self._heartbeat = heartbeat
        self._pieces: list[str] = []
        self._thoughts: list[str] = []
        self._thinking = False
        self._news = anyio.Event()
        self._closed = anyio.Event()
        self._sent = 0
        self._began = False

    def add(self, text: str) -> None:
        """Takes a piece of the text."""
        self._pieces.append(text)
        self._news.set()

    def think(self, text: str) -> None:
        """Takes a piece of what the model thinks. It is told only until the answer begins, and as what it is."""
        self._thoughts.append(text)
        if not self._thinking:
            self._thinking = True
            self._news.set()

    def close(self) -> None:
        """Says that no more text comes; `run` sends what is left and ends."""
        self._closed.set()
        self._news.set()

    async def run(self) -> None:
        """Sends what is added until `close`: the first piece at once, then at most one message an interval.

        Clients that wait for as long as they see progress get some of it in every silence, too.
        """
        last = False
        patience = min(FIRST_HEARTBEAT, self._heartbeat)
        while not last:
            with anyio.move_on_after(patience) as waiting:
                await self._news.wait()
            self._news = anyio.Event()
            last = self._closed.is_set()
            text = self._take(last)
            self._began = self._began or bool(text)
            thoughts = self._take_thoughts()
            patience = THOUGHTS if thoughts else self._heartbeat
            if text or ((thoughts or waiting.cancelled_caught) and not last):
                self._sent += 1
                await self._report(self._sent, None, text or thoughts or (None if self._began else self._status()))
            with anyio.move_on_after(INTERVAL):
                await self._closed.wait()

    def _take_thoughts(self) -> str:
        thoughts = "" if self._began else without_lone_surrogates("".join(self._thoughts))
        self._thoughts = []
        self._thinking = self._began or bool(thoughts)
        return f"[reasoning] {thoughts}\n" if thoughts else ""

    def _take(self, last: bool) -> str:
        text = "".join(self._pieces)
        # The second half of a character may be in the next piece.
        half = text[-1:] if not last and "\ud800" <= text[-1:] <= "\udbff" else ""
        self._pieces = [half] if half else []
        return without_lone_surrogates(text.removesuffix(half))
