"""Servers in one process, and the stores that they may share."""

import inspect
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio

from mcp_grok.calls import Call, Calls, Delivery, Outcome, Reason, Request, State, Timings, open_calls
from mcp_grok.calls.redis_servers import RedisTimings
from mcp_grok.calls.store import Store
from mcp_grok.principal import ANONYMOUS, Principal
from mcp_grok.settings import Settings
from mcp_grok.upstream.api_request import ApiRequest
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import ChatRequest, read_request
from tests.replay import COMPLETION


class Counted:
    """Quotas that admit every call.

    Args:
        outlive_process: Whether they stand for those that servers share.

    Attributes:
        tokens: The tokens of each principal.
    """

    counts_tokens = True

    def __init__(self, *, outlive_process: bool = False) -> None:
        self.outlive_process = outlive_process
        self.tokens: Counter[str] = Counter()

    async def admit(self, name: str, tokens: int) -> None:
        self.tokens[name] += tokens

    async def count(self, name: str, tokens: int) -> None:
        self.tokens[name] += tokens


def hello(stream: bool = False, text: str = "Hello") -> ChatRequest:
    """The content of a call."""
    arguments = {"messages": [{"role": "user", "content": text}], "stream": stream}
    return read_request(arguments, Settings(provider="acedata").endpoint)


@asynccontextmanager
async def opened(*settings: Settings, **options: Any) -> AsyncIterator[list[Calls]]:
    """A server for each of some settings."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_calls(given, **options)) for given in settings]


async def ask(calls: Calls, api_request: ApiRequest | None = None, principal: Principal = ANONYMOUS) -> Request:
    """A request that has started a call, or claimed one."""
    request = calls.request(principal, connection="stdio")
    await calls.start(api_request or hello(), request)
    return request


async def fetch(calls: Calls, call_id: str, principal: Principal = ANONYMOUS) -> Request:
    """A request that waits for the call of an id."""
    request = calls.request(principal, connection="stdio")
    await calls.attach(await calls.find(call_id, principal), request)
    return request


def call_of(request: Request) -> Call:
    """The call that a request waits for."""
    assert request.call is not None
    return request.call


async def outcome_of(request: Request) -> Outcome:
    """The outcome of a request's call, as its client gets it."""
    with anyio.fail_after(10):
        outcome = await call_of(request).wait()
    await request.delivered()
    return outcome


async def hand_off(request: Request) -> str:
    """The id of a call that a request hands off."""
    await request.calls.give_id(request)
    await request.delivered()
    return call_of(request).id


async def notes_of(calls: Calls, chat: ChatRequest | None = None) -> dict[str, Any]:
    """What the result of a further call says in `_meta`, once its client has it."""
    request = await ask(calls, chat)
    await request.delivered()
    return request.notes


async def orphaned(calls: Calls, chat: ChatRequest | None = None, reason: Reason = Reason.CLIENT_TIMEOUT) -> Call:
    """A call whose only request was interrupted."""
    request = await ask(calls, chat)
    await request.interrupt(reason)
    return call_of(request)


SOON = Timings(orphan_timeout=0.05)
"""An orphan is stopped at once."""

QUICK = RedisTimings(look=0.2, out_of_reach=0.3, trim=0.05)
"""Servers in one process wait less for each other than machines on a network must."""

ANSWER = Completion(COMPLETION, size=300)


def new_call(store: Store, fingerprint: str = "?", principal: str = "") -> Call:
    """A call that may be inserted into a store."""
    return Call("grok-4", fingerprint, principal, process=store.process)


async def ended(
    store: Store,
    fingerprint: str = "?",
    *,
    outcome: Outcome = ANSWER,
    delivery: Delivery = Delivery.ORPHANED,
    principal: str = "",
    ended_at: float | None = None,
) -> Call:
    """A call in a store that has ended, with an id that its client knows."""
    call = new_call(store, fingerprint, principal)
    await store.insert(call, None)
    call.state = State.COMPLETED if isinstance(outcome, Completion) else State.FAILED
    call.ended_at = time.time() if ended_at is None else ended_at
    await store.commit(call, outcome)
    call.outcome, call.delivery, call.id_given = outcome, delivery, True
    await store.sync(call)
    return call


async def claimed(store: Store, fingerprint: str = "?") -> str | None:
    """The id of the orphan that a new call claims."""
    call, _ = await store.claim(fingerprint, None)
    return call.id if call else None


async def idle(calls: Calls) -> None:
    """Waits until a server runs no call of the anonymous caller."""
    await until(lambda: not calls.under_way(ANONYMOUS))


async def until(condition: Callable[[], Any], seconds: float = 5) -> Any:
    """What a condition, a function or a coroutine function, gives once it holds.

    For what is in another process or is written in the background, of which this process gets no event.
    """
    with anyio.fail_after(seconds):
        while True:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
            await anyio.sleep(0.01)
