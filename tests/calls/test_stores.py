"""What every store promises: in memory, on disk and in Redis."""

import pytest

from mcp_grok.calls import Delivery
from mcp_grok.calls.store import Bounds
from mcp_grok.errors import UpstreamError
from tests.calls.conftest import Opened
from tests.calls.servers import ANSWER, claimed, ended, new_call, until

BILLED = UpstreamError("No.", billed="unknown")


async def test_only_an_orphan_with_the_fingerprint_is_claimed(open_store: Opened) -> None:
    async with open_store() as store:
        await ended(store, "other")
        await ended(store, delivery=Delivery.HANDED_OFF)
        assert await claimed(store) is None


async def test_orphans_are_claimed_once_oldest_first(open_store: Opened) -> None:
    async with open_store() as store:
        first, second = await ended(store), await ended(store)
        assert [await claimed(store) for _ in range(3)] == [first.id, second.id, None]


async def test_old_answer_is_not_claimed(open_store: Opened) -> None:
    async with open_store(Bounds(claimable=0)) as store:
        await ended(store)
        assert await claimed(store) is None


async def test_answer_is_claimed_beside_a_failure(open_store: Opened) -> None:
    async with open_store() as store:
        failed, answered = await ended(store, outcome=BILLED), await ended(store)
        orphan, lost = await store.claim("?", None)
        assert orphan is not None
        assert (orphan.id, orphan.outcome) == (answered.id, ANSWER)
        assert lost == [{"id": failed.id, "billed": "unknown"}]


async def test_failure_is_reported_until_a_client_learns_of_it(open_store: Opened) -> None:
    async with open_store() as store:
        failed = await ended(store, outcome=BILLED)
        lost = [{"id": failed.id, "billed": "unknown"}]
        assert await store.claim("?", None) == (None, lost)
        await store.mark_told("?", lost, told=True)
        assert await store.claim("?", None) == (None, [])
        await store.mark_told("?", lost, told=False)
        assert await store.claim("?", None) == (None, lost)


async def test_failure_that_cost_nothing_is_not_reported(open_store: Opened) -> None:
    async with open_store() as store:
        await ended(store, outcome=UpstreamError("No.", billed="no"))
        assert await store.claim("?", None) == (None, [])


async def test_discarded_call_is_gone(open_store: Opened) -> None:
    async with open_store() as store:
        call = new_call(store)
        await store.insert(call, None)
        await store.discard(call)
        assert await store.claim("?", None) == (None, [])
        assert await store.find(call.id) is None


@pytest.mark.parametrize("store", ["disk", "redis"], indirect=True)
async def test_limit_counts_running_calls_over_processes(open_store: Opened) -> None:
    async with open_store() as one, open_store() as other:
        calls = [new_call(store, str(number), "ann") for number, store in enumerate((one, other, one))]
        assert [await store.insert(call, 2) for store, call in zip((one, other, one), calls, strict=True)] == [
            *(True, True, False)
        ]
        assert await one.insert(new_call(one, principal="bob"), 2)
        await one.discard(calls[0])
        # Redis counts a call no more a moment after it was discarded or refused.
        assert await until(lambda: one.insert(new_call(one, principal="ann"), 2))


async def test_oldest_calls_go_first(open_store: Opened) -> None:
    async with open_store(Bounds(entries=2)) as store:
        calls = [await ended(store, str(number)) for number in range(3)]

        async def kept() -> bool:
            return [await store.find(call.id) is not None for call in calls] == [False, True, True]

        await until(kept)


@pytest.mark.parametrize("store", ["memory", "disk"], indirect=True)
async def test_oldest_calls_over_the_bytes_go_first(open_store: Opened) -> None:
    async with open_store(Bounds(bytes=3200)) as store:
        calls = [await ended(store, str(number)) for number in range(3)]
        assert [await store.find(call.id) is not None for call in calls] == [False, True, True]


@pytest.mark.parametrize("store", ["memory", "disk"], indirect=True)
async def test_calls_past_their_age_go(open_store: Opened) -> None:
    async with open_store(Bounds(age=100)) as store:
        calls = [await ended(store, ended_at=1.0), await ended(store)]
        assert [await store.find(call.id) is not None for call in calls] == [False, True]


async def test_usage_counts_each_answer(open_store: Opened) -> None:
    async with open_store() as store:
        for _ in range(2):
            await ended(store, principal="ann")
        totals = (await store.usage("ann"))["models"]["grok-4"]
        assert (totals["answers"], totals["total_tokens"]) == (2, 20)
        assert (await store.usage("bob"))["models"] == {}
