import os
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from mcp_grok.completions import open_completions
from mcp_grok.completions.call import Call
from mcp_grok.completions.disk import DATABASE, DiskStore, open_disk_store
from mcp_grok.completions.owner import Owner
from mcp_grok.completions.store import BOUNDS, Bounds
from mcp_grok.errors import CallTimeout, GrokError, InternalError, Lost, NotConfigured, NotFound, UpstreamError
from mcp_grok.upstream.completion import Completion
from tests.completions.test_memory import ended_call
from tests.completions.test_running import hello
from tests.conftest import settings_for
from tests.process import server_process
from tests.replay import COMPLETION, Held, Replay
from tests.test_cancellations import body_of, environment

Opened = Callable[..., AbstractAsyncContextManager[DiskStore]]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Opens a store in one folder, any number of times."""

    @asynccontextmanager
    async def opened(bounds: Bounds = BOUNDS) -> AsyncIterator[DiskStore]:
        store = DiskStore(tmp_path / "store", bounds)
        try:
            yield store
        finally:
            store.close()

    return opened


STRANGE = {
    **COMPLETION,
    "big": 10**400,
    "half": "\ud83d",
    "unknown": [None, 1.5, {"z": 1, "a": "ü"}],
    "not_a_number": float("inf"),
}


async def kept_for_the_next_server(opened: Opened, call: Call) -> Call:
    """A call as the next server finds it."""
    async with opened() as store:
        await store.save(call)
    async with opened() as store:
        found = await store.find(call.id)
    assert found is not None
    return found


async def test_an_answer_outlives_the_server_whole(opened: Opened) -> None:
    call = Call("grok-4", "?")
    answer = Completion(
        STRANGE, attempts=2, first_text_after=0.5, dropped={"x": "y"}, size=9, violations=[{"path": "$"}]
    )
    call.kept = True
    call.notes["lost"] = [{"id": "grok-x", "billed": "unknown"}]
    call.end(answer)
    found = await kept_for_the_next_server(opened, call)
    assert found.outcome == answer
    assert list(STRANGE) == list(answer.body)
    assert (found.id, found.model, found.notes) == (call.id, "grok-4", call.notes)
    assert (found.began_at, found.ended_at) == (call.began_at, call.ended_at)


@pytest.mark.parametrize(
    "error",
    [
        CallTimeout("Too long.", billed="unknown", partial="half an"),
        UpstreamError("No.", code="used_up", status=403, type="insufficient_quota", billed="no", upstream_message="x"),
    ],
)
async def test_a_failure_outlives_the_server_as_it_was(opened: Opened, error: GrokError) -> None:
    call = Call("grok-4", "?")
    error.attempts = 3
    call.end(error)
    found = await kept_for_the_next_server(opened, call)
    assert isinstance(found.outcome, GrokError)
    assert (found.outcome.as_dict(), found.outcome.attempts) == (error.as_dict(), 3)


@pytest.mark.parametrize("bounds", [Bounds(entries=2), Bounds(bytes=1200)])
async def test_the_oldest_go_first(opened: Opened, bounds: Bounds) -> None:
    async with opened(bounds) as store:
        calls = [ended_call(ended_at=1e12 + number) for number in range(3)]
        for call in calls:
            await store.save(call)
        assert [await store.find(call.id) is not None for call in calls] == [False, True, True]


async def test_what_is_past_its_age_goes(opened: Opened) -> None:
    async with opened(Bounds(age=100)) as store:
        old = ended_call(ended_at=1.0)
        for call in (old, ended_call()):
            await store.save(call)
        assert await store.find(old.id) is None


async def test_an_abandoned_call_is_taken_once_answers_first_and_not_after_its_time(opened: Opened) -> None:
    failed, answered = Call("grok-4", "?"), ended_call()
    failed.abandoned = True
    failed.end(Lost())
    async with opened(Bounds(idle=100, age=1e12)) as store:
        for call in (ended_call(ended_at=1.0), failed, answered, ended_call("other"), ended_call(abandoned=False)):
            await store.save(call)
        taken = [await store.take("?") for _ in range(3)]
    assert [call and call.id for call in taken] == [answered.id, failed.id, None]


async def test_of_a_call_that_is_forgotten_nothing_is_kept(opened: Opened) -> None:
    async with opened() as store:
        call = Call("grok-4", "?")
        await store.begin(call)
        await store.forget(call)
        assert await store.find(call.id) is None
    async with opened() as store:
        assert await store.take("?") is None


async def test_a_call_that_its_server_did_not_finish_is_lost_to_the_next(opened: Opened) -> None:
    call = Call("grok-4", "?")
    async with opened() as store:
        await store.begin(call)
        assert await store.take("?") is None
    async with opened() as store:
        found, taken = await store.find(call.id), await store.take("?")
        assert await store.take("?") is None
    assert found is not None
    assert taken is not None
    assert isinstance(found.outcome, Lost)
    assert found.outcome.as_dict()["billed"] == "unknown"
    assert taken.id == call.id


async def test_an_answer_that_its_server_had_not_delivered_is_there_for_the_next(opened: Opened) -> None:
    call = Call("grok-4", "?")
    async with opened() as store:
        await store.begin(call)
        await store.deliver(call, Completion(COMPLETION))
        assert await store.take("?") is None
    async with opened() as store:
        taken = await store.take("?")
    assert taken is not None
    assert taken.outcome == Completion(COMPLETION)


async def test_a_call_that_another_living_server_runs_is_not_lost(opened: Opened) -> None:
    call = Call("grok-4", "?")
    async with opened() as running, opened() as other:
        await running.begin(call)
        assert await other.take("?") is None
        with pytest.raises(NotFound, match="Another server process"):
            await other.find(call.id)
        call.end(Completion(COMPLETION))
        await running.save(call)
        assert await other.find(call.id) is not None


async def test_what_the_disk_will_not_take_is_kept_in_memory(
    opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    call = ended_call()
    async with opened() as store:
        running = Call("grok-4", "?", call_id=call.id)
        await store.begin(running)
        with sqlite3.connect(tmp_path / "store" / DATABASE) as other:
            other.execute("BEGIN EXCLUSIVE")
            await store.save(call)
            assert await store.find(call.id) is call
            other.rollback()
        assert await store.find(call.id) is call
        assert await store.take("?") is call
        await store.forget(call)
        assert await store.find(call.id) is None
    assert "the store failed" in caplog.text
    assert "Yo!" not in caplog.text


async def test_a_disk_that_cannot_be_read_is_not_taken_for_an_empty_one(opened: Opened, tmp_path: Path) -> None:
    async with opened() as store:
        with sqlite3.connect(tmp_path / "store" / DATABASE) as other:
            other.execute("DROP TABLE calls")
        with pytest.raises(InternalError, match="cannot be read"):
            await store.find("grok-x")
        assert await store.take("?") is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
async def test_only_its_user_may_read_the_folder(opened: Opened, tmp_path: Path) -> None:
    async with opened():
        assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
    (tmp_path / "store").chmod(0o750)
    with pytest.raises(NotConfigured, match="chmod 700"):
        async with open_disk_store(tmp_path / "store"):
            pass


async def test_a_folder_that_cannot_be_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotConfigured, match=r"MCP_GROK_STORE: .* cannot be used"):
        async with open_disk_store(tmp_path / "file"):
            pass


async def test_a_damaged_store_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir(mode=0o700)
    (folder / DATABASE).write_bytes(os.urandom(4096))
    with pytest.raises(NotConfigured, match="cannot be used"):
        async with open_disk_store(folder):
            pass
    assert not list(folder.glob("*.owner"))


async def test_what_dead_servers_left_is_removed(opened: Opened, tmp_path: Path) -> None:
    async with opened():
        pass
    Owner(tmp_path / "store")._lock.close()
    async with opened():
        assert len(list((tmp_path / "store").glob("*.owner"))) == 1


def test_an_owner_that_has_died_is_known_for_dead_and_leaves_nothing(tmp_path: Path) -> None:
    one, other = Owner(tmp_path), Owner(tmp_path)
    assert one.is_alive(one.name)
    assert one.is_alive(other.name)
    other.close()
    assert not one.is_alive(other.name)
    left = Owner(tmp_path)
    left._lock.close()
    assert not one.is_alive(left.name)
    assert [path.stem for path in tmp_path.iterdir()] == [one.name]


@pytest.mark.parametrize("end", ["killed", "stdin closed"])
async def test_a_call_cut_by_the_end_of_its_server_is_told_as_lost_and_made_again(
    upstream: Replay, tmp_path: Path, end: str
) -> None:
    held = Held(upstream)
    given = environment(upstream, store=f"disk:{tmp_path / 'store'}")
    async with server_process({**given, "MCP_GROK_HANDOFF_AFTER": "0.05"}) as server:
        pending = body_of(await server.grok())
        await upstream.exchanges.get()
        if end == "killed":
            server.process.kill()
        else:
            server.close_stdin()
        await server.process.wait()
    held.release.set()
    async with server_process(given) as server:
        get = {"name": "grok_get_completion", "arguments": {"id": pending["id"]}}
        result = await server.request("tools/call", get)
        assert result["isError"]
        error = body_of(result)["error"]
        assert (error["code"], error["billed"]) == ("lost", "unknown")
        again = await server.grok()
        assert body_of(again) == COMPLETION
        assert again["_meta"]["mcp-grok/lost"] == [{"id": pending["id"], "billed": "unknown"}]
        assert "mcp-grok/lost" not in (await server.grok())["_meta"]
    assert len(upstream.requests) == 3


async def test_an_answer_is_kept_though_the_server_ends_while_its_tokens_are_counted(
    upstream: Replay, tmp_path: Path
) -> None:
    counting = anyio.Event()

    async def count(caller: str, tokens: int) -> None:
        counting.set()
        for _ in range(20):
            await anyio.lowlevel.checkpoint()

    settings = settings_for(upstream, store=f"disk:{tmp_path / 'store'}")
    async with open_completions(settings, on_answer=count) as completions:
        call = await completions.start(hello())
        await completions.keep(call)
        await counting.wait()
    async with open_completions(settings) as completions:
        outcome = (await completions.find(call.id)).outcome
    assert isinstance(outcome, Completion)
    assert outcome.body == COMPLETION
    assert len(upstream.requests) == 1


async def test_an_answer_handed_off_is_there_after_a_restart(upstream: Replay, tmp_path: Path) -> None:
    held = Held(upstream)
    given = environment(upstream, store=f"disk:{tmp_path / 'store'}", handoff_after="0.05")
    async with server_process(given) as server:
        pending = body_of(await server.grok())
        held.release.set()
        get = {"name": "grok_get_completion", "arguments": {"id": pending["id"]}}
        while "choices" not in (answer := body_of(await server.request("tools/call", get))):
            pass
    async with server_process(given) as server:
        assert body_of(await server.request("tools/call", get)) == answer == COMPLETION
    assert len(upstream.requests) == 1
