"""A video is paid for once: its job at the API outlives requests, processes and servers."""

import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from mcp_grok.calls import CallerLimits, Calls, Reason, Timings, open_calls
from mcp_grok.calls.call import JobLeft
from mcp_grok.calls.sqlite_table import DATABASE, SCHEMA, CallTable
from mcp_grok.calls.token_count import MEDIA_TOKENS
from mcp_grok.errors import Cancelled, Lost, NotFound
from mcp_grok.principal import Principal
from mcp_grok.settings import Settings
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.media.image_request import read_image_request
from mcp_grok.upstream.media.request import MediaRequest
from mcp_grok.upstream.media.video_request import read_video_request
from tests.calls.servers import Counted, ask, call_of, fetch, hand_off, idle, outcome_of, until
from tests.conftest import KEY, settings_for
from tests.media_api import BROKEN, LINK, PENDING, MediaApi
from tests.replay import Held, Replay

durable = pytest.mark.parametrize("store", ["disk", "redis"], indirect=True)

AT_ONCE = Timings(left_jobs=0.05)

SLOW = "/cat.png"
"""The path of a slow picture's file."""

ALICE = Principal("alice", SecretStr("alices-key"))


@pytest.fixture
def api(upstream: Replay) -> MediaApi:
    return MediaApi(upstream)


def process_of(database: sqlite3.Connection) -> str:
    """The process that runs the only call of a table."""
    [[process]] = database.execute("SELECT process FROM calls").fetchall()
    return str(process)


async def is_closing(calls: Calls) -> bool:
    """Whether these calls take no further ones."""
    return not await calls.is_ready()


def video(settings: Settings, prompt: str = "A cat") -> MediaRequest:
    """The request for a video."""
    return read_video_request({"prompt": prompt}, settings.endpoint, with_image=False)


async def test_video_is_made_by_one_paid_request(api: MediaApi, upstream: Replay) -> None:
    settings = settings_for(upstream)
    api.states = [PENDING, BROKEN, (503, {"error": {"message": "Wait"}}), PENDING, (200, {"finished": LINK})]
    async with open_calls(settings) as calls:
        outcome = await outcome_of(await ask(calls, video(settings)))
    assert isinstance(outcome, Completion)
    assert outcome.body["object"] == "video"
    assert [item["url"] for item in outcome.body["videos"]] == [LINK]
    assert len(api.created) == 1


async def test_states_cost_of_a_video_at_xai_counts_as_tokens(api: MediaApi, upstream: Replay) -> None:
    settings = settings_for(upstream, provider="xai")
    api.states = [PENDING, 10, 60, (200, {"finished": LINK})]
    quotas = Counted()
    async with open_calls(settings, limits=CallerLimits(quotas=quotas)) as calls:
        request = await ask(calls, video(settings))
        lines: list[str] = []
        call_of(request).follow(lines.append, lines.append)
        outcome = await outcome_of(request)
    assert isinstance(outcome, Completion)
    assert outcome.cost == {"amount": 0.3, "currency": "USD"}
    assert quotas.tokens[""] == 150_000
    assert lines == ["[video] 10 %\n", "[video] 60 %\n"]


@durable
async def test_restart_goes_on_with_the_job_once_its_client_returns(
    api: MediaApi, upstream: Replay, stored: Settings
) -> None:
    async with open_calls(stored) as calls:
        request = await ask(calls, video(stored))
        await api.until_asked()
        call_id = await hand_off(request)
    async with open_calls(stored) as calls:
        fetched = await fetch(calls, call_id)
        await api.until_asked()
        api.finish()
        outcome = await outcome_of(fetched)
    assert isinstance(outcome, Completion)
    assert len(api.created) == 1


