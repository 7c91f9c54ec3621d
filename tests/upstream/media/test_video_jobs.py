"""The jobs of every API, against answers of any form."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.errors import BadUpstreamResponse, GrokError
from mcp_grok.upstream.media.video_job import JOB_ID, Pending
from mcp_grok.upstream.media.video_jobs import video_jobs
from tests.upstream.media.requests import endpoint_of
from tests.upstream.strategies import JSON

JOBS = {provider: video_jobs(endpoint_of(provider)) for provider in ("acedata", "xai", "sandbox")}
NAMES = {"acedata": "task_id", "xai": "request_id", "sandbox": "task_id"}
PROVIDERS = pytest.mark.parametrize("provider", JOBS)

VIDEO = st.fixed_dictionaries(
    {},
    optional={
        "url": JSON | st.just("https://example.com/a.mp4"),
        "video_url": JSON | st.just("https://example.com/a.mp4"),
        "state": JSON | st.sampled_from(["pending", "succeeded", "failed"]),
        "respect_moderation": JSON,
    },
)
RESPONSE = st.fixed_dictionaries(
    {}, optional={"success": JSON, "data": JSON | st.lists(JSON | VIDEO, max_size=4), "error": JSON}
)
STATE = JSON | st.fixed_dictionaries(
    {},
    optional={
        "status": JSON | st.sampled_from(["pending", "done", "failed", "expired"]),
        "video": JSON | VIDEO,
        "response": JSON | RESPONSE,
        "request": JSON | st.fixed_dictionaries({"model": JSON}),
        "usage": JSON | st.fixed_dictionaries({"cost_in_usd_ticks": JSON}),
        **dict.fromkeys(("progress", "error", "model", "expires_at", "id", "videos", "task_id", "request_id"), JSON),
    },
)


@PROVIDERS
@pytest.mark.parametrize(
    "job_id",
    [
        "",
        "..",
        ".",
        "../../admin",
        "a/b",
        "a\\b",
        "a?b=c",
        "a#b",
        "a%2fb",
        "a b",
        "a\r\nhost: x",
        "a\n",
        "é",
        "a" * 129,
        "-a",
        None,
        1,
        [],
        {},
    ],
)
def test_id_that_could_lead_elsewhere_is_refused(provider: str, job_id: Any) -> None:
    jobs = JOBS[provider]
    for use in (lambda: jobs.job_id({NAMES[provider]: job_id}), lambda: jobs.poll(job_id)):
        with pytest.raises(BadUpstreamResponse) as caught:
            use()
        assert caught.value.billed == "unknown"
        assert "no usable id" in caught.value.message


@PROVIDERS
@pytest.mark.parametrize("job_id", ["a", "a" * 128, "0b:c-d_e.f", "grok-imagine-video:reverse:41eb9a5f"])
def test_plain_id_is_used(provider: str, job_id: str) -> None:
    assert JOBS[provider].job_id({NAMES[provider]: job_id}) == job_id
    assert job_id in JOBS[provider].poll(job_id).url + (JOBS[provider].poll(job_id).body or b"").decode()


@PROVIDERS
@given(STATE)
def test_any_creation_is_an_id_or_an_error(provider: str, answer: Any) -> None:
    try:
        job_id = JOBS[provider].job_id(answer)
    except GrokError:
        return
    assert JOB_ID.fullmatch(job_id)


@PROVIDERS
@given(st.sampled_from([200, 202, 404]), STATE)
def test_any_state_is_a_video_or_pending_or_an_error(provider: str, status: int, answer: Any) -> None:
    try:
        state = JOBS[provider].read(status, answer, "job")
    except GrokError:
        return
    if isinstance(state, Pending):
        assert state.progress is None or 0 <= state.progress <= 100
        return
    assert (state["object"], state["id"]) == ("video", "job")
    assert isinstance(state.get("model", ""), str)
    assert isinstance(state["expires_at"], int)
    assert state["videos"]
    assert all(video["url"] == "https://example.com/a.mp4" for video in state["videos"])


def test_list_of_a_million_videos_is_cut() -> None:
    data = [{"video_url": "https://example.com/a.mp4", "state": "succeeded"}] * 1_000_000
    state = JOBS["acedata"].read(200, {"response": {"success": True, "data": data}}, "job")
    assert isinstance(state, dict)
    assert len(state["videos"]) == 20
