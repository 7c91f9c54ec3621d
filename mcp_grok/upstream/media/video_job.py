"""The job that makes a video at an API: its id, how to ask about it, and what became of it."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import Billed, NotFound, UpstreamError
from mcp_grok.json_parser import JSONObject
from mcp_grok.upstream.failures import error_in_answer
from mcp_grok.upstream.media.answer_form import other_fields, unreadable
from mcp_grok.upstream.media.link import expires_at
from mcp_grok.upstream.refusal import Refusal

JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
"""The id of a job. It becomes part of an address, so nothing else is used, from an API or from a record."""


@dataclass(frozen=True, slots=True)
class Poll:
    """A request that asks about a job."""

    method: str
    url: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Pending:
    """A job that is not done; `progress` is from 0 to 100, and None if the API states none."""

    progress: int | None


class VideoJobs(Protocol):
    """The jobs of an API.

    Attributes:
        intervals: Least and most seconds between two questions about a job.
    """

    intervals: ClassVar[tuple[float, float]]

    def job_id(self, answer: Any) -> str:
        """The id in the answer to the request for a video.

        Raises:
            GrokError: the answer is an error, or has no id that can be used.
        """
        ...

    def poll(self, job_id: str) -> Poll:
        """The request that asks about a job.

        Raises:
            BadUpstreamResponse: the id cannot be used.
        """
        ...

    def read(self, status: int, answer: Any, job_id: str) -> Pending | JSONObject:
        """The state of a job, or the finished video in our form.

        Args:
            status: 200, 202 or 404.
            answer: The JSON of the answer; None without one.
            job_id: The id of the job.

        Raises:
            GrokError: the job failed, is unknown, or its state cannot be read.
        """
        ...


def checked_id(endpoint: Endpoint, value: Any, answer: Any = None) -> str:
    """The id of a job.

    Raises:
        BadUpstreamResponse: it is none.
    """
    if isinstance(value, str) and JOB_ID.fullmatch(value):
        return value
    raise unreadable(endpoint, answer, "gave no usable id of the video's job, so the video cannot be fetched")


def created_job(endpoint: Endpoint, answer: Any, field: str) -> str:
    """The id of the job in a field of the answer to the request for a video.

    Raises:
        GrokError: the answer is an error, or has no id that can be used.
    """
    if error := error_in_answer(endpoint, 200, answer):
        raise error
    return checked_id(endpoint, answer.get(field) if isinstance(answer, dict) else None, answer)


def unknown_job(endpoint: Endpoint, answer: Any) -> NotFound:
    """The error for a job that the API does not know."""
    said = Refusal.read(answer)
    return NotFound(
        f"{endpoint.provider.subject} does not know the video's job: it is too old, or it was created with another "
        "key. The video may be billed.",
        status=404,
        provider=endpoint.provider.name,
        trace_id=said.trace_id,
        upstream_message=said.message,
    )


def failed(endpoint: Endpoint, answer: Any, billed: Billed) -> UpstreamError:
    """The error for a job that failed without saying why."""
    said = Refusal.read(answer)
    return UpstreamError(
        f"{endpoint.provider.subject} failed to make the video; send the call again later, or change it.",
        retryable=True,
        billed=billed,
        provider=endpoint.provider.name,
        trace_id=said.trace_id,
        upstream_message=said.message,
    )


def finished(job_id: str, model: Any, videos: list[JSONObject], fields: JSONObject) -> JSONObject:
    """A finished video in our form.

    Args:
        job_id: The id of its job.
        model: The model that the API names; anything but text if it names none.
        videos: The videos, each with `url`.
        fields: The API's other fields.
    """
    return {
        "object": "video",
        "id": job_id,
        **({"model": model} if isinstance(model, str) and model else {}),
        "videos": videos,
        "expires_at": expires_at(fields),
        **other_fields(fields),
    }
