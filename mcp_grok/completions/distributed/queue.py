"""The queue of calls: docket on Redis or Valkey. Each call is a task, and its id is the task's key."""

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import anyio
import anyio.abc
from docket import Docket, Worker
from redis.exceptions import RedisError

from mcp_grok.completions.distributed.state import ANSWER_TIMEOUT, StoreGoneError

CHECK = 0.1
"""Seconds after which a process that is full sees that it has room again."""

REDELIVERY = 3.0
"""Seconds after which a task is given to another process when the first has died, or Redis was away in that moment.
Short, since no call is sent twice by that: only one that nobody has begun is sent then."""

UNSEEN = 6.0
"""Seconds without a sign of life after which docket's worker is taken for broken; it gives one every other second."""

SETTLING = 10.0
"""Seconds in which a worker that has just started may be unknown yet."""

Run = Callable[[str], Awaitable[None]]


class Queue:
    """Adds calls to the queue, and takes them from it where `work` runs.

    Args:
        docket: The queue.
        run: Runs the call of an id.
        process: Names this process.
        concurrency: How many calls to run at once.
    """

    def __init__(self, docket: Docket, run: Run, process: str, concurrency: int) -> None:
        async def grok_call(call_id: str) -> None:
            await run(call_id)

        docket.register(grok_call)
        self._docket = docket
        self._task = grok_call
        self._process = process
        self._concurrency = concurrency
        self._worker: Worker | None = None
        self._started_at = 0.0
        self._retired = anyio.Event()
        self._is_closed = False

    async def add(self, call_id: str) -> None:
        """Has a call run by some process; one that is in the queue already is not added again.

        Raises:
            StoreGoneError: Redis would not take it.
        """
        try:
            with anyio.fail_after(ANSWER_TIMEOUT):
                await self._docket.add(self._task, key=call_id)(call_id)
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreGoneError(type(error).__name__) from None

    async def work(self) -> None:
        """Takes calls until `retire`, and returns when those that it took have ended."""
        async with anyio.create_task_group() as tasks:
            while not self._is_closed:
                self._retired = anyio.Event()
                worker = self._worker = self._new_worker()
                self._started_at = anyio.current_time()
                tasks.start_soon(_run_worker, worker, self._retired)
                await self._retired.wait()

    def retire(self) -> None:
        """Takes no more calls."""
        self._is_closed = True
        self._retired.set()

    async def look_after(self) -> None:
        """Puts another worker in the place of one that lost Redis.

        Docket's own comes back only when the last call that it runs has ended, and until then takes no other.

        Raises:
            StoreGoneError: Redis cannot be reached.
        """
        worker = self._worker
        if worker is None or anyio.current_time() - self._started_at < SETTLING:
            return
        try:
            async with self._docket.redis() as redis:
                seen_at = await redis.zscore(self._docket.workers_set, worker.name)
        except (RedisError, OSError) as error:
            raise StoreGoneError(type(error).__name__) from None
        if seen_at is None or time.time() - seen_at > UNSEEN:
            self._retired.set()

    def _new_worker(self) -> Worker:
        return Worker(
            self._docket,
            name=f"{self._process}-{anyio.current_time():.0f}",
            concurrency=self._concurrency,
            redelivery_timeout=timedelta(seconds=REDELIVERY),
            reconnection_delay=timedelta(seconds=1),
            minimum_check_interval=timedelta(seconds=CHECK),
            # Nothing is ever scheduled for later.
            scheduling_resolution=timedelta(seconds=60),
            schedule_automatic_tasks=False,
        )


def open_docket(url: str, name: str) -> Docket:
    """The queue of that name. Nothing of a task is kept once it has ended."""
    # Its lines would name calls, and quote tracebacks where Redis is away; `Member` says that in one line.
    logging.getLogger("docket").setLevel(logging.CRITICAL)
    return Docket(name=name, url=url, execution_ttl=timedelta(0))


async def _run_worker(worker: Worker, retired: anyio.Event) -> None:
    async with anyio.create_task_group() as tasks, worker:
        tasks.start_soon(worker.run_forever)
        # Leaving the worker lets its tasks end.
        await retired.wait()
