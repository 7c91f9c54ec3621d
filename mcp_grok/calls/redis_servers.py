"""The servers that share a Redis or Valkey: their heartbeats, their common clock, and their messages."""

import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.abc

from mcp_grok.calls.redis_client import AWAY, Client

logger = logging.getLogger(__name__)

PREFIX = "mcp-grok"
EVERYONE = f"{PREFIX}:servers"
"""The channel that all servers listen to."""

Message = dict[str, Any]
OnMessage = Callable[[Message], None]


@dataclass(frozen=True, slots=True)
class RedisTimings:
    """Intervals and time limits of servers that share a store, in seconds.

    Attributes:
        beat: Interval between heartbeats.
        alive: Lifetime of a heartbeat. It matters only if a whole machine fails: the connection of a process that dies
            closes immediately, which Redis detects.
        look: Interval between checks of another server. A server is dead if two consecutive checks, with no error
            between them, found no heartbeat: after Redis was unavailable, a live server needs time to reconnect.
        reconnect: Delay before listening again after a lost connection.
        poll: Interval between checks whether a duplicate was orphaned on another server.
        flush: Interval between pieces of text sent to another server.
        patience: Maximum wait of a client for a write, which then continues in the background until Redis is back.
        lease: Time that a running call counts for its principal's limit without a renewal by its server, which may have
            died.
        out_of_reach: Time without Redis after which a request that waits for another server's call gives up.
        trim: Interval between checks whether the bounds are exceeded.
    """

    beat: float = 0.75
    alive: float = 4.0
    look: float = 1.0
    reconnect: float = 0.2
    poll: float = 0.05
    flush: float = 0.03
    patience: float = 1.0
    lease: float = 10.0
    out_of_reach: float = 10.0
    trim: float = 30.0


class Servers:
    """This server's heartbeat, and its messages to and from the other servers that share a store.

    Args:
        redis: The client.
        timings: Intervals and time limits.
        on_message: Called with each message to this server.
        on_return: Called when this server listens again after a lost connection.

    Attributes:
        name: The name of this server, new at each start.
    """

    def __init__(
        self, redis: Client, timings: RedisTimings, on_message: OnMessage, on_return: Callable[[], Awaitable[None]]
    ) -> None:
        self.name = secrets.token_hex(8)
        self._redis = redis
        self._timings = timings
        self._on_message = on_message
        self._on_return = on_return
        self._clock_offset = 0.0
        self._missing_since: dict[str, float] = {}

    @property
    def now(self) -> float:
        """Seconds since 1970 by the clock of Redis, which all servers share."""
        return time.monotonic() + self._clock_offset

    async def beat(self) -> None:
        """Sends one heartbeat, and reads the clock of Redis; raises the errors in `AWAY`."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.set(_alive_key(self.name), 1, px=int(self._timings.alive * 1000))
            pipeline.time()
            (seconds, microseconds) = (await pipeline.execute())[1]
        self._clock_offset = seconds + microseconds / 1e6 - time.monotonic()

    async def beat_always(self) -> None:
        """Sends heartbeats until cancelled."""
        is_away = False
        while True:
            try:
                await self.beat()
                if is_away:
                    logger.warning("the store that the servers share is available again")
                is_away = False
            except AWAY as error:
                self._missing_since.clear()
                if not is_away:
                    logger.warning("the store that the servers share cannot be used: %s", type(error).__name__)
                is_away = True
            await anyio.sleep(self._timings.beat)

    async def leave(self) -> None:
        """Deletes this server's heartbeat."""
        await self._redis.delete(_alive_key(self.name))

    async def listen_always(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        """Receives the messages to this server until cancelled; reports `started` when it listens."""
        has_listened = False
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as listener:
                    await listener.subscribe(_inbox(self.name), EVERYONE)
                    if has_listened:
                        await self._on_return()
                    else:
                        task_status.started()
                    has_listened = True
                    while True:
                        if (message := await listener.get_message(timeout=self._timings.alive)) is not None:
                            self._take(message["data"])
            except AWAY as error:
                self._missing_since.clear()
                if not has_listened:
                    raise
                logger.debug("messages from other servers cannot be received: %s", type(error).__name__)
                await anyio.sleep(self._timings.reconnect)

    def post(self, pipeline: Any, server: str, message: Message) -> None:
        """Adds a message to a server to a pipeline."""
        pipeline.publish(_inbox(server), json.dumps(message))

    async def send(self, server: str, message: Message) -> None:
        """Sends a message to a server; raises the errors in `AWAY`."""
        await self._redis.publish(_inbox(server), json.dumps(message))

    async def broadcast(self, message: Message) -> None:
        """Sends a message to every server; raises the errors in `AWAY`."""
        await self._redis.publish(EVERYONE, json.dumps(message))

    async def alive(self, names: Iterable[str]) -> set[str]:
        """The servers among `names` that are alive now: with a heartbeat and a connection that listens."""
        others = [name for name in dict.fromkeys(names) if name not in (self.name, "")]
        alive = {self.name}
        if others:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for name in others:
                    pipeline.exists(_alive_key(name))
                pipeline.pubsub_numsub(*map(_inbox, others))
                *keys, listeners = await pipeline.execute()
            numbers = [int(number) for _, number in listeners]
            alive |= {name for name, key, number in zip(others, keys, numbers, strict=True) if key and number}
        return alive

    async def dead(self, names: Iterable[str]) -> set[str]:
        """The servers among `names` that two checks, at least about `look` seconds apart, found not alive.

        Raises:
            AWAY: Redis is unavailable; then earlier checks no longer count.
        """
        names = set(names)
        try:
            suspects = names - await self.alive(names)
        except AWAY:
            self._missing_since.clear()
            raise
        now = time.monotonic()
        for name in names - suspects:
            self._missing_since.pop(name, None)
        since = {name: self._missing_since.setdefault(name, now) for name in suspects}
        return {name for name in suspects if now - since[name] >= 0.9 * self._timings.look}

    def _take(self, data: str) -> None:
        try:
            message = json.loads(data)
            self._on_message(message)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            logger.error("a message from another server cannot be read: %s", type(error).__name__)


def _alive_key(server: str) -> str:
    return f"{PREFIX}:alive:{server}"


def _inbox(server: str) -> str:
    return f"{PREFIX}:server:{server}"
