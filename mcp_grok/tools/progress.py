"""The progress notifications of a call: the text of the answer, at most ten times a second."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import anyio

from mcp_grok.calls.call import VIDEO_MARK
from mcp_grok.surrogates import without_lone_surrogates
from mcp_grok.tools.context import Report
from mcp_grok.upstream.responses.searches import SEARCH_MARK


@dataclass(frozen=True, slots=True)
class ProgressTimings:
    """Intervals of notifications, in seconds.

    Attributes:
        interval: Minimum time between notifications. With the last one, which does not wait, at most ten per second.
        first_heartbeat: Time until the first notification if no text has arrived.
        heartbeat: Time without text after which a notification shows that the call is alive.
        reasoning: Time between notifications of the model's reasoning.
    """

    interval: float = 1 / 9
    first_heartbeat: float = 1.0
    heartbeat: float = 8.0
    reasoning: float = 1.0


DEFAULT_TIMINGS = ProgressTimings()


class Progress:
    """Sends pieces of text as messages that, joined in order, are the text. Adding a piece never waits.

    Args:
        report: Sends one notification.
        status: Returns the message to send before the first text, or None.
        timings: The intervals of notifications.
    """

    def __init__(
        self,
        report: Report,
        *,
        status: Callable[[], str | None] = lambda: None,
        timings: ProgressTimings = DEFAULT_TIMINGS,
    ) -> None:
        self._report = report
        self._status = status
        self._timings = timings
        self._pieces: list[str] = []
        self._reasoning: list[str] = []
        self._reasons = False
        self._added = anyio.Event()
        self._closed = anyio.Event()
        self._sent = 0
        self._sent_at = -math.inf
        self._answer_began = False

    def add(self, text: str) -> None:
        """Adds a piece of the text."""
        self._pieces.append(text)
        self._added.set()

    def add_reasoning(self, text: str) -> None:
        """Adds a piece of the reasoning, or a line like `[search] …`; it is sent only until the answer begins."""
        self._reasoning.append(text)
        if not self._reasons or _is_line(text):
            self._reasons = True
            self._added.set()

    def close(self) -> None:
        """Ends `run` after it has sent the rest."""
        self._closed.set()
        self._added.set()

    async def run(self) -> None:
        """Sends the added pieces until `close`: the first immediately, then at most one message per interval.

        Without text it sends heartbeats, because some clients wait only while they receive progress.
        """
        last = False
        pause = self._timings.first_heartbeat
        while not last:
            with anyio.move_on_after(pause) as waiting:
                await self._added.wait()
            await self._wait_for_interval()
            self._added = anyio.Event()
            last = self._closed.is_set()
            text = self._take(last)
            reasoning = self._take_reasoning()
            pause = self._timings.reasoning if reasoning else self._timings.heartbeat
            if reasoning and (text or not last):
                await self._send(reasoning)
            self._answer_began = self._answer_began or bool(text)
            if text:
                await self._send(text)
            elif waiting.cancelled_caught and not reasoning and not last:
                await self._send(None if self._answer_began else self._status())

    async def _wait_for_interval(self) -> None:
        """Waits until a notification may be sent: the last one immediately."""
        left = self._sent_at + self._timings.interval - anyio.current_time()
        if left > 0 and not self._closed.is_set():
            with anyio.move_on_after(left):
                await self._closed.wait()

    async def _send(self, message: str | None) -> None:
        self._sent += 1
        self._sent_at = anyio.current_time()
        await self._report(self._sent, None, message)

    def _take_reasoning(self) -> str:
        """The lines to send before the answer: the reasoning, and each search on a line of its own."""
        lines = ""
        for is_line, pieces in itertools.groupby(() if self._answer_began else self._reasoning, _is_line):
            text = without_lone_surrogates("".join(pieces))
            if text:
                lines += f"{text.strip()}\n" if is_line else f"[reasoning] {text}\n"
        self._reasoning = []
        self._reasons = self._answer_began or bool(lines)
        return lines

    def _take(self, last: bool) -> str:
        text = "".join(self._pieces)
        # The second half of a character may be in the next piece.
        half = text[-1:] if not last and "\ud800" <= text[-1:] <= "\udbff" else ""
        self._pieces = [half] if half else []
        return without_lone_surrogates(text.removesuffix(half))


def _is_line(piece: str) -> bool:
    return piece.lstrip().startswith((SEARCH_MARK, VIDEO_MARK))
