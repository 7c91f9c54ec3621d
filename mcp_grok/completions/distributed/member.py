"""This process as one of those that share calls: it says that it is alive, and hears what concerns it."""

import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from redis.asyncio import Redis
from redis.exceptions import RedisError

from mcp_grok.completions.distributed.state import ALIVE, SharedState, StoreGoneError, open_redis

logger = logging.getLogger(__name__)

BEAT = 2.0
"""Seconds between two signs of life."""

RECONNECT = 0.2

News = dict[str, Any]
OnNews = Callable[[News], None]
OnBeat = Callable[[], Awaitable[None]]
OnSilence = Callable[[float], None]


def process_name() -> str:
    """A name for this process that no other has."""
    return secrets.token_hex(8)


class Member:
    """A process with an inbox.

    Args:
        state: Where it says that it is alive.
        url: The same Redis, for a connection that only listens.

    Attributes:
        is_listening: Set once the inbox is open.
        on_news: Each is called with what comes.
        on_beat: Each is called after each sign of life that Redis took.
        on_silence: Each is called with the seconds since the last one, when Redis does not take another.
    """

    def __init__(self, state: SharedState, url: str) -> None:
        self._state = state
        self._url = url
        self.is_listening = anyio.Event()
        self.on_news: list[OnNews] = []
        self.on_beat: list[OnBeat] = []
        self.on_silence: list[OnSilence] = []

    async def listen(self) -> None:
        """Hears the inbox until cancelled, whatever becomes of the connection."""
        async with open_redis(self._url, answer_timeout=None) as redis:
            while True:
                try:
                    await self._hear(redis)
                except (RedisError, OSError):
                    await anyio.sleep(RECONNECT)

    async def _hear(self, redis: "Redis") -> None:
        async with redis.pubsub() as inbox:
            await inbox.subscribe(self._state.inbox())
            # Every beat is heard here; a connection that is silent is a dead one.
            while (message := await inbox.get_message(timeout=2 * ALIVE)) is not None:
                if message["type"] == "subscribe":
                    self.is_listening.set()
                elif message["type"] == "message":
                    news = json.loads(message["data"])
                    for on_news in self.on_news:
                        on_news(news)

    async def beat(self) -> None:
        """Gives signs of life until cancelled."""
        last = anyio.current_time()
        while True:
            try:
                await self._state.beat()
                last = anyio.current_time()
                for on_beat in self.on_beat:
                    await on_beat()
            except StoreGoneError as error:
                logger.warning("the store that servers share cannot be reached: %s", error)
                for on_silence in self.on_silence:
                    on_silence(anyio.current_time() - last)
            await anyio.sleep(BEAT)
