"""The slots: in order for one caller, in turns for several, and never all of them for one."""

import asyncio
from collections import Counter

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.upstream.slots import Slots


class Queue:
    """Calls of callers at some slots.

    Attributes:
        running: The calls that hold a slot: the callers and the numbers of their calls.
        order: The callers of all calls that ever got one, in order.
    """

    def __init__(self, tasks: anyio.abc.TaskGroup, size: int, *, shared: bool = True) -> None:
        self._tasks = tasks
        self._slots = Slots(size, shared=shared)
        self._numbers: Counter[str] = Counter()
        self._scopes: dict[tuple[str, int], anyio.CancelScope] = {}
        self.running: list[tuple[str, int]] = []
        self.order: list[str] = []

    async def add(self, *callers: str) -> None:
        """Begins calls, one after another."""
        for caller in callers:
            self._numbers[caller] += 1
            self._tasks.start_soon(self._call, caller, self._numbers[caller])
            await anyio.wait_all_tasks_blocked()

    async def end(self, call: tuple[str, int]) -> None:
        """Ends a call, whether it runs or waits."""
        self._scopes[call].cancel()
        await anyio.wait_all_tasks_blocked()

    @property
    def waiting(self) -> set[tuple[str, int]]:
        return set(self._scopes) - set(self.running)

    async def _call(self, caller: str, number: int) -> None:
        with anyio.CancelScope() as self._scopes[caller, number]:
            try:
                await self._slots.acquire(caller)
                try:
                    self.running.append((caller, number))
                    self.order.append(caller)
                    await anyio.sleep_forever()
                finally:
                    self.running.remove((caller, number))
                    self._slots.release(caller)
            finally:
                del self._scopes[caller, number]


async def test_single_caller_gets_every_slot_in_order() -> None:
    async with anyio.create_task_group() as tasks:
        queue = Queue(tasks, 2, shared=False)
        await queue.add("", "", "", "")
        assert queue.running == [("", 1), ("", 2)]
        await queue.end(("", 2))
        assert queue.running == [("", 1), ("", 3)]
        await queue.end(("", 4))
        await queue.end(("", 1))
        assert queue.running == [("", 3)]
        tasks.cancel_scope.cancel()


async def test_callers_take_turns() -> None:
    async with anyio.create_task_group() as tasks:
        queue = Queue(tasks, 1)
        await queue.add("ann", "ann", "ann", "bob", "bob", "eve")
        while queue.running:
            await queue.end(queue.running[0])
        assert queue.order == ["ann", "ann", "bob", "eve", "ann", "bob"]


async def test_busy_caller_leaves_slots_for_others() -> None:
    async with anyio.create_task_group() as tasks:
        queue = Queue(tasks, 20)
        await queue.add(*["ann"] * 40)
        assert len(queue.running) == 10
        await queue.add(*["eve"] * 40)
        await queue.add("bob")
        assert ("bob", 1) in queue.running
        tasks.cancel_scope.cancel()


async def test_call_that_is_cancelled_with_its_turn_passes_it_on() -> None:
    slots = Slots(1)
    await slots.acquire("ann")
    eve, bob = (asyncio.create_task(slots.acquire(caller)) for caller in ("eve", "bob"))
    await anyio.wait_all_tasks_blocked()
    slots.release("ann")
    eve.cancel()
    with anyio.fail_after(5):
        await bob
    assert eve.cancelled()


CALLERS = st.sampled_from(["ann", "bob", "eve"])


@settings(deadline=None)
@given(
    size=st.integers(1, 6), shared=st.booleans(), steps=st.lists(st.one_of(CALLERS, st.integers(0, 20)), max_size=30)
)
def test_no_slot_is_lost_or_idle(size: int, shared: bool, steps: list[str | int]) -> None:
    anyio.run(_check, size, shared, steps)


async def _check(size: int, shared: bool, steps: list[str | int]) -> None:
    async with anyio.create_task_group() as tasks:
        queue = Queue(tasks, size, shared=shared)
        for step in steps:
            if isinstance(step, str):
                await queue.add(step)
            elif calls := sorted({*queue.running, *queue.waiting}):
                await queue.end(calls[step % len(calls)])
            free, held = size - len(queue.running), Counter(caller for caller, _ in queue.running)
            assert free >= 0
            for caller, number in queue.waiting:
                assert held[caller] >= free if shared else free == 0
                assert all(number > other for name, other in queue.running if name == caller)
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("shared", [True, False])
async def test_cancelled_call_takes_no_slot(shared: bool) -> None:
    slots = Slots(1, shared=shared)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await slots.acquire("ann")
    assert scope.cancelled_caught
    await slots.acquire("bob")
