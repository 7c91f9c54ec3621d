"""Turns: what concerns one fingerprint is done by one task at a time, and others are not held up by it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class Turns:
    """A lock for each name, kept only while a task holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: dict[str, anyio.Lock] = {}

    def is_taken(self, name: str) -> bool:
        """Whether a task holds the turn of a name, or waits for it."""
        return name in self._locks

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """Waits for the turn of a name, and holds it."""
        lock = self._locks.setdefault(name, anyio.Lock(fast_acquire=True))
        try:
            async with lock:
                yield
        finally:
            if not lock.locked() and not lock.statistics().tasks_waiting:
                self._locks.pop(name, None)
