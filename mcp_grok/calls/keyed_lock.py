"""A keyed lock: tasks wait only for other tasks with the same key."""

import anyio


class KeyedLock:
    """A lock for each key, kept only while a task holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: dict[str, anyio.Lock] = {}

    def is_taken(self, key: str) -> bool:
        """Whether a task holds the lock of a key, or waits for it."""
        return key in self._locks

    def of(self, key: str) -> "_LockOfKey":
        """A context manager that acquires the lock of a key, and releases it."""
        return _LockOfKey(self._locks, key)


class _LockOfKey:
    def __init__(self, locks: dict[str, anyio.Lock], key: str) -> None:
        self._locks = locks
        self._key = key
        self._lock = locks.get(key) or locks.setdefault(key, anyio.Lock(fast_acquire=True))

    async def __aenter__(self) -> None:
        try:
            await self._lock.acquire()
        except BaseException:
            self._forget()
            raise

    async def __aexit__(self, *_: object) -> None:
        # If another task waits, this hands the lock over to it.
        self._lock.release()
        self._forget()

    def _forget(self) -> None:
        if not self._lock.locked() and self._locks.get(self._key) is self._lock:
            del self._locks[self._key]
