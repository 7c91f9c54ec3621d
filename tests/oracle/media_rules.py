"""The documented rules for pictures and videos: what each address takes.

xAI: https://docs.x.ai/docs/api-reference#image-generations and https://docs.x.ai/developers/model-capabilities/video.
AceData: https://platform.acedata.cloud/documents/grok-videos and /grok-tasks.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from mcp_grok.sandbox.api_errors import ApiError
from tests.oracle.shared_rules import is_list
from tests.oracle.violation import violation

Rules = Callable[[dict[str, Any]], Iterator[ApiError]]

LINK = re.compile(r"https?://\S+")
IMAGE = re.compile(r"https?://\S+|data:image/(png|jpeg);base64,[A-Za-z0-9+/]+={0,2}")

IMAGE_FIELDS = {"prompt", "model", "n", "aspect_ratio", "resolution", "response_format", "user"}
XAI_VIDEO_FIELDS = {"prompt", "model", "image", "reference_images", "duration", "aspect_ratio", "resolution"}
ACEDATA_VIDEO_FIELDS = {
    *("prompt", "model", "image_url", "reference_image_urls", "duration", "aspect_ratio", "resolution"),
    *("async", "callback_url"),
}

RATIO = re.compile(r"\d+(\.\d)?:\d+(\.\d)?")
RESOLUTIONS = {"image": ("1k", "2k"), "video": ("480p", "720p", "1080p")}

ACEDATA_SECONDS = {
    "grok-imagine-video-1.5-fast:reverse": (6, 30),
    "grok-imagine-video:reverse": (1, 15),
    "grok-imagine-video:official": (1, 15),
    "grok-imagine-video-1.5:official": (1, 15),
}
XAI_SECONDS = {"grok-imagine-video": (1, 15), "grok-imagine-video-1.5": (1, 15)}


def image_violations(body: dict[str, Any]) -> Iterator[ApiError]:
    """What breaks a rule of xAI for making pictures."""
    yield from _shared(body, IMAGE_FIELDS, "image")
    if not body.get("prompt"):
        yield violation("prompt", "is required")
    if not str(body.get("model")).startswith("grok-imagine-image"):
        yield violation("model", "makes no pictures")
    if not _is_whole(body.get("n", 1), 1, 10):
        yield violation("n", "must be from 1 to 10")
    if body.get("response_format", "url") not in ("url", "b64_json"):
        yield violation("response_format", "must be url or b64_json")


def edit_violations(body: dict[str, Any]) -> Iterator[ApiError]:
    """What breaks a rule of xAI for editing pictures: one is `image`, several are `images`."""
    images = [body["image"]] if "image" in body else body.get("images")
    if ("image" in body) == ("images" in body) or not is_list(images, dict) or not 1 <= len(images or ()) <= 3:
        yield violation("image", "must be one object, or images a list of 2 or 3")
        return
    for image in images or ():
        if image.keys() != {"url", "type"} or image["type"] != "image_url" or not _matches(IMAGE, image["url"]):
            yield violation("image", "must have a url, and the type image_url")
    yield from image_violations({name: value for name, value in body.items() if name not in ("image", "images")})


def xai_video_violations(body: dict[str, Any]) -> Iterator[ApiError]:
    """What breaks a rule of xAI for making a video."""
    yield from _shared(body, XAI_VIDEO_FIELDS, "video")
    yield from _video(body, XAI_SECONDS, has_image="image" in body)
    references = body.get("reference_images", [])
    if not is_list(references, dict):
        yield violation("reference_images", "must be a list of objects")
        return
    for image in ([body["image"]] if "image" in body else []) + references:
        if not isinstance(image, dict) or image.keys() != {"url"} or not _matches(IMAGE, image["url"]):
            yield violation("image", "must be an object with a url")
    if references and body["model"] == "grok-imagine-video" and "image" in body:
        yield violation("reference_images", "cannot be used with image")


def acedata_video_violations(body: dict[str, Any]) -> Iterator[ApiError]:
    """What breaks a rule of AceData for making a video."""
    yield from _shared(body, ACEDATA_VIDEO_FIELDS, "video")
    yield from _video(body, ACEDATA_SECONDS, has_image="image_url" in body)
    links = [*([body["image_url"]] if "image_url" in body else []), *body.get("reference_image_urls", [])]
    if not all(_matches(LINK, link) for link in links):
        yield violation("image_url", "must be a URL")
    if body.get("model") == "grok-imagine-video-1.5:official" and "image_url" not in body:
        yield violation("image_url", "is required by this model")
    if body.get("async") is not True:
        # Without it the connection waits for the video, for minutes.
        yield violation("async", "must be true")


def task_violations(body: dict[str, Any]) -> Iterator[ApiError]:
    """What breaks a rule of AceData for asking about a task."""
    if body.keys() != {"id", "action"} or body["action"] != "retrieve" or not isinstance(body["id"], str):
        yield violation("action", "must be retrieve, beside an id")


RULES: dict[tuple[str, str], Rules] = {
    ("xai", "/images/generations"): image_violations,
    ("xai", "/images/edits"): edit_violations,
    ("xai", "/videos/generations"): xai_video_violations,
    ("acedata", "/videos"): acedata_video_violations,
    ("acedata", "/tasks"): task_violations,
}
"""The rules of each provider by address, after what precedes `/chat/completions`."""


def _shared(body: dict[str, Any], fields: set[str], kind: str) -> Iterator[ApiError]:
    for name in body.keys() - fields:
        yield violation(name, "is not a parameter")
    if "prompt" in body and not isinstance(body["prompt"], str):
        yield violation("prompt", "must be a string")
    if body.get("aspect_ratio") not in (None, "auto") and not _matches(RATIO, body["aspect_ratio"]):
        yield violation("aspect_ratio", "must be like 16:9")
    if body.get("resolution") not in (None, *RESOLUTIONS[kind]):
        yield violation("resolution", f"must be one of {', '.join(RESOLUTIONS[kind])}")


def _video(body: dict[str, Any], models: dict[str, tuple[int, int]], *, has_image: bool) -> Iterator[ApiError]:
    seconds = models.get(str(body.get("model")))
    if seconds is None:
        yield violation("model", "makes no videos")
    elif not _is_whole(body.get("duration", seconds[0]), *seconds):
        yield violation("duration", "must be from {} to {}".format(*seconds))
    if not body.get("prompt") and not has_image:
        yield violation("prompt", "is required without an image")


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _matches(form: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None
