"""The jobs of AceData: what is asked, and what each documented state and error becomes."""

import json
import time
from typing import Any

import pytest

from mcp_grok.errors import GrokError
from mcp_grok.upstream.media.video_job import Pending, Poll
from mcp_grok.upstream.media.video_jobs import video_jobs
from tests.upstream.media.requests import endpoint_of

JOBS = video_jobs(endpoint_of("acedata"))
ID = "b8976e18-32dc-4718-9ed8-1ea090fcb6ea"
LINK = "https://cdn.acedata.cloud/c8cbf53aa0.mp4"
VIDEO = {"id": "grok-imagine-video:reverse:41eb9a5f", "video_url": LINK, "state": "succeeded"}
REFUSED = {"code": "forbidden", "message": "The prompt was refused by moderation."}
FAILED = {"code": "api_error", "message": "Internal server error."}


def task(model: str = "grok-imagine-video:reverse", **response: Any) -> dict[str, Any]:
    """The state of a task, with this `response`."""
    return {"id": ID, "request": {"model": model, "prompt": "a cat"}, "type": "videos", "response": response}


def error_of(answer: Any, status: int = 200) -> GrokError:
    """The error for the state of a task."""
    with pytest.raises(GrokError) as caught:
        JOBS.read(status, answer, ID)
    assert caught.value.provider == "acedata"
    return caught.value


def test_task_is_asked_for_by_its_id() -> None:
    assert JOBS.job_id({"success": True, "task_id": ID, "trace_id": "t"}) == ID
    poll = JOBS.poll(ID)
    assert poll == Poll("POST", "https://api.acedata.cloud/grok/tasks", poll.body)
    assert json.loads(poll.body or b"") == {"id": ID, "action": "retrieve"}


def test_creation_that_failed_is_an_error() -> None:
    with pytest.raises(GrokError) as caught:
        JOBS.job_id({"success": False, "error": {"code": "used_up", "message": "No balance"}, "trace_id": "t"})
    assert (caught.value.code, caught.value.trace_id) == ("used_up", "t")


@pytest.mark.parametrize(
    "answer",
    [
        {"id": ID},
        {"id": ID, "response": None},
        {"id": ID, "response": {}},
        task(task_id=ID, trace_id="t"),
        task(data=[]),
        task(success=True, data=[{"id": "x", "state": "pending"}]),
        task(success=True, data=[VIDEO, {"id": "x", "state": "pending"}]),
    ],
)
def test_task_without_success_is_pending(answer: Any) -> None:
    assert JOBS.read(200, answer, ID) == Pending(None)


def test_finished_task_is_a_video_in_our_form() -> None:
    answer = task(success=True, task_id=ID, trace_id="t", data=[VIDEO])
    result = JOBS.read(200, {**answer, "finished_at": 5}, ID)
    assert isinstance(result, dict)
    assert 3590 < result.pop("expires_at") - time.time() <= 3600
    assert result == {
        "object": "video",
        "id": ID,
        "model": "grok-imagine-video:reverse",
        "videos": [{"url": LINK, "id": VIDEO["id"], "state": "succeeded"}],
        "request": answer["request"],
        "type": "videos",
        "finished_at": 5,
        "success": True,
        "task_id": ID,
        "trace_id": "t",
    }


def test_video_that_succeeded_is_kept_whatever_success_says() -> None:
    responses: list[dict[str, Any]] = [{}, {"success": False, "error": FAILED}]
    for response in responses:
        result = JOBS.read(200, task(**response, data=[VIDEO]), ID)
        assert isinstance(result, dict)
        assert result["videos"][0]["url"] == LINK


@pytest.mark.parametrize(
    ("model", "error", "code", "billed"),
    [
        ("grok-imagine-video:reverse", REFUSED, "content_filter", "no"),
        ("grok-imagine-video:official", REFUSED, "content_filter", "yes"),
        ("grok-imagine-video-9", REFUSED, "content_filter", "unknown"),
        ("grok-imagine-video-1.5-fast:reverse", FAILED, "api_error", "no"),
        ("grok-imagine-video-1.5:official", FAILED, "api_error", "unknown"),
        ("grok-imagine-video-9", FAILED, "api_error", "unknown"),
    ],
)
def test_failure_is_billed_as_the_model_documents(model: str, error: Any, code: str, billed: str) -> None:
    failure = error_of(task(model, success=False, error=error, trace_id="t"))
    assert (failure.code, failure.billed, failure.trace_id) == (code, billed, "t")
    assert failure.upstream_message == error["message"]


def test_failure_beside_the_response_is_told() -> None:
    assert error_of({"error": FAILED, "trace_id": "t"}).code == "api_error"


def test_failed_video_of_a_task_that_succeeded_is_an_error() -> None:
    failure = error_of(task(success=True, data=[{"id": "x", "state": "failed", "message": "upstream busy"}]))
    assert (failure.code, failure.billed, failure.retryable) == ("api_error", "no", True)
    assert failure.upstream_message == "upstream busy"


def test_unknown_task_is_not_found() -> None:
    failure = error_of({"error": {"code": "not_found", "message": "no such task"}}, status=404)
    assert (failure.code, failure.status, failure.billed) == ("not_found", 404, "unknown")


@pytest.mark.parametrize(
    "answer",
    [None, [], "x", 1, {"response": "x"}, {"response": [1]}, task(success=True), task(success=True, data=[{}])],
)
def test_state_in_another_form_is_an_error(answer: Any) -> None:
    failure = error_of(answer)
    assert (failure.code, failure.billed) == ("bad_upstream_response", "unknown")
