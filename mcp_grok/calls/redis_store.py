"""The store that servers share: records of calls in Redis or Valkey.

The server that accepts a call runs it. Redis contains the data for the others: records, waiting servers, heartbeats.
A server never sends a call that it read from Redis, so a call is sent at most once even if the store fails. It only
takes up a job: it asks the API for the video that a dead server's call has paid for.

    call:{id}           hash     the record
    asked:{fingerprint} set      ids of calls that can be claimed, or must be reported as lost
    holders:{id}        set      servers on which a request waits for it; the call is orphaned if none is alive
    alive:{server}      string   its heartbeat, which expires
    running:{principal} zset     ids and the end of their lease, for the limit of running calls
    usage:{principal}   hash     totals
    ended               zset     ids by their end, for the bounds
    jobs                set      ids of running calls whose job another server can take up
    trim                string   a lock: one server at a time enforces the bounds
    server:{server}     channel  messages to one server; `servers`: to all

Every key but `usage`, `ended` and `jobs` expires. Ids have 144 random bits.
"""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import anyio
import anyio.abc
from redis.exceptions import WatchError

from mcp_grok.calls.call import ENDED, Call, Claim, Delivery, Outcome, Reason, State
from mcp_grok.calls.candidate import Candidate, lost_of
from mcp_grok.calls.codec import encoded
from mcp_grok.calls.redis_client import AWAY, CLOSE_TIMEOUT, Client, ask, open_redis, unreachable
from mcp_grok.calls.redis_record import (
    ENDED_KEY,
    JOBS_KEY,
    SUMMARY,
    TRIM_KEY,
    Record,
    asked_key,
    call_key,
    call_of,
    holders_key,
    is_readable,
    running_key,
    usage_key,
)
from mcp_grok.calls.redis_relay import Relay
from mcp_grok.calls.redis_servers import Message, RedisTimings, Servers
from mcp_grok.calls.redis_transactions import ATTEMPTS, Transactions
from mcp_grok.calls.redis_usage import nested
from mcp_grok.calls.redis_write_queue import WriteQueue
from mcp_grok.calls.store import BOUNDS, Bounds, Event, Follow, Interrupted, Poll, Repeated, Stop, Store, uninterrupted
from mcp_grok.errors import InternalError, Lost, NotConfigured, StoreUnreachable


