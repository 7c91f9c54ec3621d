"""The queue of writes to Redis: a client's request does not wait while Redis is unavailable."""

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable

import anyio
import anyio.abc
from redis.exceptions import DataError, ResponseError

from mcp_grok.calls.call import Call
from mcp_grok.calls.keyed_lock import KeyedLock
from mcp_grok.calls.redis_client import ANSWER_TIMEOUT, AWAY, unreachable
from mcp_grok.calls.redis_servers import RedisTimings
from mcp_grok.errors import InternalError

logger = logging.getLogger(__name__)

Write = Callable[[], Awaitable[None]]
"""Writes to Redis, or raises the errors in `AWAY`. It may be repeated."""


class WriteQueue:
    """Pending writes of this server, run in the background: in order for each call, and retried while Redis fails.

    Args:
        tasks: Runs the writes.
        timings: Intervals and time limits.
    """

    def __init__(self, tasks: anyio.abc.TaskGroup, timings: RedisTimings) -> None:
        self._tasks = tasks
        self._timings = timings
        self._locks = KeyedLock()
        self._scopes: set[anyio.CancelScope] = set()
        self._pending: defaultdict[str, set[anyio.Event]] = defaultdict(set)
        self._unwritten: dict[str, Call] = {}

    def unwritten(self, call_id: str) -> Call | None:
        """The call with that id if its outcome is not written yet, or None."""
        return self._unwritten.get(call_id)

    def write_outcome(self, call: Call, write: Write) -> anyio.Event:
        """Like `write`; until the outcome is written, `unwritten` returns the call."""
        self._unwritten[call.id] = call
        return self.write(call.id, call.fingerprint, write)

    async def write_soon(self, call_id: str, fingerprint: str, write: Write) -> None:
        """Writes in the background, and waits for the write at most `patience` seconds."""
        await self.wait(self.write(call_id, fingerprint, write))

    async def wait(self, done: anyio.Event) -> None:
        with anyio.move_on_after(self._timings.patience):
            await done.wait()

    async def all_written(self, fingerprint: str) -> None:
        """Waits until the pending writes of calls with a fingerprint are done.

        Raises:
            StoreUnreachable: that takes too long, and a new call might be billed twice.
        """
        with anyio.move_on_after(ANSWER_TIMEOUT) as waiting:
            for done in list(self._pending.get(fingerprint, ())):
                await done.wait()
        if waiting.cancelled_caught:
            raise unreachable(TimeoutError())

    def write(self, call_id: str, fingerprint: str, write: Write) -> anyio.Event:
        """Writes in the background, after the earlier writes for the same call; returns an event set at the end."""
        done = anyio.Event()
        self._pending[fingerprint].add(done)
        self._tasks.start_soon(self._run, call_id, fingerprint, write, done)
        return done

    async def _run(self, call_id: str, fingerprint: str, write: Write, done: anyio.Event) -> None:
        try:
            # Shielded, so that the end of the process does not interrupt the write; `RedisStore.close` limits the time.
            with anyio.CancelScope(shield=True) as scope:
                self._scopes.add(scope)
                async with self._locks.of(call_id):
                    await self._persist(call_id, write)
        except Exception as error:  # noqa: BLE001 - the top of a task: a defect costs one record, not the server
            InternalError.of(error)
        finally:
            self._scopes.discard(scope)
            if not self._locks.is_taken(call_id):
                self._unwritten.pop(call_id, None)
            self._pending[fingerprint].discard(done)
            if not self._pending[fingerprint]:
                del self._pending[fingerprint]
            done.set()

    async def _persist(self, call_id: str, write: Write) -> None:
        """Writes, with retries while Redis is unavailable. A write that Redis refuses is logged and dropped."""
        while True:
            try:
                return await write()
            except AWAY as error:
                if type(error) in (ResponseError, DataError):
                    logger.error("a change to the record of call %s was not written: %s", call_id, type(error).__name__)
                    return None
            await anyio.sleep(self._timings.reconnect)

    async def drain(self) -> None:
        """Waits until everything is written."""
        while self._pending:
            await next(iter(next(iter(self._pending.values())))).wait()

    def cancel(self) -> None:
        """Abandons the pending writes."""
        for scope in self._scopes:
            scope.cancel()
