"""The jobs of xAI: what is asked, and what each documented state and error becomes."""

import time
from typing import Any

import pytest

from mcp_grok.errors import GrokError
from mcp_grok.upstream.media.video_job import Pending, Poll
from mcp_grok.upstream.media.video_jobs import video_jobs
from tests.upstream.media.requests import endpoint_of

JOBS = video_jobs(endpoint_of("xai"))
ID = "8b3c7a0e-1f52-4d6a-9a51-2c5c1f0a7d11"
LINK = "https://vidgen.x.ai/xai-vidgen-bucket/a.mp4"
PAID = {"cost_in_usd_ticks": 4_000_000_000}
NO_PROGRESS: list[Any] = [True, "50", -1, 101, 10**400, [], None]
BLOCKED = {"url": "", "respect_moderation": False}


def error_of(answer: Any, status: int = 200) -> GrokError:
    """The error for the state of a job."""
    with pytest.raises(GrokError) as caught:
        JOBS.read(status, answer, ID)
    assert caught.value.provider == "xai"
    return caught.value


def test_job_is_asked_for_by_its_id() -> None:
    assert JOBS.job_id({"request_id": ID}) == ID
    assert JOBS.poll(ID) == Poll("GET", f"https://api.x.ai/v1/videos/{ID}", None)


def test_query_of_the_address_is_kept() -> None:
    jobs = video_jobs(endpoint_of("xai", base_url="https://gateway.example.com/v1?team=a"))
    assert jobs.poll(ID).url == f"https://gateway.example.com/v1/videos/{ID}?team=a"


def test_creation_that_failed_is_an_error() -> None:
    with pytest.raises(GrokError) as caught:
        JOBS.job_id({"code": "Client specified an invalid argument", "error": "Unknown model"})
    assert "Unknown model" in (caught.value.upstream_message or "")


@pytest.mark.parametrize(
    ("status", "answer", "progress"),
    [
        (202, None, None),
        (202, {}, None),
        (202, {"progress": 7}, 7),
        (200, {"status": "pending", "progress": 45.9}, 45),
        (200, {"status": "pending", "progress": 0}, 0),
        (200, {"status": "queued"}, None),
        *[(200, {"status": "pending", "progress": wrong}, None) for wrong in NO_PROGRESS],
    ],
)
def test_pending_job_tells_its_progress(status: int, answer: Any, progress: int | None) -> None:
    assert JOBS.read(status, answer, ID) == Pending(progress)


@pytest.mark.parametrize("state", [{"status": "done"}, {}])
def test_finished_job_is_a_video_in_our_form(state: dict[str, Any]) -> None:
    video = {"url": LINK, "duration": 8, "respect_moderation": True}
    result = JOBS.read(200, {**state, "video": video, "model": "grok-imagine-video", "usage": PAID, "x": 1}, ID)
    assert isinstance(result, dict)
    assert 3590 < result.pop("expires_at") - time.time() <= 3600
    assert result == {
        "object": "video",
        "id": ID,
        "model": "grok-imagine-video",
        "videos": [video],
        **state,
        "usage": PAID,
        "x": 1,
    }


@pytest.mark.parametrize(
    ("usage", "billed", "says"),
    [(PAID, "yes", "It cost 0.4 USD."), ({"cost_in_usd_ticks": 0}, "no", "not billed"), ({}, "unknown", "may be")],
)
def test_video_that_moderation_withholds_is_an_error_with_the_bill(usage: Any, billed: str, says: str) -> None:
    failure = error_of({"status": "done", "video": BLOCKED, "usage": usage})
    assert (failure.code, failure.billed) == ("content_filter", billed)
    assert says in failure.message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "internal", "message": "GPU lost"}, "internal"),
        ({"code": "invalid_argument", "message": "blocked by content moderation"}, "content_filter"),
        ({"message": "no capacity"}, "api_error"),
    ],
)
def test_failed_job_is_an_error(error: Any, code: str) -> None:
    failure = error_of({"status": "failed", "error": error, "usage": PAID})
    assert (failure.code, failure.billed, failure.upstream_message) == (code, "yes", error["message"])
    assert error_of({"error": error}).code == code


@pytest.mark.parametrize("error", [None, {}, []])
def test_failed_job_without_a_reason_is_an_error(error: Any) -> None:
    failure = error_of({"status": "failed", "error": error})
    assert (failure.code, failure.billed, failure.retryable) == ("api_error", "unknown", True)


def test_expired_job_is_an_error() -> None:
    failure = error_of({"status": "expired"})
    assert (failure.code, failure.billed, failure.retryable) == ("expired", "unknown", False)


def test_unknown_job_is_not_found() -> None:
    failure = error_of(None, status=404)
    assert (failure.code, failure.status, failure.billed) == ("not_found", 404, "unknown")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "done",
        {},
        {"status": ["done"]},
        {"status": "done"},
        {"status": "done", "video": {"url": "file:///etc/passwd"}},
        {"status": "done", "video": [LINK]},
    ],
)
def test_state_in_another_form_is_an_error(answer: Any) -> None:
    failure = error_of(answer)
    assert (failure.code, failure.billed) == ("bad_upstream_response", "unknown")
