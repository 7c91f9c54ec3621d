"""What comes between two steps of a call, such as a stop or a repetition: nothing is lost or paid twice."""

import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest
from pydantic import SecretStr

from mcp_grok.calls import CallerLimits, Calls, Reason, Timings, open_calls
from mcp_grok.calls.call import Call, JobLeft, Request
from mcp_grok.calls.sqlite_table import DATABASE, CallTable, Row
from mcp_grok.calls.sqlite_table import call_of as call_of_row
from mcp_grok.connection import Connection
from mcp_grok.errors import Cancelled, Lost, Unavailable
from mcp_grok.settings import Settings
from mcp_grok.tools import cancel_completion
from mcp_grok.upstream.completion import Completion
from tests.calls.servers import (
    Counted,
    ask,
    call_of,
    fetch,
    hand_off,
    hello,
    idle,
    opened,
    orphaned,
    outcome_of,
    until,
)
from tests.calls.test_jobs import AT_ONCE, is_closing, slow_picture, until_saved, video
from tests.media_api import MediaApi
from tests.replay import COMPLETION, Exchange, Held, Replay, hold

durable = pytest.mark.parametrize("store", ["disk", "redis"], indirect=True)
on_disk = pytest.mark.parametrize("store", ["disk"], indirect=True)
in_redis = pytest.mark.parametrize("store", ["redis"], indirect=True)
in_every_store = pytest.mark.parametrize("store", ["memory", "disk", "redis"], indirect=True)

FULL = """
CREATE TRIGGER full BEFORE UPDATE OF outcome ON calls BEGIN SELECT RAISE(ABORT, 'full'); END;
CREATE TRIGGER full_too BEFORE INSERT ON calls WHEN NEW.outcome IS NOT NULL BEGIN SELECT RAISE(ABORT, 'full'); END;
"""
ROOM = "DROP TRIGGER full; DROP TRIGGER full_too;"
"""What makes a disk refuse outcomes, and take them again."""

LARGE = {**COMPLETION, "choices": [{"index": 0, "message": {"content": "x" * 3_000_000}, "finish_reason": "stop"}]}


@pytest.fixture
def api(upstream: Replay) -> MediaApi:
    return MediaApi(upstream)


def run_on(stored: Settings, script: str) -> None:
    """Runs SQL on the disk of a server."""
    assert stored.store_folder is not None
    with closing(sqlite3.connect(stored.store_folder / DATABASE)) as database:
        database.executescript(script)


async def refused(calls: Calls, stored: Settings) -> Request:
    """A request whose call has an answer that the disk refuses."""
    run_on(stored, FULL)
    request = await ask(calls)
    await call_of(request).wait()
    return request


class StopsWhileCounting(Counted):
    """Quotas whose count is the moment in which the server is stopped."""

    calls: Calls

    async def count(self, name: str, tokens: int) -> None:
        self.calls.stop_all()
        await super().count(name, tokens)


@durable
@pytest.mark.parametrize("waits", [True, False])
async def test_stop_while_the_answer_is_written_keeps_it(upstream: Replay, stored: Settings, waits: bool) -> None:
    held, quotas = Held(upstream), StopsWhileCounting()
    async with open_calls(stored, limits=CallerLimits(quotas=quotas)) as calls:
        quotas.calls = calls
        request = await ask(calls)
        if not waits:
            await request.interrupt(Reason.CLIENT_TIMEOUT)
        held.release.set()
        await idle(calls)
        await request.interrupt(Reason.DISCONNECT)
    async with open_calls(stored) as calls:
        repeat = await ask(calls)
        assert isinstance(await outcome_of(repeat), Completion)
    assert repeat.notes.keys() == {"picked_up"}
    assert len(upstream.requests) == 1


@durable
async def test_client_that_leaves_after_a_stop_gets_its_picture_later(
    api: MediaApi, upstream: Replay, stored: Settings, tmp_path: Path
) -> None:
    given, picture = slow_picture(api, upstream, stored, tmp_path)
    async with open_calls(given) as calls:
        request = await ask(calls, picture)
        await until_saved(upstream)
        calls.stop_all()
        await idle(calls)
        await request.interrupt(Reason.DISCONNECT)
    async with open_calls(given) as calls:
        assert "picked_up" in (await ask(calls, picture)).notes


