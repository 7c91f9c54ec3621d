"""The turns of callers whose requests are to be read: many requests of one caller must not hold up the event loop."""

import asyncio
from weakref import WeakValueDictionary

import anyio

ROUNDS = 16
"""Rounds of the event loop in which a handler sends its request to the API, or refuses it, as measured."""


class Turns:
    """The turns. A caller's requests get them one at a time, in the order in which they came.

    The event loop runs one step of each task in a round. So a caller with eight turns would slow down the others as
    eight callers do.
    """

    def __init__(self) -> None:
        self._of_caller: WeakValueDictionary[str, anyio.Semaphore] = WeakValueDictionary()

    async def wait(self, caller: str) -> "Turn":
        """Waits for the turn of a request."""
        semaphore = self._of_caller.get(caller)
        if semaphore is None:
            semaphore = self._of_caller[caller] = anyio.Semaphore(1, fast_acquire=True)
        await semaphore.acquire()
        return Turn(semaphore)


class Turn:
    """The turn of a request, until `end`."""

    def __init__(self, semaphore: anyio.Semaphore) -> None:
        self._semaphore: anyio.Semaphore | None = semaphore

    def end_soon(self, rounds: int = ROUNDS) -> None:
        """Ends the turn after some rounds of the event loop."""
        if rounds and self._semaphore is not None:
            asyncio.get_running_loop().call_soon(self.end_soon, rounds - 1)
        else:
            self.end()

    def end(self) -> None:
        """Ends the turn, if it has not ended."""
        if self._semaphore is not None:
            self._semaphore.release()
            self._semaphore = None
