"""The store of one machine: what outlives a process, who may open it, and what it keeps."""

import asyncio
import os
import sqlite3
import stat
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import anyio
import pytest

from mcp_grok.calls import Call, Delivery, Reason, State, open_calls
from mcp_grok.calls.local_store import LocalStore, open_local_store
from mcp_grok.calls.process_lock import ProcessLock
from mcp_grok.calls.sqlite_table import DATABASE, CallTable
from mcp_grok.calls.store import BOUNDS, Bounds
from mcp_grok.errors import CallTimeout, GrokError, InternalError, Lost, NotConfigured, NotFound, UpstreamError
from mcp_grok.upstream.completion import Completion
from tests.calls.servers import ask, call_of, hand_off, hello, outcome_of
from tests.chat import body_of
from tests.conftest import settings_for
from tests.process import environment, server_process
from tests.replay import COMPLETION, Held, Replay

Opened = Callable[..., AbstractAsyncContextManager[LocalStore]]

STRANGE = {
    **COMPLETION,
    "big": 10**400,
    "half": "\ud83d",
    "unknown": [None, 1.5, {"z": 1, "a": "ü"}],
    "not_a_number": float("inf"),
}


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Opens a store in one folder, any number of times."""

    @asynccontextmanager
    async def opened(bounds: Bounds = BOUNDS) -> AsyncIterator[LocalStore]:
        async with open_local_store(tmp_path / "store", bounds) as store:
            yield store

    return opened


def ended(fingerprint: str = "?", *, ended_at: float | None = None, delivery: Delivery = Delivery.ORPHANED) -> Call:
    """A call that has its answer."""
    call = Call("grok-4", fingerprint)
    call.state, call.delivery, call.id_given = State.COMPLETED, delivery, True
    call.ended_at = time.time() if ended_at is None else ended_at
    call.outcome = Completion(COMPLETION, size=300)
    return call


async def claimed(store: LocalStore, fingerprint: str = "?") -> str | None:
    """The id of the orphan that a call with a fingerprint claims."""
    call, _ = await store.claim(fingerprint, None)
    return call.id if call else None


async def kept(store: LocalStore, calls: list[Call]) -> list[bool]:
    """Which of some calls are still found."""
    return [await store.find(call.id) is not None for call in calls]


@pytest.fixture(params=["memory", "disk"])
async def store(request: pytest.FixtureRequest, opened: Opened) -> AsyncIterator[Callable[[Bounds], LocalStore]]:
    """Makes a store with some bounds, in memory and on disk."""
    stores: list[LocalStore] = []

    def make(bounds: Bounds) -> LocalStore:
        folder = request.getfixturevalue("tmp_path") / "store"
        stores.append(LocalStore(CallTable(folder, bounds) if request.param == "disk" else None, bounds))
        return stores[0]

    yield make
    for made in stores:
        made.close()


async def saved(store: LocalStore, *calls: Call) -> None:
    """Keeps calls that have ended."""
    for call in calls:
        await store.sync(call)


@pytest.mark.parametrize("bounds", [Bounds(entries=2), Bounds(bytes=3200)])
async def test_oldest_calls_go_first(store: Callable[[Bounds], LocalStore], bounds: Bounds) -> None:
    calls = [ended(ended_at=1e12 + number) for number in range(3)]
    opened = store(bounds)
    await saved(opened, *calls)
    assert await kept(opened, calls) == [False, True, True]


async def test_calls_past_their_age_go(store: Callable[[Bounds], LocalStore]) -> None:
    opened = store(Bounds(age=100))
    calls = [ended(ended_at=1.0), ended()]
    await saved(opened, *calls)
    assert await kept(opened, calls) == [False, True]


async def test_only_an_orphan_with_the_fingerprint_and_in_time_is_claimed_once(
    store: Callable[[Bounds], LocalStore],
) -> None:
    opened = store(Bounds(claimable=100, age=1e12))
    failed, answered = ended(), ended()
    failed.state, failed.outcome = State.FAILED, UpstreamError("No.", billed="unknown")
    await saved(opened, ended(ended_at=1.0), failed, answered, ended("other"), ended(delivery=Delivery.HANDED_OFF))
    assert [await claimed(opened), await claimed(opened)] == [answered.id, None]
    assert (await opened.claim("?", None))[1] == [{"id": failed.id, "billed": "unknown"}]


async def test_answer_outlives_the_process_whole(opened: Opened) -> None:
    answer = Completion(
        STRANGE, attempts=2, first_text_after=0.5, dropped={"x": "y"}, size=9, violations=[{"path": "$"}]
    )
    call = ended()
    call.outcome = answer
    async with opened() as store:
        await store.sync(call)
    async with opened() as store:
        found = await store.find(call.id)
    assert found is not None
    assert found.outcome == answer
    assert list(found.outcome.body) == list(STRANGE)
    assert (found.id, found.model, found.created_at, found.ended_at) == (
        call.id,
        "grok-4",
        call.created_at,
        call.ended_at,
    )


@pytest.mark.parametrize(
    "error",
    [
        CallTimeout("Too long.", billed="unknown", partial="half an"),
        UpstreamError("No.", code="used_up", status=403, type="insufficient_quota", billed="no", upstream_message="x"),
    ],
)
async def test_failure_outlives_the_process_as_it_was(opened: Opened, error: GrokError) -> None:
    error.attempts = 3
    call = ended()
    call.outcome = error
    async with opened() as store:
        await store.sync(call)
    async with opened() as store:
        found = await store.find(call.id)
    assert found is not None
    assert isinstance(found.outcome, GrokError)
    assert (found.outcome.as_dict(), found.outcome.attempts) == (error.as_dict(), 3)
    assert (found.outcome.billed, found.outcome.code) == (error.billed, error.code)


async def test_call_that_its_process_did_not_finish_is_lost_to_the_next(opened: Opened) -> None:
    call = Call("grok-4", "?")
    async with opened() as store:
        await store.insert(call, None)
        assert await store.claim("?", None) == (None, [])
    async with opened() as store:
        found = await store.find(call.id)
        assert found is not None
        assert isinstance(found.outcome, Lost)
        lost = [{"id": call.id, "billed": "unknown"}]
        assert await store.claim("?", None) == (None, lost)
        await store.mark_told("?", lost, told=True)
        assert await store.claim("?", None) == (None, [])
        await store.mark_told("?", lost, told=False)
        assert await store.claim("?", None) == (None, lost)


async def test_answer_that_its_process_had_not_delivered_is_claimed_by_the_next(opened: Opened) -> None:
    call = Call("grok-4", "?")
    async with opened() as store:
        call.process = store.process
        await store.insert(call, None)
        call.state, call.ended_at = State.COMPLETED, time.time()
        await store.commit(call, Completion(COMPLETION))
        assert await claimed(store) is None
    async with opened() as store:
        orphan, _ = await store.claim("?", None)
    assert orphan is not None
    assert orphan.outcome == Completion(COMPLETION)


async def test_call_that_another_living_process_runs_is_neither_lost_nor_found(opened: Opened) -> None:
    call = Call("grok-4", "?")
    async with opened() as running, opened() as other:
        call.process = running.process
        await running.insert(call, None)
        assert await other.claim("?", None) == (None, [])
        with pytest.raises(NotFound, match="Another server process"):
            await other.find(call.id)


async def test_row_that_another_process_has_claimed_is_not_written_any_more(opened: Opened) -> None:
    async with opened() as one, opened() as other:
        call = ended()
        await one.sync(call)
        assert await claimed(other) == call.id
        call.delivery, call.id_given = Delivery.DELIVERED, False
        await one.sync(call)
        assert await other.find(call.id) is not None
        assert await claimed(one) is None


async def test_limit_of_running_calls_counts_every_process(opened: Opened) -> None:
    async with opened() as one, opened() as other:
        calls = [
            Call("grok-4", str(number), "ann", process=store.process) for number, store in enumerate((one, other) * 2)
        ]
        assert [await store.insert(call, 2) for store, call in zip((one, other) * 2, calls, strict=True)] == [
            *(True, True, False, False)
        ]
        await one.discard(calls[0])
        assert await other.insert(calls[3], 2)


async def test_what_the_disk_does_not_take_is_kept_in_memory(
    opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ended()
    async with opened() as store:
        with sqlite3.connect(tmp_path / "store" / DATABASE) as other:
            other.execute("DROP TABLE calls")
        await store.sync(call)
        assert await claimed(store) == call.id
    assert "the store failed" in caplog.text
    assert "Yo!" not in caplog.text


async def test_answer_that_the_disk_does_not_take_is_claimed_from_memory(opened: Opened, tmp_path: Path) -> None:
    call = Call("grok-4", "?")
    async with opened() as store:
        call.process = store.process
        await store.insert(call, None)
        with sqlite3.connect(tmp_path / "store" / DATABASE) as other:
            other.execute(
                "CREATE TRIGGER full BEFORE UPDATE OF outcome ON calls BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
            other.execute("CREATE TRIGGER f BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'full'); END")
        call.state, call.delivery, call.ended_at = State.COMPLETED, Delivery.ORPHANED, time.time()
        await store.commit(call, Completion(COMPLETION))
        call.outcome = Completion(COMPLETION)
        await store.sync(call)
        assert await claimed(store) == call.id


async def test_disk_that_cannot_be_read_does_not_count_as_empty(opened: Opened, tmp_path: Path) -> None:
    async with opened() as store:
        with sqlite3.connect(tmp_path / "store" / DATABASE) as other:
            other.execute("DROP TABLE calls")
        with pytest.raises(InternalError, match="cannot be read"):
            await store.find("grok-x")
        assert await store.claim("?", None) == (None, [])


async def test_record_that_cannot_be_read_fails_its_call_alone(opened: Opened, tmp_path: Path) -> None:
    broken, whole = ended(), ended()
    async with opened() as store:
        await saved(store, broken, whole)
        with sqlite3.connect(tmp_path / "store" / DATABASE) as other:
            other.execute("UPDATE calls SET outcome = x'7b7d' WHERE id = ?", (broken.id,))
        found = await store.find(broken.id)
        assert found is not None
        assert isinstance(found.outcome, InternalError)
        assert await store.claim("?", None) == (None, [{"id": broken.id, "billed": "unknown"}])
        assert await claimed(store) == whole.id


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
async def test_folder_belongs_to_its_user_alone(opened: Opened, tmp_path: Path) -> None:
    async with opened():
        assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
    (tmp_path / "store").chmod(0o750)
    with pytest.raises(NotConfigured, match="chmod 700"):
        async with opened():
            pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
async def test_folder_of_another_user_is_refused(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o700)
    os.chown(tmp_path / "store", 12345, 12345)
    with pytest.raises(NotConfigured, match="belongs to another user"):
        async with opened():
            pass


async def test_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotConfigured, match=r"MCP_GROK_STORE: .* cannot be used"):
        async with open_local_store(tmp_path / "file"):
            pass


async def test_damaged_database_is_refused_and_leaves_no_lock(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir(mode=0o700)
    (folder / DATABASE).write_bytes(os.urandom(4096))
    with pytest.raises(NotConfigured, match="cannot be used"):
        async with open_local_store(folder):
            pass
    assert not list(folder.glob("*.lock"))


OPEN = """
import sys
from pathlib import Path
from mcp_grok.calls.sqlite_table import CallTable
CallTable(Path(sys.argv[1]))
"""


async def test_many_processes_open_a_fresh_folder_at_the_same_moment(tmp_path: Path) -> None:
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        processes = [
            await asyncio.create_subprocess_exec(sys.executable, "-c", OPEN, folder, stderr=asyncio.subprocess.PIPE)
            for _ in range(6)
        ]
        errors = [(await process.communicate())[1].decode() for process in processes]
        assert [process.returncode for process in processes] == [0] * 6, errors


def test_lock_of_a_dead_process_is_free_and_leaves_nothing(tmp_path: Path) -> None:
    one, other = ProcessLock(tmp_path), ProcessLock(tmp_path)
    assert one.is_alive(one.name)
    assert one.is_alive(other.name)
    other.close()
    assert not one.is_alive(other.name)
    left = ProcessLock(tmp_path)
    left._lock.close()
    assert not one.is_alive(left.name)
    assert [path.stem for path in tmp_path.iterdir()] == [one.name]


@pytest.mark.parametrize("end", ["killed", "stdin closed"])
async def test_call_cut_by_the_end_of_its_server_is_told_as_lost_and_made_again(
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


async def test_answer_is_kept_though_the_server_ends_while_its_tokens_are_counted(
    upstream: Replay, tmp_path: Path
) -> None:
    counting = anyio.Event()

    async def count(caller: str, tokens: int) -> None:
        counting.set()
        for _ in range(20):
            await anyio.lowlevel.checkpoint()

    settings = settings_for(upstream, store=f"disk:{tmp_path / 'store'}")
    async with open_calls(settings, on_answer=count) as calls:
        call_id = await hand_off(await ask(calls))
        await counting.wait()
    async with open_calls(settings) as calls:
        outcome = (await calls.find(call_id)).outcome
    assert isinstance(outcome, Completion)
    assert outcome.body == COMPLETION
    assert len(upstream.requests) == 1


async def test_handed_off_answer_is_there_after_a_restart(upstream: Replay, tmp_path: Path) -> None:
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


async def test_row_goes_only_after_the_result_has_gone_to_the_transport(upstream: Replay, tmp_path: Path) -> None:
    """A server that is killed with a result in its hands leaves it to the next."""
    settings = settings_for(upstream, store=f"disk:{tmp_path / 'store'}")
    async with open_calls(settings) as calls:
        request = await ask(calls)
        await call_of(request).wait()
    async with open_calls(settings) as calls:
        repeat = await ask(calls)
        assert call_of(repeat).id == call_of(request).id
        await outcome_of(repeat)
    async with open_calls(settings) as calls:
        assert call_of(await ask(calls)).id != call_of(request).id


async def test_user_s_cancellation_outlives_the_process(upstream: Replay, tmp_path: Path) -> None:
    settings = settings_for(upstream, store=f"disk:{tmp_path / 'store'}")
    async with open_calls(settings) as calls:
        request = await ask(calls)
        await call_of(request).wait()
        await request.interrupt(Reason.USER)
    async with open_calls(settings) as calls:
        assert call_of(await ask(calls, hello())).id != call_of(request).id


@pytest.mark.skipif(sys.platform == "win32", reason="the memory of a process is read as Linux shows it")
async def test_bound_of_bytes_is_what_the_process_grows_by() -> None:
    psutil = pytest.importorskip("psutil")
    bound = 48 * 2**20
    store = LocalStore(bounds=Bounds(bytes=bound))
    before = psutil.Process().memory_info().rss
    for number in range(120):
        call = ended(str(number))
        message = {"role": "assistant", "content": f"{number} " + "é" * 400_000}
        body = {**COMPLETION, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        call.outcome = Completion(body, size=800_000)
        await store.sync(call)
    # And a few copies of an answer that is on its way.
    assert psutil.Process().memory_info().rss - before < bound + 20 * 800_000
    store.close()
