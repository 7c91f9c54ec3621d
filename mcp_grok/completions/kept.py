"""Calls that can be found by their id: bounded in number, size and age."""

import time
from dataclasses import dataclass

from mcp_grok.completions.call import Call
from mcp_grok.upstream.completion import Completion

MAX_ENTRIES = 1000
MAX_BYTES = 256 * 1024 * 1024
MAX_AGE = 24 * 3600.0
"""Seconds that an ended call is kept."""


@dataclass(slots=True)
class _Ended:
    at: float
    size: int


class Kept:
    """The calls kept by one process. Those that run are always kept; of the ended ones the oldest go first.

    Args:
        max_entries: Most ended calls.
        max_bytes: Most bytes of their answers.
        max_age: Seconds that one is kept after its end.
    """

    def __init__(self, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES, max_age: float = MAX_AGE) -> None:
        self._limits = (max_entries, max_bytes, max_age)
        self._calls: dict[str, Call] = {}
        self._ended: dict[str, _Ended] = {}

    def add(self, call: Call) -> None:
        """Keeps a call."""
        self._calls[call.id] = call
        self.trim()

    def get(self, call_id: str) -> Call | None:
        """The call of an id; None where there is none."""
        self.trim()
        return self._calls.get(call_id)

    def trim(self) -> None:
        """Lets go of what is over the bounds."""
        now = time.monotonic()
        for call_id, call in self._calls.items():
            if call_id not in self._ended and call.outcome is not None:
                self._ended[call_id] = _Ended(now, _size(call))
        max_entries, max_bytes, max_age = self._limits
        size = sum(ended.size for ended in self._ended.values())
        for call_id, ended in list(self._ended.items()):
            if len(self._ended) <= max_entries and size <= max_bytes and now - ended.at <= max_age:
                break
            del self._calls[call_id], self._ended[call_id]
            size -= ended.size


def _size(call: Call) -> int:
    outcome = call.outcome
    return outcome.size if isinstance(outcome, Completion) else len(call.text)