@durable
async def test_client_that_leaves_after_a_stop_is_told_of_the_loss(upstream: Replay, stored: Settings) -> None:
    upstream.behave = hold
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await upstream.exchanges.get()
        calls.stop_all()
        await idle(calls)
        await request.interrupt(Reason.DISCONNECT)
    upstream.answer(COMPLETION)
    async with open_calls(stored) as calls:
        assert "lost" in (await ask(calls)).notes


async def kept(stored: Settings) -> str:
    """The id of a call whose answer an ended process has kept."""
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await call_of(request).wait()
        return await hand_off(request)


@durable
async def test_interrupted_fetch_after_a_restart_leaves_the_answer_to_a_repeat(
    upstream: Replay, stored: Settings
) -> None:
    call_id = await kept(stored)
    async with open_calls(stored) as calls:
        await (await fetch(calls, call_id)).interrupt(Reason.CLIENT_TIMEOUT)
        await outcome_of(await ask(calls))
    assert len(upstream.requests) == 1


@durable
async def test_fetched_answer_is_not_claimed_after_a_restart(upstream: Replay, stored: Settings) -> None:
    call_id = await kept(stored)
    async with open_calls(stored) as calls:
        await outcome_of(await fetch(calls, call_id))
    async with open_calls(stored) as calls:
        assert "picked_up" not in (await ask(calls)).notes


@on_disk
async def test_answer_that_the_disk_refuses_is_claimed_as_often_as_it_is_orphaned(
    upstream: Replay, stored: Settings
) -> None:
    async with open_calls(stored) as calls:
        request = await refused(calls, stored)
        for _ in range(2):
            await request.interrupt(Reason.CLIENT_TIMEOUT)
            request = await ask(calls)
            assert "picked_up" in request.notes
        await outcome_of(request)
    assert len(upstream.requests) == 1


@on_disk
async def test_answer_that_the_disk_refused_is_not_lost_once_delivered(upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        request = await refused(calls, stored)
        await request.interrupt(Reason.CLIENT_TIMEOUT)
        run_on(stored, ROOM)
        assert isinstance(await outcome_of(await ask(calls)), Completion)
    async with open_calls(stored) as calls:
        assert "lost" not in (await ask(calls)).notes


@on_disk
async def test_answer_that_the_disk_refused_and_its_user_cancelled_is_not_claimed(
    upstream: Replay, stored: Settings
) -> None:
    async with open_calls(stored) as calls:
        request = await refused(calls, stored)
        await request.doubt()
        await request.interrupt(Reason.USER)
        assert "picked_up" not in (await ask(calls)).notes


class Overtaken(CallTable):
    """A table whose claim another process overtakes with the job of the call."""

    other: CallTable

    def _attach(self, row: Row) -> bool:
        self.other.take_up(call_of_row({**(self.other.find(row["id"]) or {})}))
        return super()._attach(row)


def test_claim_finds_the_job_that_another_process_has_just_taken_up(tmp_path: Path) -> None:
    dead, other, table = CallTable(tmp_path), CallTable(tmp_path), Overtaken(tmp_path)
    call = Call("video", "?", process=dead.process, kind="video", job="job-1")
    dead.insert(call, None)
    dead.record_job(call)
    dead.close()
    table.other = other
    row, lost = table.claim("?", take=True)
    assert row is not None
    assert (row["process"], lost) == (other.process, [])


@durable
async def test_orphaned_job_with_a_known_id_stays_an_orphan_when_it_is_taken_up(
    api: MediaApi, upstream: Replay, stored: Settings
) -> None:
    async with open_calls(stored) as calls:
        request = await ask(calls, video(stored))
        await api.until_asked()
        await (await fetch(calls, await hand_off(request))).interrupt(Reason.CLIENT_TIMEOUT)
    async with open_calls(stored, timings=AT_ONCE) as calls, anyio.create_task_group() as tasks:
        tasks.start_soon(calls.take_up_left_jobs)
        await api.until_asked()
        api.finish()
        await idle(calls)
        await outcome_of(await ask(calls, video(stored)))
        tasks.cancel_scope.cancel()
    assert len(api.created) == 1


@pytest.mark.parametrize("refused", [False, True])
async def test_call_that_another_server_handed_off_stays_with_its_id(
    upstream: Replay, shared: Settings, refused: bool
) -> None:
    if refused:
        upstream.answer({"error": {"message": "no", "type": "invalid_request_error"}}, status=400)
    held = Held(upstream)
    async with opened(shared, shared) as [one, two]:
        await orphaned(one)
        call_id = await hand_off(await ask(two))
        held.release.set()
        await idle(one)
        again = await ask(two)
        await outcome_of(again)
        assert "picked_up" not in again.notes
        assert await outcome_of(await fetch(two, call_id)) is not None


async def test_two_fetches_of_a_call_elsewhere_both_wait_for_it(upstream: Replay, shared: Settings) -> None:
    held = Held(upstream)
    async with opened(shared, shared) as [one, two]:
        call_id = await hand_off(await ask(one))
        fetched: list[Request] = []

        async def fetch_one() -> None:
            fetched.append(await fetch(two, call_id))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fetch_one)
            tasks.start_soon(fetch_one)
        held.release.set()
        for request in fetched:
            assert isinstance(await outcome_of(request), Completion)


