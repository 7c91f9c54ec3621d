"""The videos that the sandbox is making, in memory."""

import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field

from mcp_grok.sandbox.api_errors import ApiError
from mcp_grok.sandbox.faults import Fault
from mcp_grok.sandbox.media_files import video_name
from mcp_grok.sandbox.media_request import AcedataVideoRequest, XaiVideoRequest

MAX_JOBS = 1000


@dataclass(frozen=True, slots=True)
class VideoJob:
    """A video in the making.

    Attributes:
        request: The request for it.
        url: Where its file will be.
        seconds: How long it takes.
        fault: How it ends, if it does not succeed: `failed` or `expired`.
        id: Its id.
        created_at: When the request arrived, in Unix time.
    """

    request: AcedataVideoRequest | XaiVideoRequest
    url: str
    seconds: float
    fault: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: float = field(default_factory=time.time)

    def progress(self, now: float) -> int:
        """How much of it is made at a time, in percent."""
        elapsed = max(0.0, now - self.created_at)
        return 100 if elapsed >= self.seconds else int(100 * elapsed / self.seconds)

    @property
    def refusal(self) -> str:
        """The code of the error that it ends with; empty if it succeeds."""
        if self.request.moderated:
            return "forbidden"
        return "api_error" if self.fault == "failed" else ""


class VideoJobs:
    """The jobs of one API, the oldest first.

    Args:
        seconds: How long a job takes unless its request names the fault `slow`.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._jobs: OrderedDict[str, VideoJob] = OrderedDict()

    def start(self, request: AcedataVideoRequest | XaiVideoRequest, fault: Fault, folder: str) -> VideoJob:
        """A new job.

        Args:
            request: The request for it.
            fault: The fault that the request asks for.
            folder: The address that the files' names follow.
        """
        url = folder + video_name(request.prompt, request.ratio, request.duration)
        job = VideoJob(request, url, fault.seconds if fault.name == "slow" else self._seconds, fault.name)
        self._jobs[job.id] = job
        if len(self._jobs) > MAX_JOBS:
            self._jobs.popitem(last=False)
        return job

    def find(self, job_id: str) -> VideoJob:
        """The job with this id.

        Raises:
            ApiError: There is none.
        """
        if job_id not in self._jobs:
            raise not_found(job_id)
        return self._jobs[job_id]


def not_found(job_id: str) -> ApiError:
    """The error for an id that no job has."""
    return ApiError(404, "not_found", f"Video with id={job_id} not found.", "id")