@durable
async def test_restart_goes_on_with_the_job_by_itself(api: MediaApi, upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        request = await ask(calls, video(stored))
        await api.until_asked()
        call_id = await hand_off(request)
    async with open_calls(stored, timings=AT_ONCE) as calls, anyio.create_task_group() as tasks:
        tasks.start_soon(calls.take_up_left_jobs)
        await api.until_asked()
        api.finish()
        await idle(calls)
        tasks.cancel_scope.cancel()
        assert isinstance((await calls.find(call_id)).outcome, Completion)
    assert len(api.created) == 1


@durable
@pytest.mark.parametrize("shared", [True, False])
async def test_video_counts_once_after_a_restart(
    api: MediaApi, upstream: Replay, stored: Settings, shared: bool
) -> None:
    before = Counted(outlive_process=shared)
    async with open_calls(stored, limits=CallerLimits(quotas=before)) as calls:
        request = await ask(calls, video(stored))
        await api.until_asked()
        call_id = await hand_off(request)
    after = before if shared else Counted()
    async with open_calls(stored, limits=CallerLimits(quotas=after)) as calls:
        fetched = await fetch(calls, call_id)
        await api.until_asked()
        api.finish()
        assert isinstance(await outcome_of(fetched), Completion)
    assert after.tokens[""] == MEDIA_TOKENS["video"]


@durable
async def test_repeated_call_after_a_restart_gets_the_video(api: MediaApi, upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        await ask(calls, video(stored))
        await api.until_asked()
    api.finish()
    async with open_calls(stored) as calls:
        repeat = await ask(calls, video(stored))
        assert "picked_up" in repeat.notes
        assert "lost" not in repeat.notes
        assert isinstance(await outcome_of(repeat), Completion)
        assert isinstance(await outcome_of(await ask(calls, video(stored, "A dog"))), Completion)
    assert len(api.created) == 2


@durable
async def test_job_of_a_callers_own_key_waits_for_that_caller(
    api: MediaApi, upstream: Replay, stored: Settings
) -> None:
    async with open_calls(stored) as calls:
        request = await ask(calls, video(stored), ALICE)
        await api.until_asked()
        call_id = await hand_off(request)
    api.keys.clear()
    async with open_calls(stored, timings=AT_ONCE) as calls, anyio.create_task_group() as tasks:
        tasks.start_soon(calls.take_up_left_jobs)
        with pytest.raises(NotFound, match="another API key"):
            await calls.find(call_id, Principal("alice", SecretStr("another-key")))
        with pytest.raises(NotFound):
            await calls.find(call_id, Principal("mallory", SecretStr("alices-key")))
        assert not api.keys
        fetched = await fetch(calls, call_id, ALICE)
        api.finish()
        assert isinstance(await outcome_of(fetched), Completion)
        tasks.cancel_scope.cancel()
    assert api.keys == {"alices-key"}
    assert len(api.created) == 1


async def test_job_is_not_asked_about_at_another_address(api: MediaApi, upstream: Replay, tmp_path: Path) -> None:
    stored = settings_for(upstream, store=f"disk:{tmp_path}")
    async with open_calls(stored) as calls:
        request = await ask(calls, video(stored))
        await api.until_asked()
        call_id = await hand_off(request)
    async with Replay() as other, open_calls(settings_for(other, store=f"disk:{tmp_path}")) as calls:
        with pytest.raises(NotFound, match="another API key, or at another address"):
            await calls.find(call_id)
    assert not other.requests


@pytest.mark.parametrize("store", ["redis"], indirect=True)
async def test_server_takes_over_the_job_that_it_follows(api: MediaApi, upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as second:
        async with open_calls(stored) as first:
            request = await ask(first, video(stored))
            await api.until_asked()
            call_id = await hand_off(request)
            fetched = await fetch(second, call_id)
        api.finish()
        assert isinstance(await outcome_of(fetched), Completion)
    assert len(api.created) == 1


@pytest.mark.parametrize("store", ["redis"], indirect=True)
async def test_two_servers_do_not_both_ask_about_a_job(api: MediaApi, upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as first:
        request = await ask(first, video(stored))
        await api.until_asked()
        call_id = await hand_off(request)
    async with open_calls(stored) as one, open_calls(stored) as other:
        requests = [await fetch(one, call_id), await fetch(other, call_id)]
        assert one.under_way(Principal("")) + other.under_way(Principal("")) == 1
        api.finish()
        for fetched in requests:
            assert isinstance(await outcome_of(fetched), Completion)


@pytest.mark.parametrize("store", ["disk"], indirect=True)
async def test_repeat_is_not_paid_while_another_process_has_taken_up_the_job(
    api: MediaApi, upstream: Replay, stored: Settings
) -> None:
    async with open_calls(stored) as calls:
        await ask(calls, video(stored))
        await api.until_asked()
    async with open_calls(stored) as second, open_calls(stored) as third, anyio.create_task_group() as tasks:
        tasks.start_soon(second.take_up_left_jobs)
        await until(lambda: second.under_way(Principal("")) == 1)
        with pytest.raises(NotFound, match="Another server process") as refused:
            await ask(third, video(stored))
        assert refused.value.retryable
        api.finish()
        await idle(second)
        assert isinstance(await outcome_of(await ask(third, video(stored))), Completion)
        tasks.cancel_scope.cancel()
    assert len(api.created) == 1


@pytest.mark.parametrize("store", ["redis"], indirect=True)
async def test_one_server_takes_over_the_job_that_several_follow(
    api: MediaApi, upstream: Replay, stored: Settings
) -> None:
    async with open_calls(stored) as one, open_calls(stored) as other:
        async with open_calls(stored) as first:
            request = await ask(first, video(stored))
            await api.until_asked()
            call_id = await hand_off(request)
            requests = [await fetch(one, call_id), await fetch(other, call_id)]
        await until(lambda: one.under_way(Principal("")) + other.under_way(Principal("")) == 1)
        api.finish()
        for fetched in requests:
            assert isinstance(await outcome_of(fetched), Completion)
    assert len(api.created) == 1


@pytest.mark.parametrize("store", ["disk"], indirect=True)
async def test_live_process_keeps_its_job(api: MediaApi, upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as first, open_calls(stored) as second:
        request = await ask(first, video(stored))
        await api.until_asked()
        call_id = await hand_off(request)
        with pytest.raises(NotFound, match="Another server process"):
            await second.find(call_id)
        api.finish()
        assert isinstance(await call_of(request).wait(), Completion)


async def test_cancelled_video_says_that_its_job_is_billed(api: MediaApi, upstream: Replay) -> None:
    settings = settings_for(upstream)
    async with open_calls(settings) as calls:
        request = await ask(calls, video(settings))
        await api.until_asked()
        calls.stop(call_of(request))
        outcome = await outcome_of(request)
    assert isinstance(outcome, Cancelled)
    assert outcome.billed == "yes"
    assert "job-1" in outcome.message


async def test_without_a_durable_store_the_end_of_the_process_names_the_job(api: MediaApi, upstream: Replay) -> None:
    settings = settings_for(upstream)
    async with open_calls(settings) as calls:
        request = await ask(calls, video(settings))
        await api.until_asked()
        calls.stop_all()
        outcome = await outcome_of(request)
    assert isinstance(outcome, Lost)
    assert "job-1" in outcome.message


@pytest.mark.parametrize("store", ["disk"], indirect=True)
async def test_repeat_at_the_moment_when_its_job_is_taken_up_is_not_paid_again(
    api: MediaApi, upstream: Replay, stored: Settings
) -> None:
    async with open_calls(stored) as calls:
        request = await ask(calls, video(stored))
        await api.until_asked()
        await request.interrupt(Reason.DISCONNECT)
    api.finish()
    assert stored.store_folder is not None
    with closing(sqlite3.connect(stored.store_folder / DATABASE)) as database:
        before = process_of(database)
        async with open_calls(stored) as calls, anyio.create_task_group() as tasks:
            tasks.start_soon(calls.take_up_left_jobs)
            while process_of(database) == before:
                await anyio.lowlevel.checkpoint()
            outcome = await outcome_of(await ask(calls, video(stored)))
            tasks.cancel_scope.cancel()
    assert isinstance(outcome, Completion)
    assert len(api.created) == 1


@durable
@pytest.mark.parametrize("stop", [Calls.finish, Calls.drain])
async def test_stop_waits_until_the_job_is_known(
    api: MediaApi, upstream: Replay, stored: Settings, stop: Callable[[Calls, float], Coroutine[Any, Any, None]]
) -> None:
    held = Held(upstream)
    timings = Timings(job_id=10)
    async with open_calls(stored, timings=timings) as calls, anyio.create_task_group() as tasks:
        request = await ask(calls, video(stored))
        await upstream.exchanges.get()
        tasks.start_soon(stop, calls, 0)
        await until(partial(is_closing, calls))
        held.release.set()
        with pytest.raises(JobLeft):
            await outcome_of(request)
        await request.delivered()
    assert call_of(request).job == "job-1"


async def test_stop_waits_no_longer_than_allowed_for_a_job(api: MediaApi, upstream: Replay) -> None:
    Held(upstream)
    settings = settings_for(upstream)
    async with open_calls(settings, timings=Timings(job_id=0.05)) as calls:
        request = await ask(calls, video(settings))
        await upstream.exchanges.get()
        await calls.drain(0)
        assert isinstance(await outcome_of(request), Lost)


async def test_job_outlives_the_time_of_an_orphan(api: MediaApi, upstream: Replay) -> None:
    settings = settings_for(upstream)
    async with open_calls(settings, timings=Timings(orphan_timeout=0.05)) as calls:
        request = await ask(calls, video(settings))
        await api.until_asked()
        await request.interrupt(Reason.CLIENT_TIMEOUT)
        await api.until_asked(times=3)
        api.finish()
        repeat = await ask(calls, video(settings))
        assert isinstance(await outcome_of(repeat), Completion)
    assert len(api.created) == 1


async def test_job_is_asked_about_again_if_the_api_does_not_know_it_at_first(api: MediaApi, upstream: Replay) -> None:
    settings = settings_for(upstream)
    unknown = (404, {"error": {"code": "not_found", "message": "No such task"}})
    api.states = [unknown, unknown, (200, {"finished": LINK})]
    async with open_calls(settings) as calls:
        assert isinstance(await outcome_of(await ask(calls, video(settings))), Completion)
    api.states = [unknown]
    async with open_calls(settings) as calls:
        assert isinstance(await outcome_of(await ask(calls, video(settings, "A dog"))), NotFound)


@pytest.mark.parametrize("strange", [(404, {"error": {"message": "No such task"}}), (200, []), (200, {"response": 1})])
async def test_strange_answer_about_a_job_does_not_end_the_call(
    api: MediaApi, upstream: Replay, strange: tuple[int, object]
) -> None:
    settings = settings_for(upstream)
    busy = (503, {"error": {"message": "Wait"}, "retry_after": 0.01})
    api.states = [PENDING, *[busy] * 4, strange, PENDING, *[strange] * 3, (200, {"finished": LINK})]
    async with open_calls(settings) as calls:
        assert isinstance(await outcome_of(await ask(calls, video(settings))), Completion)
    api.states = [strange]
    async with open_calls(settings) as calls:
        outcome = await outcome_of(await ask(calls, video(settings, "A dog")))
    assert not isinstance(outcome, Completion)
    assert "job-2" in outcome.message


async def test_wait_that_the_api_asks_for_does_not_end_the_call(api: MediaApi, upstream: Replay) -> None:
    settings = settings_for(upstream)
    api.states = [(429, {"error": {"message": "Wait"}, "retry_after": 86_400})]
    async with open_calls(settings) as calls:
        request = await ask(calls, video(settings))
        await api.until_asked()
        with anyio.move_on_after(0.2):
            await call_of(request).wait()
        assert call_of(request).outcome is None


def slow_picture(api: MediaApi, upstream: Replay, stored: Settings, tmp_path: Path) -> tuple[Settings, MediaRequest]:
    """The settings of a server that saves pictures, and the request for one whose file begins and does not end."""
    given = stored.model_copy(update={"provider": "xai", "output_dir": str(tmp_path / "pictures")})
    api.pictures = 200, {"data": [{"url": f"{upstream.base_url}{SLOW}"}]}
    api.files[SLOW] = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"
    return given, read_image_request({"prompt": "A cat"}, given.endpoint)


async def until_saved(upstream: Replay) -> None:
    """Waits until the file of a slow picture is asked for."""
    while (await upstream.exchanges.get()).request.path != SLOW:
        pass


@durable
async def test_picture_that_is_made_outlives_a_stop_while_its_file_is_saved(
    api: MediaApi, upstream: Replay, stored: Settings, tmp_path: Path
) -> None:
    given, picture = slow_picture(api, upstream, stored, tmp_path)
    async with open_calls(given) as calls:
        request = await ask(calls, picture)
        await until_saved(upstream)
        await request.interrupt(Reason.CLIENT_TIMEOUT)
        calls.stop_all()
        await idle(calls)
    async with open_calls(given) as calls:
        repeat = await ask(calls, picture)
        assert "picked_up" in repeat.notes
        assert "lost" not in repeat.notes
        assert isinstance(await outcome_of(repeat), Completion)
    assert len(api.created) == 1


async def test_key_that_is_refused_later_ends_the_call_and_names_the_job(api: MediaApi, upstream: Replay) -> None:
    settings = settings_for(upstream)
    api.states = [(401, {"error": {"code": "invalid_token", "message": f"No {KEY}"}})]
    async with open_calls(settings) as calls:
        outcome = await outcome_of(await ask(calls, video(settings)))
    assert not isinstance(outcome, Completion)
    assert (outcome.code, outcome.billed) == ("invalid_token", "unknown")
    assert "job-1" in outcome.message
    assert KEY not in str(outcome.as_dict())


def test_table_of_an_earlier_version_gets_the_columns(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    earlier = sqlite3.connect(tmp_path / DATABASE)
    kept = [line for line in SCHEMA.splitlines() if not line.strip().startswith(("kind ", "job "))]
    earlier.executescript("\n".join(kept).replace("outcome BLOB, ", "outcome BLOB "))
    earlier.close()
    table = CallTable(tmp_path)
    assert table.left_jobs() == []
    table.close()
