import pytest

from mcp_grok.completions import open_completions
from mcp_grok.completions.call import Call
from mcp_grok.completions.memory import MemoryStore
from mcp_grok.completions.store import Bounds
from mcp_grok.errors import NotFound, StreamTruncated
from mcp_grok.settings import Settings
from mcp_grok.upstream.completion import Completion
from tests.replay import COMPLETION


def ended_call(question: str = "?", *, size: int = 300, ended_at: float | None = None, abandoned: bool = True) -> Call:
    """A call that has been answered."""
    call = Call("grok-4", question)
    call.kept, call.abandoned, call.ended_at = True, abandoned, ended_at
    call.end(Completion(COMPLETION, size=size))
    return call


async def test_ids_differ_and_cannot_be_guessed() -> None:
    ids = {Call("grok-4", "?").id for _ in range(100)}
    assert len(ids) == 100
    assert all(len(one) >= 24 for one in ids)


@pytest.mark.parametrize("bounds", [Bounds(entries=2), Bounds(bytes=700)])
async def test_the_oldest_go_first(bounds: Bounds) -> None:
    store = MemoryStore(bounds)
    calls = [ended_call() for _ in range(3)]
    for call in calls:
        await store.save(call)
    assert [await store.find(call.id) for call in calls] == [None, *calls[1:]]


async def test_what_is_past_its_age_goes() -> None:
    store = MemoryStore(Bounds(age=100))
    old, new = ended_call(ended_at=1.0), ended_call()
    await store.save(old)
    await store.save(new)
    assert await store.find(old.id) is None
    assert await store.find(new.id) is new


async def test_saving_again_counts_once_and_forgetting_makes_room() -> None:
    store = MemoryStore(Bounds(bytes=700))
    calls = [ended_call() for _ in range(3)]
    for call in (calls[0], calls[0], calls[1]):
        await store.save(call)
    await store.forget(calls[0])
    await store.forget(calls[0])
    await store.save(calls[2])
    assert [await store.find(call.id) for call in calls] == [None, *calls[1:]]


async def test_an_abandoned_call_is_taken_once_and_only_by_the_same_question() -> None:
    store = MemoryStore()
    call = ended_call("a")
    await store.save(call)
    assert await store.take("b") is None
    assert await store.take("a") is call
    assert await store.take("a") is None
    assert await store.find(call.id) is call


async def test_a_call_that_somebody_waited_for_is_not_taken() -> None:
    store = MemoryStore()
    await store.save(ended_call(abandoned=False))
    assert await store.take("?") is None


async def test_an_answer_is_taken_rather_than_a_failure_and_neither_after_its_time() -> None:
    store = MemoryStore(Bounds(idle=100, age=1e12))
    failed, answered = Call("grok-4", "?"), ended_call()
    failed.abandoned = True
    failed.end(StreamTruncated("cut"))
    for call in (ended_call(ended_at=1.0), failed, answered):
        await store.save(call)
    assert await store.take("?") is answered
    assert await store.take("?") is failed
    assert await store.take("?") is None


async def test_what_is_not_kept_is_not_found(settings: Settings) -> None:
    async with open_completions(settings) as completions:
        with pytest.raises(NotFound, match="No completion is kept"):
            await completions.find("grok-unknown")
