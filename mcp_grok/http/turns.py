"""The turns of callers whose requests are to be read: many requests of one caller must not hold up the event loop."""

from collections import Counter, deque

import anyio

AT_ONCE = 8
"""Requests of one caller that have their turns together. One by one, each would pay for whole rounds of the loop."""


class Turns:
    """The turns. A caller's requests get them in the order in which they came.

    Args:
        at_once: Maximum requests of one caller that have their turns at the same time.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[anyio.Event]] = {}

    async def wait(self, caller: str) -> "Turn":
        """Waits for the turn of a request."""
        if self._taken[caller] < self._at_once:
            self._taken[caller] += 1
            return Turn(self, caller)
        begins = anyio.Event()
        self._waiting.setdefault(caller, deque()).append(begins)
        try:
            await begins.wait()
        except BaseException:
            if begins.is_set():
                self.pass_on(caller)
            else:
                self._forget(caller, begins)
            raise
        return Turn(self, caller)

    def pass_on(self, caller: str) -> None:
        """Ends a turn, and begins that of the caller's next request."""
        if caller in self._waiting:
            begins = self._waiting[caller][0]
            self._forget(caller, begins)
            begins.set()
            return
        self._taken[caller] -= 1
        if not self._taken[caller]:
            del self._taken[caller]

    def _forget(self, caller: str, begins: anyio.Event) -> None:
        self._waiting[caller].remove(begins)
        if not self._waiting[caller]:
            del self._waiting[caller]


class Turn:
    """The turn of a request, until `end`."""

    def __init__(self, turns: Turns, caller: str) -> None:
        self._turns: Turns | None = turns
        self._caller = caller

    def end(self) -> None:
        """Ends the turn, if it has not ended."""
        if self._turns is not None:
            self._turns.pass_on(self._caller)
            self._turns = None
