import pytest

from mcp_grok.completions import Completions, open_completions
from mcp_grok.completions.call import Call
from mcp_grok.completions.kept import Kept
from mcp_grok.errors import NotFound
from mcp_grok.settings import Settings
from tests.completions.test_running import hello
from tests.replay import Replay


async def ended_call(completions: Completions) -> Call:
    """A call that has been answered."""
    call = completions.start(hello())
    await call.wait()
    return call


async def test_ids_differ_and_cannot_be_guessed() -> None:
    ids = {Call(hello()).id for _ in range(100)}
    assert len(ids) == 100
    assert all(len(one) >= 24 for one in ids)


async def test_of_the_ended_calls_the_oldest_go_first(upstream: Replay, settings: Settings) -> None:
    kept = Kept(max_entries=2)
    async with open_completions(settings) as completions:
        calls = [await ended_call(completions) for _ in range(3)]
        for call in calls:
            kept.add(call)
    assert [kept.get(call.id) for call in calls] == [None, *calls[1:]]


async def test_answers_over_the_bytes_go(upstream: Replay, settings: Settings) -> None:
    kept = Kept(max_bytes=600)
    async with open_completions(settings) as completions:
        calls = [await ended_call(completions) for _ in range(3)]
        for call in calls:
            kept.add(call)
    assert [kept.get(call.id) for call in calls[1:]] == calls[1:]
    assert kept.get(calls[0].id) is None


async def test_answers_past_their_age_go(upstream: Replay, settings: Settings) -> None:
    kept = Kept(max_age=-1)
    async with open_completions(settings) as completions:
        call = await ended_call(completions)
        kept.add(call)
    assert kept.get(call.id) is None


async def test_what_runs_is_kept_whatever_the_bounds() -> None:
    kept = Kept(max_entries=0, max_bytes=0, max_age=-1)
    call = Call(hello())
    kept.add(call)
    assert kept.get(call.id) is call


async def test_what_is_not_kept_is_not_found(settings: Settings) -> None:
    async with open_completions(settings) as completions:
        with pytest.raises(NotFound, match="No completion is kept"):
            completions.find("grok-unknown")
