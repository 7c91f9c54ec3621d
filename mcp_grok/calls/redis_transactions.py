"""The transactions on the records of calls in Redis."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.exceptions import WatchError

from mcp_grok.calls.call import Call, Delivery, Outcome, Reason, State
from mcp_grok.calls.call_log import log_call
from mcp_grok.calls.candidate import is_deletable
from mcp_grok.calls.codec import encoded
from mcp_grok.calls.redis_client import Client
from mcp_grok.calls.redis_record import (
    ENDED_KEY,
    JOBS_KEY,
    Record,
    asked_key,
    call_key,
    call_of,
    end,
    holders_key,
    identity,
    running_key,
    usage_key,
)
from mcp_grok.calls.redis_servers import RedisTimings, Servers
from mcp_grok.calls.redis_usage import SINCE, increments
from mcp_grok.calls.redis_write_queue import Write
from mcp_grok.calls.store import Bounds
from mcp_grok.errors import Lost

ATTEMPTS = 5
"""Maximum attempts of a transaction whose keys another server changes at the same time."""


class Transactions:
    """This server's changes of records, each in one transaction. Every method raises the errors in `AWAY`.

    Args:
        redis: The client.
        servers: The connection to the other servers.
        followers: Returns the servers that follow a call that runs here, by its id.
        bounds: How much is kept.
        timings: Intervals and time limits.
    """

    def __init__(
        self,
        redis: Client,
        servers: Servers,
        followers: Callable[[str], list[str]],
        bounds: Bounds,
        timings: RedisTimings,
    ) -> None:
        self._redis = redis
        self._servers = servers
        self._followers = followers
        self._bounds = bounds
        self._timings = timings

    async def claim(self, call_id: str, nonce: str) -> Record | None:
        """Attaches an orphan to this server and returns its record; None if it can no longer be claimed.

        If the record changes at the same time, for example because the call ends, this tries again. The nonce
        distinguishes this claim from those of other requests if the response to it is lost.
        """
        key, held_by = call_key(call_id), holders_key(call_id)
        for _ in range(ATTEMPTS):
            async with self._redis.pipeline(transaction=True) as pipeline:
                await pipeline.watch(key, held_by)
                holders = await pipeline.smembers(held_by)
                state, cancel, claimed_by = await pipeline.hmget(key, "state", "cancel", "claimed_by")
                if claimed_by == nonce:
                    own: Record = await pipeline.hgetall(key)
                    return own
                is_claimable = state in (State.QUEUED, State.RUNNING, State.COMPLETED) and not cancel
                if not is_claimable or holders & await self._servers.alive(holders):
                    return None
                pipeline.multi()
                pipeline.delete(held_by)
                pipeline.sadd(held_by, self._servers.name)
                self._keep(pipeline, held_by)
                pipeline.hset(key, "claimed_by", nonce)
                pipeline.hgetall(key)
                with suppress(WatchError):
                    record: Record = (await pipeline.execute())[-1]
                    return record
        # It is unknown whether the orphan can be claimed, and a new call might be billed twice.
        raise WatchError

    async def lose(self, call_id: str) -> None:
        """Records a call as lost, unless another server can take up its job.

        If its server is alive after all, the outcome that it writes replaces this.
        """
        key = call_key(call_id)
        async with self._redis.pipeline(transaction=True) as pipeline:
            await pipeline.watch(key)
            call = await call_of(await pipeline.hgetall(key), self._servers.now)
            if call is None or call.outcome is not None or call.job:
                return
            call.state, call.reason = State.LOST, Reason.CRASH
            pipeline.multi()
            pipeline.hset(key, mapping=end(call, Lost(), await encoded(Lost()), self._servers.now))
            pipeline.zrem(running_key(call.principal), call_id)
            pipeline.zadd(ENDED_KEY, {call_id: self._servers.now})
            with suppress(WatchError):
                await pipeline.execute()
                log_call(call, Lost())

    async def record_job(self, call: Call) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(call_key(call.id), mapping=identity(call, self._servers.now))
            pipeline.sadd(JOBS_KEY, call.id)
            self._keep(pipeline, call_key(call.id))
            await pipeline.execute()

    async def take_up(self, call: Call) -> bool:
        """Makes this server the one that runs a call whose server has died.

        Returns:
            False if the call has ended, or if another server was faster, which is then the one of the call.
        """
        key = call_key(call.id)
        for _ in range(ATTEMPTS):
            async with self._redis.pipeline(transaction=True) as pipeline:
                await pipeline.watch(key)
                server, outcome, cancel = await pipeline.hmget(key, "server", "outcome", "cancel")
                if server != call.process or outcome is not None or cancel:
                    call.process = server or call.process
                    return False
                pipeline.multi()
                pipeline.hset(key, mapping={"server": self._servers.name, "state": str(State.RUNNING)})
                pipeline.zadd(running_key(call.principal), {call.id: self._servers.now + self._timings.lease})
                with suppress(WatchError):
                    await pipeline.execute()
                    return True
        return False

    async def insert(self, call: Call) -> int:
        """Stores a new call; returns the number of its principal's running calls, including this one."""
        running, now = running_key(call.principal), self._servers.now
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(call_key(call.id), mapping=identity(call, now))
            pipeline.sadd(asked_key(call.fingerprint), call.id)
            pipeline.sadd(holders_key(call.id), self._servers.name)
            pipeline.zadd(running, {call.id: now + self._timings.lease})
            for key in (call_key(call.id), asked_key(call.fingerprint), holders_key(call.id), running):
                self._keep(pipeline, key)
            pipeline.zremrangebyscore(running, 0, now)
            pipeline.zcard(running)
            return int((await pipeline.execute())[-1])

    def commitment(self, call: Call, outcome: Outcome, content: bytes) -> Write:
        """The write of an outcome and its usage; if repeated, it counts the usage only once."""
        is_repeated = False

        async def write() -> None:
            nonlocal is_repeated
            if (is_repeated or call.job) and await self._redis.hexists(call_key(call.id), "counted"):
                return
            is_repeated = True
            now = self._servers.now
            async with self._redis.pipeline(transaction=True) as pipeline:
                record = {**identity(call, now), **end(call, outcome, content, now), "counted": 1}
                pipeline.hset(call_key(call.id), mapping=record)
                self._keep(pipeline, call_key(call.id))
                pipeline.zrem(running_key(call.principal), call.id)
                if call.job:
                    pipeline.srem(JOBS_KEY, call.id)
                pipeline.zadd(ENDED_KEY, {call.id: now})
                if amounts := increments(call, outcome):
                    pipeline.hsetnx(usage_key(call.principal), SINCE, time.time())
                for path, amount in amounts:
                    pipeline.hincrbyfloat(usage_key(call.principal), path, amount)
                for server in self._followers(call.id):
                    self._servers.post(pipeline, server, {"do": "ended", "call": call.id})
                await pipeline.execute()

        return write

    async def write_delivery(self, call: Call, content: bytes | None) -> None:
        """Writes the delivery of a call, and its outcome if the record was removed."""
        if is_deletable(call):
            await self._delete_unless_held(call)
            return
        key, asked, now = call_key(call.id), asked_key(call.fingerprint), self._servers.now
        async with self._redis.pipeline(transaction=True) as pipeline:
            if content is not None and call.outcome is not None:
                pipeline.hset(key, mapping={**identity(call, now), **end(call, call.outcome, content, now)})
                pipeline.zadd(ENDED_KEY, {call.id: now})
            if call.id_given:
                pipeline.hset(key, "id_given", 1)
            self._keep(pipeline, key)
            if call.delivery is not Delivery.ATTACHED:
                pipeline.srem(holders_key(call.id), self._servers.name)
            if call.delivery is Delivery.ORPHANED:
                pipeline.sadd(asked, call.id)
                self._keep(pipeline, asked)
            elif call.delivery is not Delivery.ATTACHED and call.state is not State.LOST:
                pipeline.srem(asked, call.id)
            await pipeline.execute()

    async def attach(self, call: Call) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            # An earlier request may have cancelled the call at the same time.
            pipeline.hdel(call_key(call.id), "cancel")
            for key, member in ((holders_key(call.id), self._servers.name), (asked_key(call.fingerprint), call.id)):
                pipeline.sadd(key, member)
                self._keep(pipeline, key)
            await pipeline.execute()

    async def release(self, call: Call, *, cancels: bool) -> bool:
        key = holders_key(call.id)
        async with self._redis.pipeline(transaction=True) as pipeline:
            await pipeline.watch(key)
            others = await pipeline.smembers(key) - {self._servers.name}
            waits_elsewhere = bool(others and others & await self._servers.alive(others))
            pipeline.multi()
            pipeline.srem(key, self._servers.name)
            if cancels and not waits_elsewhere and call.outcome is None:
                # In the same transaction, so that no other server claims a call that its user has cancelled.
                pipeline.hset(call_key(call.id), "cancel", 1)
                self._keep(pipeline, call_key(call.id))
                pipeline.srem(asked_key(call.fingerprint), call.id)
            await pipeline.execute()
        return waits_elsewhere

    async def stop(self, call: Call) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            # The flag is for a server that does not receive the message.
            pipeline.hset(call_key(call.id), "cancel", 1)
            self._keep(pipeline, call_key(call.id))
            self._servers.post(pipeline, call.process, {"do": "stop", "call": call.id})
            await pipeline.execute()

    async def mark_told(self, call_id: str, fingerprint: str, *, told: bool) -> None:
        asked = asked_key(fingerprint)
        async with self._redis.pipeline(transaction=True) as pipeline:
            if told:
                pipeline.srem(asked, call_id)
            else:
                pipeline.sadd(asked, call_id)
                self._keep(pipeline, asked)
            await pipeline.execute()

    async def _delete_unless_held(self, call: Call) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.srem(asked_key(call.fingerprint), call.id)
            pipeline.srem(holders_key(call.id), self._servers.name)
            pipeline.scard(holders_key(call.id))
            holders = (await pipeline.execute())[-1]
        if not holders:
            await self.delete(call)

    async def delete(self, call: Call) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(call_key(call.id), holders_key(call.id))
            pipeline.srem(asked_key(call.fingerprint), call.id)
            pipeline.zrem(running_key(call.principal), call.id)
            pipeline.zrem(ENDED_KEY, call.id)
            await pipeline.execute()

    def _keep(self, pipeline: Any, key: str) -> None:
        pipeline.expire(key, int(self._bounds.age))