class RedisStore(Store):
    """The calls of all servers; `open_redis_store` creates it.

    Args:
        redis: The client.
        tasks: Runs the background tasks.
        bounds: How much is kept.
        timings: Intervals and time limits.
    """

    def __init__(self, redis: Client, tasks: anyio.abc.TaskGroup, bounds: Bounds, timings: RedisTimings) -> None:
        self._redis = redis
        self._tasks = tasks
        self._bounds = bounds
        self._timings = timings
        self.servers = Servers(redis, timings, self._message_came, self._catch_up)
        self.process = self.servers.name
        self.outlives_process = True
        self._relay = Relay(redis, self.servers, timings)
        self._transactions = Transactions(redis, self.servers, self._relay.followers, bounds, timings)
        self._queue = WriteQueue(tasks, timings)
        self._running: dict[str, Call] = {}
        self._send_event, self._events = anyio.create_memory_object_stream[Event](float("inf"))

    @uninterrupted
    async def claim(self, fingerprint: str, running: Call | None) -> Claim:
        """See `Store.claim`. `running` is ignored: another server may have claimed it already."""
        await self._queue.all_written(fingerprint)
        unreadable: list[dict[str, str]] = []
        for _ in range(ATTEMPTS):
            candidates = await ask(lambda: self._candidates(fingerprint))
            lost = [*lost_of(candidates), *unreadable]
            orphan = next((candidate.id for candidate in candidates if candidate.is_claimable(self._bounds)), None)
            if orphan is None:
                return None, lost
            record = await self._claimed(orphan, fingerprint)
            if record is None:
                # Another request was faster, or the call has just failed: then it counts as lost.
                continue
            call = await call_of(record, self.servers.now)
            if call is not None and not isinstance(call.outcome, InternalError):
                return call, lost
            unreadable.append({"id": orphan, "billed": "unknown"})
        raise unreachable(WatchError())

    @uninterrupted
    async def insert(self, call: Call, limit: int | None) -> bool:
        """See `Store.insert`. The call is counted among the principal's running calls in the same transaction."""
        self._running[call.id] = call
        inserted = False
        try:
            count = await ask(lambda: self._transactions.insert(call))
            inserted = limit is None or count <= limit
        finally:
            if not inserted:
                # Even without a response from Redis it may have been written, and would count as running.
                self._running.pop(call.id, None)
                self._queue.write(call.id, call.fingerprint, lambda: self._transactions.delete(call))
        return inserted

    @uninterrupted
    async def discard(self, call: Call) -> None:
        """See `Store.discard`."""
        self._running.pop(call.id, None)
        await self._queue.write_soon(call.id, call.fingerprint, lambda: self._transactions.delete(call))

    @uninterrupted
    async def commit(self, call: Call, outcome: Outcome) -> None:
        """See `Store.commit`. A request that waits on this server does not wait for Redis."""
        content = await encoded(outcome)
        self._running.pop(call.id, None)
        done = self._queue.write_outcome(call, self._transactions.commitment(call, outcome, content))
        if not call.requests:
            await self._queue.wait(done)

    @uninterrupted
    async def sync(self, call: Call, *, restore: bool = False) -> None:
        """See `Store.sync`."""

        async def write() -> None:
            # A repeated call waits for writes, and so also while a large answer is encoded.
            content = await encoded(call.outcome) if restore and call.outcome is not None else None
            await self._transactions.write_delivery(call, content)

        done = self._queue.write(call.id, call.fingerprint, write)
        if call.delivery is not Delivery.ORPHANED:
            # A cancellation blocks the messages after it, so it does not wait for this write; a repeated call does.
            await self._queue.wait(done)

    @uninterrupted
    async def record_job(self, call: Call) -> bool:
        """See `Store.record_job`. If Redis is away, it is written once Redis is back."""
        await self._queue.write_soon(call.id, call.fingerprint, lambda: self._transactions.record_job(call))
        return True

    @uninterrupted
    async def take_up(self, call: Call) -> bool:
        """See `Store.take_up`."""
        if not await ask(lambda: self._find_dead({call.process})):
            return False
        taken = await ask(lambda: self._transactions.take_up(call))
        if taken:
            self._running[call.id] = call
        return taken

    async def left_jobs(self) -> list[Call]:
        """See `Store.left_jobs`."""
        ids = await ask(lambda: self._redis.smembers(JOBS_KEY))
        calls = []
        for call_id in ids:
            record = await ask(partial(self._redis.hgetall, call_key(call_id)))
            call = await call_of(record, self.servers.now) if record else None
            if call is None or call.outcome is not None:
                await ask(partial(self._redis.srem, JOBS_KEY, call_id))
            else:
                if await ask(partial(self._redis.sismember, asked_key(call.fingerprint), call_id)):
                    call.delivery = Delivery.ORPHANED
                calls.append(call)
        dead = await ask(lambda: self._find_dead({call.process for call in calls})) if calls else set()
        return [call for call in calls if call.process in dead]

    @uninterrupted
    async def mark_told(self, fingerprint: str, lost: list[dict[str, str]], *, told: bool) -> None:
        """See `Store.mark_told`."""
        for call_id in (entry["id"] for entry in lost):
            self._queue.write(
                call_id, fingerprint, partial(self._transactions.mark_told, call_id, fingerprint, told=told)
            )

    async def find(self, call_id: str) -> Call | None:
        """See `Store.find`. A call on another server is followed when a request waits for it."""
        if call := self._queue.unwritten(call_id):
            return call
        record = await ask(lambda: self._redis.hgetall(call_key(call_id)))
        server = record.get("server")
        if server and "outcome" not in record and await ask(lambda: self._find_dead({server})):
            await ask(lambda: self._transactions.lose(call_id))
            record = await ask(lambda: self._redis.hgetall(call_key(call_id)))
        found = await call_of(record, self.servers.now) if record else None
        if record and found is None:
            raise InternalError("The record of this call cannot be read; the call may be billed.", param="id")
        return found

    async def usage(self, principal: str) -> dict[str, Any]:
        """See `Store.usage`."""
        totals = await ask(lambda: self._redis.hgetall(usage_key(principal)))
        try:
            return nested(totals)
        except (ValueError, TypeError, LookupError, AttributeError):
            raise InternalError("The usage record cannot be read.") from None

    async def is_ready(self) -> bool:
        """See `Store.is_ready`."""
        with anyio.move_on_after(self._timings.patience), suppress(*AWAY):
            return bool(await self._redis.ping())
        return False

    @uninterrupted
    async def attach(self, call: Call) -> None:
        """See `Store.attach`."""
        await self._queue.write_soon(call.id, call.fingerprint, lambda: self._transactions.attach(call))

    @uninterrupted
    async def release(self, call: Call, *, cancels: bool = False) -> bool:
        """See `Store.release`."""
        if call.process == self.process and call.delivery is Delivery.ATTACHED and not call.id_given:
            # No other server can know of it. The next write of the call removes this server from its holders.
            return False
        # Without Redis no server can claim the call, and the next write of the call releases it too.
        with anyio.move_on_after(self._timings.patience), suppress(*AWAY):
            for _ in range(ATTEMPTS):
                with suppress(WatchError):
                    return await self._transactions.release(call, cancels=cancels)
        return False

    @uninterrupted
    async def stop(self, call: Call) -> None:
        """See `Store.stop`."""
        await self._queue.write_soon(call.id, call.fingerprint, lambda: self._transactions.stop(call))

    async def poll(self, call: Call) -> None:
        """See `Store.poll`."""
        with suppress(*AWAY):
            async with self._redis.pipeline(transaction=False) as pipeline:
                self.servers.post(pipeline, call.process, {"do": "poll", "call": call.id})
                await pipeline.execute()

    async def disconnects(self, fingerprint: str, grace: float, session: str) -> None:
        """See `Store.disconnects`."""
        if await self._released(fingerprint, grace) or not session:
            return
        with suppress(*AWAY):
            message = {"do": "repeated", "from": self.process, "fingerprint": fingerprint, "session": session}
            await self.servers.broadcast(message)
        await self._released(fingerprint, grace)

    async def follow(self, call: Call) -> Outcome:
        """See `Store.follow`."""
        outcome = await self._relay.follow(call)
        if isinstance(outcome, Lost):
            with suppress(*AWAY):
                await self._transactions.lose(call.id)
                # Its job may have become known since this server follows it.
                call.job = await self._redis.hget(call_key(call.id), "job") or ""
        return outcome

    async def publish(self, call: Call, event: Follow) -> None:
        """See `Store.publish`."""
        await self._relay.publish(call, event)

    async def broadcast(self, event: Interrupted) -> None:
        """See `Store.broadcast`."""
        known = {"principal": event.principal, "session": event.session, "request": event.request_id}
        message = {"do": "interrupt", "from": self.process, **known, "reason": str(event.reason)}
        with suppress(*AWAY):
            await self.servers.broadcast(message)

    async def events(self) -> AsyncIterator[Event]:
        """See `Store.events`."""
        async for event in self._events:
            yield event

    async def open(self) -> None:
        """Starts the heartbeat, the messages and the background tasks."""
        await self.servers.beat()
        await self._tasks.start(self.servers.listen_always)
        self._tasks.start_soon(self.servers.beat_always)
        self._tasks.start_soon(self._refresh_always)

    async def close(self) -> None:
        """Finishes the pending writes, and ends the heartbeat."""
        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True), suppress(*AWAY):
            await self._queue.drain()
            await self.servers.leave()
        self._queue.cancel()
        self._send_event.close()
        self._events.close()

    async def _refresh_always(self) -> None:
        """Renews the leases of the calls that run here, and enforces the bounds, until cancelled."""
        trimmed_at = time.monotonic()
        while True:
            await anyio.sleep(min(self._timings.lease / 3, self._timings.trim))
            with suppress(*AWAY):
                await self._renew_leases()
                if time.monotonic() - trimmed_at >= self._timings.trim:
                    trimmed_at = time.monotonic()
                    await self._trim()

    def _message_came(self, message: Message) -> None:
        match message["do"]:
            case "text":
                self._relay.text_came(message)
            case "ended":
                self._relay.ended(message)
            case "stop":
                self._emit(Stop(message["call"]))
            case "poll":
                self._emit(Poll(message["call"]))
            case "follow":
                self._emit(Follow(message["call"], message["to"], message["have"]))
            case "interrupt" if message["from"] != self.process:
                reason = Reason(message["reason"])
                event = Interrupted(message["principal"], message["session"], message["request"], reason)
                self._emit(event)
            case "repeated" if message["from"] != self.process:
                self._emit(Repeated(message["fingerprint"], message["session"]))

    def _emit(self, event: Event) -> None:
        with suppress(anyio.ClosedResourceError):
            # A message may arrive while the store closes.
            self._send_event.send_nowait(event)

    async def _catch_up(self) -> None:
        """Stops the calls that other servers asked to stop while this one was disconnected."""
        ids = list(self._running)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for call_id in ids:
                pipeline.hget(call_key(call_id), "cancel")
            flags = await pipeline.execute() if ids else []
        for call_id, flag in zip(ids, flags, strict=True):
            if flag:
                self._emit(Stop(call_id))

    async def _renew_leases(self) -> None:
        calls = list(self._running.values())
        until = self.servers.now + self._timings.lease
        async with self._redis.pipeline(transaction=False) as pipeline:
            for call in calls:
                # Also if it is gone: after a long time without Redis, or if Redis has lost data.
                pipeline.zadd(running_key(call.principal), {call.id: until})
                pipeline.expire(running_key(call.principal), int(self._bounds.age))
            await pipeline.execute()
            for call in calls:
                if call.id not in self._running:
                    # It has ended meanwhile.
                    pipeline.zrem(running_key(call.principal), call.id)
            await pipeline.execute()

    async def _trim(self) -> None:
        """Removes the oldest calls over the bounds, on one server at a time."""
        if not await self._redis.set(TRIM_KEY, 1, nx=True, px=int(self._timings.trim * 800)):
            return
        await self._redis.zremrangebyscore(ENDED_KEY, 0, self.servers.now - self._bounds.age)
        newest = await self._redis.zrevrange(ENDED_KEY, 0, -1)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for call_id in newest:
                pipeline.hget(call_key(call_id), "size")
            sizes = await pipeline.execute() if newest else []
        kept = 0
        for number, (call_id, size) in enumerate(zip(newest, sizes, strict=True), 1):
            kept += int(size or 0)
            if size is None or number > self._bounds.entries or kept > self._bounds.bytes:
                await self._redis.delete(call_key(call_id), holders_key(call_id))
                await self._redis.zrem(ENDED_KEY, call_id)

    async def _candidates(self, fingerprint: str) -> list[Candidate]:
        """The calls under a fingerprint's `asked` key, oldest first."""
        ids = await self._redis.smembers(asked_key(fingerprint))
        if not ids:
            return []
        records, holders = await self._summaries(ids, fingerprint)
        running = {record["server"] for record in records.values() if record["state"] not in ENDED}
        if dead := await self._find_dead(running):
            for call_id, record in records.items():
                if record["server"] in dead and record["state"] not in ENDED:
                    await self._transactions.lose(call_id)
            records, holders = await self._summaries(set(records), fingerprint)
        alive = await self.servers.alive(name for names in holders.values() for name in names)
        now = self.servers.now
        return [
            Candidate(
                id=call_id,
                state=State.CANCELLED if record["cancel"] else State(record["state"]),
                is_orphaned=not (holders[call_id] & alive),
                age=max(0.0, now - float(record["ended_at"] or now)),
                billed=record["billed"] or "",
            )
            for call_id, record in sorted(records.items(), key=lambda item: float(item[1]["created_at"]))
        ]

    async def _summaries(self, ids: set[str], fingerprint: str) -> tuple[dict[str, Record], dict[str, set[str]]]:
        """The summaries of the calls with readable records, and the holders of each call."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for call_id in ids:
                pipeline.hmget(call_key(call_id), SUMMARY)
                pipeline.smembers(holders_key(call_id))
            answers = await pipeline.execute()
        summaries = [dict(zip(SUMMARY, values, strict=True)) for values in answers[::2]]
        records = {call_id: summary for call_id, summary in zip(ids, summaries, strict=True) if is_readable(summary)}
        if gone := ids - set(records):
            await self._redis.srem(asked_key(fingerprint), *gone)
        return records, dict(zip(ids, answers[1::2], strict=True))

    async def _find_dead(self, servers: set[str]) -> set[str]:
        """The dead servers among some. Only if one has no heartbeat, this waits for a second check."""
        suspects = servers - await self.servers.alive(servers)
        if not suspects:
            return set()
        await self.servers.dead(suspects)
        await anyio.sleep(self._timings.look)
        return await self.servers.dead(suspects)

    async def _claimed(self, call_id: str, fingerprint: str) -> Record | None:
        """Claims an orphan and returns its record; None if another request was faster.

        Raises:
            StoreUnreachable: it is unknown whether the claim succeeded; the claim is undone.
        """
        try:
            return await ask(partial(self._transactions.claim, call_id, secrets.token_hex(8)))
        except StoreUnreachable:
            self._queue.write(call_id, fingerprint, lambda: self._redis.srem(holders_key(call_id), self.process))
            raise

    async def _released(self, fingerprint: str, grace: float) -> bool:
        """Waits for `_is_held_elsewhere` to become false; returns False after `grace` seconds."""
        with anyio.move_on_after(grace):
            while await ask(lambda: self._is_held_elsewhere(fingerprint, grace)):  # noqa: ASYNC110 - Redis has no event
                await anyio.sleep(self._timings.poll)
            return True
        return False

    async def _is_held_elsewhere(self, fingerprint: str, grace: float) -> bool:
        """Whether there are calls with a fingerprint older than `grace` seconds, all held only by other servers."""
        ids = await self._redis.smembers(asked_key(fingerprint))
        if not ids:
            return False
        records, holders = await self._summaries(ids, fingerprint)
        alive = await self.servers.alive(name for names in holders.values() for name in names)
        held = [
            bool(holders[call_id] & alive) and self.process not in holders[call_id]
            for call_id, record in records.items()
            if not record["cancel"] and self.servers.now - float(record["created_at"]) > grace
        ]
        return bool(held) and all(held)


@asynccontextmanager
async def open_redis_store(
    url: str, bounds: Bounds = BOUNDS, timings: RedisTimings | None = None
) -> AsyncIterator[RedisStore]:
    """The shared store.

    Args:
        url: The address of the Redis or Valkey.
        bounds: How much is kept.
        timings: Intervals and time limits.

    Raises:
        NotConfigured: the Redis or Valkey cannot be used.
    """
    async with open_redis(url) as redis:
        try:
            await redis.ping()
        except AWAY as error:
            raise NotConfigured(
                f"MCP_GROK_STORE: the Redis or Valkey that it names cannot be used: {type(error).__name__}."
            ) from None
        async with anyio.create_task_group() as tasks:
            store = RedisStore(redis, tasks, bounds, timings or RedisTimings())
            try:
                await store.open()
                yield store
            finally:
                await store.close()
                tasks.cancel_scope.cancel()