@in_redis
async def test_server_that_drains_leaves_a_followed_job_too(api: MediaApi, upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as second, anyio.create_task_group() as tasks:
        async with open_calls(stored) as first:
            request = await ask(first, video(stored))
            await api.until_asked()
            call_id = await hand_off(request)
            fetched = await fetch(second, call_id)
            tasks.start_soon(second.drain, 10)
            await until(partial(is_closing, second))
        with pytest.raises(JobLeft):
            await outcome_of(fetched)
    api.finish()
    async with open_calls(stored) as last:
        assert isinstance(await outcome_of(await fetch(last, call_id)), Completion)


@in_every_store
async def test_repeat_before_the_disconnect_is_noticed_gets_an_ended_answer(upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored, timings=Timings(disconnect_grace=0.05)) as calls:
        request = calls.request()
        await calls.start(hello(), request)
        await call_of(request).wait()
        await idle(calls)
        await until(lambda: call_of(request).elapsed > 0.05)
        repeat = calls.request()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(calls.start, hello(), repeat)
            await anyio.lowlevel.checkpoint()
            await request.interrupt(Reason.DISCONNECT)
        await outcome_of(repeat)
    assert len(upstream.requests) == 1


@in_every_store
async def test_repeat_while_a_large_answer_is_written_back_gets_it(upstream: Replay, stored: Settings) -> None:
    upstream.answer(LARGE)
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await call_of(request).wait()
        await idle(calls)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(request.interrupt, Reason.DISCONNECT)
            await anyio.lowlevel.checkpoint()
            await outcome_of(await ask(calls))
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("store", ["memory", "disk"], indirect=True)
async def test_repeat_while_a_delivered_answer_is_written_back_gets_it(upstream: Replay, stored: Settings) -> None:
    upstream.answer(LARGE)
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await outcome_of(request)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(request.interrupt, Reason.CLIENT_TIMEOUT)
            await anyio.lowlevel.checkpoint()
            await outcome_of(await ask(calls))
    assert len(upstream.requests) == 1


@in_every_store
async def test_answer_that_a_repeat_received_is_not_claimed_again(upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        first = await ask(calls)
        await call_of(first).wait()
        await idle(calls)
        await first.doubt()
        second = await ask(calls)
        assert "picked_up" in second.notes
        await outcome_of(second)
        await first.interrupt(Reason.DISCONNECT)
        assert "picked_up" not in (await ask(calls)).notes


@on_disk
async def test_job_that_the_disk_refused_is_named_and_not_left(
    api: MediaApi, upstream: Replay, stored: Settings
) -> None:
    async with open_calls(stored) as calls:
        run_on(stored, "CREATE TRIGGER full BEFORE UPDATE OF job ON calls BEGIN SELECT RAISE(ABORT, 'full'); END;")
        request = await ask(calls, video(stored))
        await api.until_asked()
        calls.stop_all()
        outcome = await outcome_of(request)
    assert isinstance(outcome, Lost)
    assert "job-1" in outcome.message


@durable
async def test_cancelling_a_job_that_is_being_left_says_that_the_server_ends(
    api: MediaApi, upstream: Replay, stored: Settings
) -> None:
    async with open_calls(stored) as calls:
        call_id = await hand_off(await ask(calls, video(stored)))
        await api.until_asked()
        calls.stop_all()
        context: Any = SimpleNamespace(calls=calls, request=calls.request(connection="stdio"))
        with pytest.raises(Unavailable):
            await cancel_completion.call(context, {"id": call_id})


@on_disk
async def test_job_of_another_key_counts_for_no_limit_and_goes_after_a_day(
    api: MediaApi, upstream: Replay, stored: Settings
) -> None:
    async with open_calls(stored) as calls:
        await ask(calls, video(stored))
        await api.until_asked()
    rotated = stored.model_copy(update={"api_key": SecretStr("another-key")})
    upstream.answer(COMPLETION)
    async with open_calls(rotated, limits=CallerLimits(calls_at_once=1)) as calls:
        assert isinstance(await outcome_of(await ask(calls)), Completion)
        run_on(stored, "UPDATE calls SET created_at = created_at - 90000")
        await outcome_of(await ask(calls, hello(text="Another")))
    with closing(sqlite3.connect(cast("Path", stored.store_folder) / DATABASE)) as database:
        assert database.execute("SELECT count(*) FROM calls WHERE job <> ''").fetchone() == (0,)


@on_disk
async def test_row_of_a_newer_version_does_not_end_the_search_for_left_jobs(
    api: MediaApi, upstream: Replay, stored: Settings
) -> None:
    async with open_calls(stored) as calls:
        await ask(calls, video(stored))
        await api.until_asked()
    run_on(
        stored,
        "INSERT INTO calls (id, process, fingerprint, principal, model, created_at, state, delivery, id_given, job) "
        f"VALUES ('new', 'dead', '?', '', 'grok', {2**33}, 'newer', 'orphaned', 0, 'job-0')",
    )
    async with open_calls(stored, timings=AT_ONCE) as calls, anyio.create_task_group() as tasks:
        tasks.start_soon(calls.take_up_left_jobs)
        await anyio.wait_all_tasks_blocked()
        run_on(stored, "DELETE FROM calls WHERE id = 'new'")
        await api.until_asked()
        tasks.cancel_scope.cancel()


@on_disk
@pytest.mark.parametrize("stop", [Calls.finish, Calls.drain])
async def test_call_in_line_is_not_sent_while_a_stop_waits_for_a_job(
    upstream: Replay, stored: Settings, stop: Callable[[Calls, float], Coroutine[Any, Any, None]]
) -> None:
    go = anyio.Event()

    async def behave(exchange: Exchange) -> None:
        if exchange.request.json.get("messages"):
            await go.wait()
            exchange.hang_up()
        else:
            await exchange.closed.wait()

    upstream.behave = behave
    given = stored.model_copy(update={"max_concurrency": 2})
    async with open_calls(given, timings=Timings(job_id=0.5)) as calls, anyio.create_task_group() as tasks:
        requests = [await ask(calls, video(stored)), await ask(calls)]
        for _ in requests:
            await upstream.exchanges.get()
        in_line = await ask(calls, hello(text="Another"))
        tasks.start_soon(stop, calls, 0)
        await until(partial(is_closing, calls))
        go.set()
        outcome = await outcome_of(in_line)
    assert isinstance(outcome, Cancelled)
    assert outcome.billed == "no"
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("store", ["memory", "disk"], indirect=True)
async def test_repeat_while_a_doubted_answer_is_written_back_gets_it(upstream: Replay, stored: Settings) -> None:
    upstream.answer(LARGE)
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await outcome_of(request)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(request.doubt)
            await anyio.lowlevel.checkpoint()
            await outcome_of(await ask(calls))
    assert len(upstream.requests) == 1


@durable
async def test_answer_that_another_process_delivered_is_not_claimed_here(upstream: Replay, stored: Settings) -> None:
    async with opened(stored, stored, timings=Timings(disconnect_grace=0.05)) as [one, two]:
        first = one.request(session="s")
        await one.start(hello(), first)
        await call_of(first).wait()
        await idle(one)
        await first.doubt()
        await outcome_of(await ask(two))
        third = one.request(session="t")
        await one.start(hello(), third)
        assert "picked_up" not in third.notes
        await outcome_of(third)


@in_every_store
async def test_pending_result_takes_no_doubted_request_its_answer(upstream: Replay, stored: Settings) -> None:
    held = Held(upstream)
    async with open_calls(stored) as calls:
        call_id = await hand_off(await ask(calls))
        first = await fetch(calls, call_id)
        await first.doubt()
        await (await fetch(calls, call_id)).delivered()
        await first.interrupt(Reason.CLIENT_TIMEOUT)
        repeat = await ask(calls)
        held.release.set()
        await outcome_of(repeat)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("store", ["memory"], indirect=True)
async def test_request_whose_id_is_used_again_is_interrupted(upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        connection = Connection(None)
        requests = [calls.request(connection=connection) for _ in range(2)]
        for request in requests:
            await connection.register(1, request)
    assert [request.interrupted for request in requests] == [Reason.DISCONNECT, None]
