"""Jobs in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.sandbox.api_errors import ApiError
from mcp_grok.sandbox.faults import Fault
from mcp_grok.sandbox.media_request import XaiVideoRequest
from mcp_grok.sandbox.video_jobs import MAX_JOBS, VideoJob, VideoJobs

REQUEST = XaiVideoRequest(model="grok-imagine-video", prompt="A cat")


@given(st.floats(0, 1e6), st.lists(st.floats(-10, 1e6), min_size=2))
def test_progress_grows_until_it_is_done(seconds: float, times: list[float]) -> None:
    job = VideoJob(REQUEST, "", seconds, created_at=0)
    progress = [job.progress(now) for now in sorted(times)]
    assert progress == sorted(progress)
    assert (job.progress(seconds), job.progress(-1) if seconds else 0) == (100, 0)


def test_oldest_job_goes_when_there_are_too_many() -> None:
    jobs = VideoJobs(seconds=1)
    first, second, *_, last = (jobs.start(REQUEST, Fault(), "") for _ in range(MAX_JOBS + 1))
    with pytest.raises(ApiError, match="not found"):
        jobs.find(first.id)
    assert [jobs.find(second.id), jobs.find(last.id)] == [second, last]


def test_slow_says_how_long_it_takes() -> None:
    faults = [Fault(), Fault("slow", 7), Fault("stall", 7)]
    assert [VideoJobs(seconds=1).start(REQUEST, fault, "").seconds for fault in faults] == [1, 7, 1]
