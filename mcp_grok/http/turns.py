"""The turns of callers whose requests are to be read: many requests of one caller must not hold up the event loop."""

from weakref import WeakValueDictionary

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
        self._of_caller: WeakValueDictionary[str, anyio.Semaphore] = WeakValueDictionary()

    async def wait(self, caller: str) -> "Turn":
        """Waits for the turn of a request."""
        semaphore = self._of_caller.get(caller)
        if semaphore is None:
            semaphore = self._of_caller[caller] = anyio.Semaphore(self._at_once, fast_acquire=True)
        await semaphore.acquire()
        return Turn(semaphore)


class Turn:
    """The turn of a request, until `end`."""

    def __init__(self, semaphore: anyio.Semaphore) -> None:
        self._semaphore: anyio.Semaphore | None = semaphore

    def end(self) -> None:
        """Ends the turn, if it has not ended."""
        if self._semaphore is not None:
            self._semaphore.release()
            self._semaphore = None
