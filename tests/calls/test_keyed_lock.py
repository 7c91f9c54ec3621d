"""KeyedLock: one task at a time for each name."""

import anyio

from mcp_grok.calls.keyed_lock import KeyedLock


async def test_turns_of_one_name_come_in_order() -> None:
    turns, order = KeyedLock(), []

    async def take(number: int) -> None:
        async with turns.of("a"):
            order.append(number)
            await anyio.lowlevel.checkpoint()
            order.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(take, number)
    assert order == [0, 0, 1, 1, 2, 2]
    assert not turns.is_taken("a")


async def test_turn_of_one_name_does_not_hold_up_another() -> None:
    turns = KeyedLock()
    with anyio.fail_after(1):
        async with turns.of("a"), turns.of("b"):
            assert turns.is_taken("a")


async def test_cancelled_wait_for_a_turn_leaves_it_to_the_next() -> None:
    turns = KeyedLock()

    async def take() -> None:
        async with turns.of("a"):
            pass

    async with turns.of("a"), anyio.create_task_group() as tasks:
        tasks.start_soon(take)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    with anyio.fail_after(1):
        await take()
    assert not turns.is_taken("a")
