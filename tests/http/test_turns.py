"""The turns of callers whose requests are to be read."""

import asyncio

import anyio
import pytest

from mcp_grok.http.turns import Turn, Turns


async def begun(turns: Turns, caller: str, number: int, order: list[int]) -> Turn:
    """The turn of a request, which adds its number when it begins."""
    turn = await turns.wait(caller)
    order.append(number)
    return turn


async def test_requests_of_a_caller_have_their_turns_in_order() -> None:
    turns, order = Turns(), list[int]()
    waiting = [asyncio.create_task(begun(turns, "ann", number, order)) for number in range(3)]
    for number, each in enumerate(waiting):
        turn = await each
        assert order == list(range(number + 1))
        turn.end()
        turn.end()


async def test_another_caller_does_not_wait() -> None:
    turns = Turns()
    await turns.wait("ann")
    with anyio.fail_after(1):
        await turns.wait("bob")


async def test_request_that_goes_away_leaves_its_turn_to_the_next() -> None:
    turns, order = Turns(), list[int]()
    first = await turns.wait("ann")
    gone, called, last = (asyncio.create_task(begun(turns, "ann", number, order)) for number in range(3))
    await anyio.lowlevel.checkpoint()
    gone.cancel()
    first.end()
    called.cancel()
    with anyio.fail_after(1):
        (await last).end()
        (await turns.wait("ann")).end()
    assert order == [2]
    for ended in (gone, called):
        with pytest.raises(asyncio.CancelledError):
            await ended


async def test_turn_ends_some_rounds_after_the_handler_has_begun() -> None:
    turns = Turns()
    turn = await turns.wait("ann")
    next_one = asyncio.create_task(turns.wait("ann"))
    turn.end_soon(rounds=3)
    for _ in range(3):
        await anyio.lowlevel.checkpoint()
        assert not next_one.done()
    with anyio.fail_after(1):
        (await next_one).end()


async def test_turn_that_has_ended_does_not_end_again() -> None:
    turns = Turns()
    turn = await turns.wait("ann")
    turn.end_soon(rounds=1)
    turn.end()
    await turns.wait("ann")
    for _ in range(3):
        await anyio.lowlevel.checkpoint()
    with pytest.raises(TimeoutError), anyio.fail_after(0):
        await turns.wait("ann")
