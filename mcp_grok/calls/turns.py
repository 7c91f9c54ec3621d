"""Turns: what concerns one name is done by one task at a time, and others are not held up by it."""

import anyio


class Turns:
    """A lock for each name, kept only while a task holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: dict[str, anyio.Lock] = {}

    def is_taken(self, name: str) -> bool:
        """Whether a task holds the turn of a name, or waits for it."""
        return name in self._locks

    def of(self, name: str) -> "_Turn":
        """A context that waits for the turn of a name, and holds it."""
        return _Turn(self._locks, name)


class _Turn:
    def __init__(self, locks: dict[str, anyio.Lock], name: str) -> None:
        self._locks = locks
        self._name = name
        self._lock = locks.get(name) or locks.setdefault(name, anyio.Lock(fast_acquire=True))

    async def __aenter__(self) -> None:
        try:
            await self._lock.acquire()
        except BaseException:
            self._forget()
            raise

    async def __aexit__(self, *_: object) -> None:
        # Where a task waits, the lock is its from here on.
        self._lock.release()
        self._forget()

    def _forget(self) -> None:
        if not self._lock.locked() and self._locks.get(self._name) is self._lock:
            del self._locks[self._name]
