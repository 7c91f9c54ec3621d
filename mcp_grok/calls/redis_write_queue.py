"""The queue of writes to Redis: a client's request does not wait while Redis is away."""

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
"""Writes to Redis, or raises what `AWAY` names. It may be repeated."""


class WriteQueue:
    """Writes in the background: those of one call in order, each again and again while Redis is away.

    It owns what this server has still to write.

    Args:
        tasks: For the writes.
        timings: How long to wait.
    """

    def __init__(self, tasks: anyio.abc.TaskGroup, timings: RedisTimings) -> None:
        self._tasks = tasks
        self._timings = timings
        self._locks = KeyedLock()
        self._scopes: set[anyio.CancelScope] = set()
        self._pending: defaultdict[str, set[anyio.Event]] = defaultdict(set)
        self._unwritten: dict[str, Call] = {}

    def unwritten(self, call_id: str) -> Call | None:
        """A call whose outcome is not written yet."""
        return self._unwritten.get(call_id)

    def write_outcome(self, call: Call, write: Write) -> anyio.Event:
        """The same as `write`; until then, `unwritten` has the call."""
        self._unwritten[call.id] = call
        return self.write(call.id, call.fingerprint, write)

    async def write_soon(self, call_id: str, fingerprint: str, write: Write) -> None:
        """Writes in the background, and waits for it for a moment: while Redis is away, nothing else is held up."""
        await self.wait(self.write(call_id, fingerprint, write))

    async def wait(self, done: anyio.Event) -> None:
        with anyio.move_on_after(self._timings.patience):
            await done.wait()

    async def all_written(self, fingerprint: str) -> None:
        """Waits until Redis has all that this server is to write of calls with a fingerprint.

        Raises:
            StoreUnreachable: that takes too long. A new call might be paid twice.
        """
        with anyio.move_on_after(ANSWER_TIMEOUT) as waiting:
            for done in list(self._pending.get(fingerprint, ())):
                await done.wait()
        if waiting.cancelled_caught:
            raise unreachable(TimeoutError())

    def write(self, call_id: str, fingerprint: str, write: Write) -> anyio.Event:
        """Writes in the background, after the earlier writes for the same call; gives the event of its end."""
        done = anyio.Event()
        self._pending[fingerprint].add(done)
        self._tasks.start_soon(self._run, call_id, fingerprint, write, done)
        return done

    async def _run(self, call_id: str, fingerprint: str, write: Write, done: anyio.Event) -> None:
        try:
            # The end of the process is no reason to leave it half written; `close` sets the limit.
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
        """Writes, again and again while Redis is away. What it refuses for good is logged."""
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
        """Gives up what is not written."""
        for scope in self._scopes:
            scope.cancel()
