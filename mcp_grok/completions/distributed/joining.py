"""Joining the processes that share calls, and leaving them."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import anyio
import anyio.abc

from mcp_grok.completions.distributed.completions import SharedCompletions
from mcp_grok.completions.distributed.member import Member, process_name
from mcp_grok.completions.distributed.queue import Queue, open_docket
from mcp_grok.completions.distributed.runner import Runner
from mcp_grok.completions.distributed.state import PREFIX, SharedState, StoreGoneError, open_redis
from mcp_grok.completions.distributed.waited_for import WaitedFor
from mcp_grok.completions.running import CLOSE_TIMEOUT, PATIENCE, OnAnswer
from mcp_grok.errors import NotConfigured
from mcp_grok.settings import Settings
from mcp_grok.upstream.client import ChatClient

OPEN_TIMEOUT = 5.0
"""Seconds that opening the store may take."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A process that shares calls.

    Attributes:
        client: Sends calls.
        state: All calls.
        queue: Those to be run.
        runner: Runs them.
        member: Hears what concerns this process.
    """

    client: ChatClient
    state: SharedState
    queue: Queue
    runner: Runner
    member: Member


@asynccontextmanager
async def open_distributed(
    settings: Settings, *, run_calls: bool = True, on_answer: OnAnswer | None = None
) -> AsyncIterator[SharedCompletions]:
    """A place for calls that other processes share. What runs here when it is left is lost, unless it has ended.

    Args:
        settings: `store_url` names the Redis. Processes with the same upstream and key run each other's calls.
        run_calls: Whether this process runs calls; other processes must, otherwise.
        on_answer: Called with the caller's name and the tokens of each answer, by one of the processes.

    Raises:
        NotConfigured: the store cannot be reached.
    """
    async with _joined(settings) as joined, anyio.create_task_group() as tasks:
        waited_for = WaitedFor(joined.state, tasks, settings.timeout, on_answer)
        completions = SharedCompletions(
            settings, joined.client, joined.state, joined.queue, joined.runner, waited_for, tasks
        )
        joined.member.on_news.append(waited_for.news)
        joined.member.on_beat.append(waited_for.look_after)
        joined.member.on_silence.append(waited_for.store_is_silent)
        if run_calls:
            tasks.start_soon(joined.queue.work)
        try:
            yield completions
        finally:
            with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
                completions.stop_all()
                joined.queue.retire()
                await completions.left()
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def open_runner(settings: Settings) -> AsyncIterator[tuple[Runner, Queue]]:
    """A place where calls run that others make. What runs when it is left is lost.

    Raises:
        NotConfigured: there is no store to take them from, it cannot be reached, or there is no address to send to.
    """
    if settings.store_url is None:
        raise NotConfigured("A worker takes its calls from a store that servers share: set MCP_GROK_STORE=redis://….")
    if not settings.url:
        raise NotConfigured("A worker cannot use a sandbox of its own; set MCP_GROK_BASE_URL to that of the servers.")
    async with _joined(settings) as joined, anyio.create_task_group() as tasks:
        tasks.start_soon(joined.queue.work)
        try:
            yield joined.runner, joined.queue
        finally:
            with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
                joined.runner.stop_all()
                joined.queue.retire()
                await joined.runner.ended()
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def _joined(settings: Settings) -> AsyncIterator[Joined]:
    url = settings.store_url or ""
    client = ChatClient(settings)
    try:
        async with open_redis(url) as redis:
            state = SharedState(redis, process_name())
            member = Member(state, url)
            await _check(state)
            async with (
                open_docket(url, f"{PREFIX}-{client.place()[:16]}") as docket,
                anyio.create_task_group() as tasks,
            ):
                runner = Runner(settings, client, state, tasks, PATIENCE)
                queue = Queue(docket, runner.run, state.process, settings.max_concurrency)
                member.on_news.append(partial(_stop, runner))
                member.on_beat += [runner.look_after, queue.look_after]
                tasks.start_soon(member.listen)
                with anyio.move_on_after(OPEN_TIMEOUT):
                    await member.is_listening.wait()
                tasks.start_soon(member.beat)
                await state.beat()
                try:
                    yield Joined(client, state, queue, runner, member)
                finally:
                    with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
                        await _die(state)
                    tasks.cancel_scope.cancel()
    finally:
        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
            await client.aclose()


async def _check(state: SharedState) -> None:
    try:
        with anyio.fail_after(OPEN_TIMEOUT):
            await state.ping()
    except (StoreGoneError, TimeoutError):
        # The address may hold a password.
        raise NotConfigured(
            "MCP_GROK_STORE: that Redis or Valkey cannot be reached, or does not let this server in."
        ) from None


async def _die(state: SharedState) -> None:
    try:
        await state.die()
    except StoreGoneError as error:
        logging.getLogger(__name__).warning("the store that servers share cannot be reached: %s", error)


def _stop(runner: Runner, news: dict[str, str]) -> None:
    if news["what"] == "stop":
        runner.stop(news["of"])
