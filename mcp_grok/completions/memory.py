"""Ended calls in the memory of the process: bounded in number, size and age."""

import time

from mcp_grok.completions.call import Call, Outcome
from mcp_grok.completions.store import BOUNDS, Bounds
from mcp_grok.upstream.completion import Completion


class MemoryStore:
    """A `Store` that ends with the process.

    Args:
        bounds: How much it keeps.
    """

    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self._bounds = bounds
        self._calls: dict[str, Call] = {}
        self._bytes = 0

    async def begin(self, call: Call) -> None:
        """Nothing: a process that ends takes its memory along."""

    async def deliver(self, call: Call, outcome: Outcome) -> None:
        """Nothing, for the same reason."""

    async def save(self, call: Call) -> None:
        """Keeps an ended call."""
        if call.id not in self._calls:
            self._calls[call.id] = call
            self._bytes += call.size
        self._trim()

    async def forget(self, call: Call) -> None:
        """Keeps nothing of a call."""
        if self._calls.pop(call.id, None) is not None:
            self._bytes -= call.size

    async def find(self, call_id: str) -> Call | None:
        """The ended call of an id."""
        self._trim()
        return self._calls.get(call_id)

    async def take(self, question: str) -> Call | None:
        """An abandoned, ended call that asked this; nobody else gets it again."""
        self._trim()
        since = time.time() - self._bounds.idle
        left = [
            call
            for call in self._calls.values()
            if call.abandoned and call.question == question and (call.ended_at or 0) >= since
        ]
        if not left:
            return None
        call = next((call for call in left if isinstance(call.outcome, Completion)), left[0])
        call.abandoned = False
        return call

    def _trim(self) -> None:
        bounds = self._bounds
        since = time.time() - bounds.age
        for call in list(self._calls.values()):
            if len(self._calls) <= bounds.entries and self._bytes <= bounds.bytes and (call.ended_at or 0) >= since:
                break
            del self._calls[call.id]
            self._bytes -= call.size
