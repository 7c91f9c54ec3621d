"""Videos at xAI: https://docs.x.ai/developers/model-capabilities/video"""

from typing import Any, ClassVar

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import GrokError, UpstreamError
from mcp_grok.json_parser import JSONObject
from mcp_grok.providers import beside
from mcp_grok.upstream.failures import error_in_answer
from mcp_grok.upstream.media.answer_form import unreadable
from mcp_grok.upstream.media.link import is_link
from mcp_grok.upstream.media.moderation import billed_by, is_moderation, withheld
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

GENERATIONS, VIDEOS = "/videos/generations", "/videos"


def video_request(arguments: dict[str, Any], endpoint: Endpoint) -> MediaRequest:
    """The request for a video.

    Raises:
        InvalidRequest: an image cannot be sent.
    """
    source = SourceImages(endpoint)
    payload = dict(arguments)
    if "image" in arguments:
        payload["image"] = {"url": source.read("image", arguments["image"])}
    if "reference_images" in arguments:
        references = source.read_all("reference_images", arguments["reference_images"])
        payload["reference_images"] = [{"url": address} for address in references]
    given = {name: name for name in arguments}
    return MediaRequest.of("video", beside(endpoint.url, GENERATIONS), payload, given)


class XAIVideos:
    """The jobs of xAI, which calls them requests.

    Args:
        endpoint: Where they are.
    """

    intervals: ClassVar[tuple[float, float]] = (1.0, 5.0)
    """xAI's SDK asks each second (https://docs.x.ai/docs/guides/video-generations)."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def job_id(self, answer: Any) -> str:
        """See `VideoJobs`."""
        return created_job(self._endpoint, answer, "request_id")

    def poll(self, job_id: str) -> Poll:
        """See `VideoJobs`."""
        return Poll("GET", beside(self._endpoint.url, f"{VIDEOS}/{checked_id(self._endpoint, job_id)}"), None)

    def read(self, status: int, answer: Any, job_id: str) -> Pending | JSONObject:
        """See `VideoJobs`. The status of the answer tells more than the HTTP status."""
        if status == 404:
            raise unknown_job(self._endpoint, answer)
        if status == 202 or not isinstance(answer, dict):
            return self._pending(status, answer)
        video = answer["video"] if isinstance(answer.get("video"), dict) else {}
        state = answer.get("status")
        if state == "done" or (state is None and is_link(video.get("url"))):
            return self._done(video, answer, job_id)
        if state == "expired":
            raise self._expired()
        if state == "failed" or answer.get("error"):
            raise self._failure(answer)
        return self._pending(status, answer)

    def _pending(self, status: int, answer: Any) -> Pending:
        fields = answer if isinstance(answer, dict) else {}
        if status != 202 and not isinstance(fields.get("status"), str):
            raise unreadable(self._endpoint, answer, "gave the state of the video in another form")
        progress = fields.get("progress")
        if isinstance(progress, int | float) and not isinstance(progress, bool) and 0 <= progress <= 100:
            return Pending(int(progress))
        return Pending(None)

    def _done(self, video: JSONObject, answer: JSONObject, job_id: str) -> JSONObject:
        if video.get("respect_moderation") is False:
            raise self._withheld(answer)
        if not is_link(video.get("url")):
            raise unreadable(self._endpoint, answer, "finished the video without a link to it")
        fields = {name: value for name, value in answer.items() if name != "video"}
        return finished(job_id, answer.get("model"), [video], fields)

    def _failure(self, answer: JSONObject) -> GrokError:
        billed = billed_by(answer.get("usage"))
        error = error_in_answer(self._endpoint, 200, answer) or failed(self._endpoint, answer, billed)
        error.billed = billed
        return self._withheld(answer) if is_moderation(error) else error

    def _withheld(self, answer: JSONObject) -> UpstreamError:
        usage = answer.get("usage")
        return withheld(self._endpoint, "video", billed_by(usage), answer, usage=usage)

    def _expired(self) -> UpstreamError:
        return UpstreamError(
            f"The video's job has expired at {self._endpoint.provider.title}, so there is no video; it may be billed. "
            "Send the call again for a new one.",
            code="expired",
            provider=self._endpoint.provider.name,
        )
