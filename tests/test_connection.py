"""A connection: cancellations in the order in which they arrive, and results that were written, or not."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCNotification, JSONRPCResponse

from mcp_grok.calls import Calls, Delivery, Reason, Request, open_calls
from mcp_grok.connection import MAX_EARLY, Connection, reason_of
from mcp_grok.settings import Settings
from tests.calls.servers import call_of, hello
from tests.process import TIMEOUTS
from tests.replay import Replay


class Stream:
    """A stream of the SDK that yields these messages, and accepts any."""

    def __init__(self, *messages: Any) -> None:
        self._messages = list(messages)

    async def receive(self) -> SessionMessage:
        return SessionMessage(self._messages.pop(0))

    async def send(self, item: SessionMessage) -> None:
        pass


def cancelled(request_id: object, reason: str | None = None) -> JSONRPCNotification:
    """A cancellation."""
    params = {"requestId": request_id, **({"reason": reason} if reason else {})}
    return JSONRPCNotification(jsonrpc="2.0", method="notifications/cancelled", params=params)


def result(request_id: int) -> SessionMessage:
    """A result."""
    return SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=request_id, result={}))


@pytest.fixture
async def calls(upstream: Replay, settings: Settings) -> AsyncIterator[Calls]:
    """The calls of a process."""
    async with open_calls(settings) as calls:
        yield calls


async def answered(calls: Calls) -> Request:
    """A request whose call has ended, and whose result is to be written."""
    request = calls.request(connection="stdio")
    await calls.start(hello(), request)
    await call_of(request).wait()
    return request


@pytest.mark.parametrize("reason", TIMEOUTS)
def test_reason_of_a_timeout(reason: str) -> None:
    assert reason_of(reason) is Reason.CLIENT_TIMEOUT


@pytest.mark.parametrize("reason", [None, "", "user pressed escape", 5, {"timed": "out"}])
def test_any_other_reason_is_the_user_s(reason: object) -> None:
    assert reason_of(reason) is Reason.USER


async def test_cancellation_interrupts_its_request(calls: Calls) -> None:
    connection = Connection(Stream(cancelled(7, "Request timed out")))
    request = calls.request()
    await connection.register(7, request)
    await connection.receive()
    assert request.interrupted is Reason.CLIENT_TIMEOUT


async def test_cancellation_that_overtakes_its_handler(calls: Calls) -> None:
    connection = Connection(Stream(cancelled("7")))
    await connection.receive()
    request = calls.request()
    await connection.register(7, request)
    assert request.interrupted is Reason.USER


async def test_early_cancellations_are_bounded(calls: Calls) -> None:
    connection = Connection(Stream(*(cancelled(number) for number in range(MAX_EARLY + 1))))
    for _ in range(MAX_EARLY + 1):
        await connection.receive()
    oldest, newest = calls.request(), calls.request()
    await connection.register(0, oldest)
    await connection.register(MAX_EARLY, newest)
    assert (oldest.interrupted, newest.interrupted) == (None, Reason.USER)


async def test_connections_do_not_share_request_ids(calls: Calls) -> None:
    one, other = Connection(Stream(cancelled(7))), Connection(Stream())
    mine, theirs = calls.request(), calls.request()
    await one.register(7, mine)
    await other.register(7, theirs)
    await one.receive()
    assert (mine.interrupted, theirs.interrupted) == (Reason.USER, None)


async def test_written_result_is_delivered(calls: Calls) -> None:
    connection, request = Connection(Stream()), await answered(calls)
    await connection.register(7, request)
    assert call_of(request).delivery is Delivery.ATTACHED
    await connection.send(Stream(), result(7))
    assert call_of(request).delivery is Delivery.DELIVERED
    await connection.end()
    assert request.interrupted is None


async def test_confirmed_result_is_delivered(calls: Calls) -> None:
    connection, request = Connection(Stream(), confirmed=True), await answered(calls)
    await connection.register(7, request)
    await connection.send(Stream(), SessionMessage(cancelled(1)))
    await connection.send(Stream(), result(7))
    await connection.confirm()
    assert call_of(request).delivery is Delivery.ATTACHED
    await connection.confirm()
    assert call_of(request).delivery is Delivery.DELIVERED


async def test_unwritten_result_goes_to_a_repeat(calls: Calls) -> None:
    connection, request = Connection(Stream(), confirmed=True), await answered(calls)
    await connection.register(7, request)
    await connection.send(Stream(), result(7))
    await connection.end()
    assert call_of(request).delivery is Delivery.ORPHANED
    repeat = calls.request(connection="stdio")
    assert (await calls.start(hello(), repeat)).id == call_of(request).id


async def test_cancellation_that_crosses_the_result(calls: Calls) -> None:
    connection, request = Connection(Stream(cancelled(7, "Request timed out"))), await answered(calls)
    await connection.register(7, request)
    await connection.send(Stream(), result(7))
    await connection.receive()
    assert call_of(request).delivery is Delivery.ORPHANED


async def test_failed_write_delivers_nothing(calls: Calls) -> None:
    class Broken(Stream):
        async def send(self, item: SessionMessage) -> None:
            raise anyio.BrokenResourceError

    connection, request = Connection(Stream()), await answered(calls)
    await connection.register(7, request)
    with pytest.raises(anyio.BrokenResourceError):
        await connection.send(Broken(), result(7))
    assert call_of(request).delivery is Delivery.ATTACHED
