"""Videos at AceData: https://platform.acedata.cloud/documents/grok-videos and /grok-tasks"""

import json
from typing import Any, ClassVar

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import Billed, GrokError
from mcp_grok.json_parser import JSONObject
from mcp_grok.providers import beside
from mcp_grok.upstream.failures import error_in_answer
from mcp_grok.upstream.media.answer_form import objects, other_fields, unreadable
from mcp_grok.upstream.media.link import is_link
from mcp_grok.upstream.media.media_models import find_video_model
from mcp_grok.upstream.media.moderation import is_moderation, withheld
from mcp_grok.upstream.media.request import MediaRequest
from mcp_grok.upstream.media.source_image import SourceImages
from mcp_grok.upstream.media.video_job import (
    Pending,
    Poll,
    checked_id,
    created_job,
    failed,
    finished,
    unknown_job,
)

VIDEOS, TASKS = "/videos", "/tasks"

SENT_NAMES = {"image": "image_url", "reference_images": "reference_image_urls"}
"""The parameters with another name there. Both take links: nothing documents that they take data URIs."""


def video_request(arguments: dict[str, Any], endpoint: Endpoint) -> MediaRequest:
    """The request for a video. It returns the id of a job at once.

    Raises:
        InvalidRequest: an image is no link.
    """
    source = SourceImages(endpoint, links_only=True)
    payload = {SENT_NAMES.get(name, name): value for name, value in arguments.items()}
    if "image" in arguments:
        payload["image_url"] = source.read("image", arguments["image"])
    if "reference_images" in arguments:
        payload["reference_image_urls"] = source.read_all("reference_images", arguments["reference_images"])
    given = {SENT_NAMES.get(name, name): name for name in arguments}
    return MediaRequest.of("video", beside(endpoint.url, VIDEOS), {**payload, "async": True}, given)


class AceDataVideos:
    """The jobs of AceData, which calls them tasks.

    Args:
        endpoint: Where they are.
    """

    intervals: ClassVar[tuple[float, float]] = (5.0, 15.0)
    """AceData asks for these (https://docs.acedata.cloud)."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def job_id(self, answer: Any) -> str:
        """See `VideoJobs`."""
        return created_job(self._endpoint, answer, "task_id")

    def poll(self, job_id: str) -> Poll:
        """See `VideoJobs`."""
        body = json.dumps({"id": checked_id(self._endpoint, job_id), "action": "retrieve"})
        return Poll("POST", beside(self._endpoint.url, TASKS), body.encode())

    def read(self, status: int, answer: Any, job_id: str) -> Pending | JSONObject:
        """See `VideoJobs`. A task that is pending has no `response`, or one without `success`."""
        if status == 404:
            raise unknown_job(self._endpoint, answer)
        if status == 202:
            return Pending(None)
        response = (answer.get("response") or {}) if isinstance(answer, dict) else None
        if not isinstance(response, dict):
            raise unreadable(self._endpoint, answer, "gave the state of the video in another form")
        request = answer.get("request")
        model = request.get("model") if isinstance(request, dict) else None
        items = objects(response.get("data"))
        states = [item.get("state") for item in items]
        if response.get("success") is True or "succeeded" in states:
            if "pending" in states:
                return Pending(None)
            return self._succeeded(items, {**answer, **response}, model, job_id)
        if error := error_in_answer(self._endpoint, 200, response) or error_in_answer(self._endpoint, 200, answer):
            raise self._told(error, response, model)
        return Pending(None)

    def _succeeded(self, items: list[JSONObject], answer: JSONObject, model: Any, job_id: str) -> JSONObject:
        videos = [_video(item) for item in items if is_link(item.get("video_url"))]
        if videos:
            return finished(job_id, model, videos, other_fields(answer, "response", "data"))
        if any(item.get("state") == "failed" for item in items):
            said = {"errors": items}
            raise self._told(failed(self._endpoint, said, "unknown"), said, model)
        raise unreadable(self._endpoint, answer, "finished the video without a link to it")

    def _told(self, error: GrokError, answer: Any, model: Any) -> GrokError:
        """The error of a failed job, with what its model charges. Failures are free except, for some, moderation."""
        known = find_video_model("acedata", model)
        billed: Billed = "unknown" if known is None else "yes" if known.bills_moderation else "no"
        if is_moderation(error):
            return withheld(self._endpoint, "video", billed, answer)
        # A failure that says nothing of moderation may be one all the same.
        error.billed = "unknown" if billed == "yes" else billed
        return error


def _video(item: JSONObject) -> JSONObject:
    return {
        "url": item["video_url"],
        **{name: value for name, value in item.items() if name not in ("url", "video_url")},
    }
