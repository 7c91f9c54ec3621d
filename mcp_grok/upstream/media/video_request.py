"""The arguments for a video → the request to post."""

from typing import Any

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import InvalidRequest
from mcp_grok.limits import MAX_IMAGES
from mcp_grok.providers import PROVIDERS
from mcp_grok.upstream.media import acedata_videos, xai_videos
from mcp_grok.upstream.media.image_request import MODEL
from mcp_grok.upstream.media.media_models import (
    MAX_SECONDS,
    REFERENCE_RESOLUTIONS,
    VIDEO_RATIOS,
    VIDEO_RESOLUTIONS,
    VideoModel,
    find_video_model,
    video_models,
)
from mcp_grok.upstream.media.not_offered import not_offered
from mcp_grok.upstream.media.request import MediaRequest
from mcp_grok.upstream.schema_check import Schema, invalid

PROMPT: Schema = {"type": "string", "minLength": 1}

OPTIONS: dict[str, Schema] = {
    "duration": {"type": "integer", "minimum": 1, "maximum": MAX_SECONDS, "description": "Seconds; each is billed"},
    "aspect_ratio": {"type": "string", "enum": list(VIDEO_RATIOS), "description": "Width to height"},
    "resolution": {"type": "string", "enum": list(VIDEO_RESOLUTIONS), "description": "Lines"},
    "model": {**MODEL, "description": "Grok Imagine model"},
}

TEXT_TO_VIDEO_PARAMETERS: dict[str, Schema] = {
    "prompt": {**PROMPT, "description": "What the video shows"},
    **OPTIONS,
}

IMAGE_TO_VIDEO_PARAMETERS: dict[str, Schema] = {
    "image": {"type": "string", "minLength": 1, "description": "First frame: URL, data URI or file path"},
    "prompt": {**PROMPT, "description": "How it moves"},
    "reference_images": {
        "type": "array",
        "items": {"type": "string"},
        "maxItems": MAX_IMAGES,
        "description": "Images for style or content; up to 720p",
        "examples": [["https://example.com/cat.png"]],
    },
    **OPTIONS,
}

APIS = {"acedata": acedata_videos.video_request, "xai": xai_videos.video_request}


def read_video_request(arguments: dict[str, Any], endpoint: Endpoint, *, with_image: bool) -> MediaRequest:
    """Checks the arguments for a video and creates the request. Reads the image files that they name.

    Args:
        arguments: The arguments, read by `TEXT_TO_VIDEO_PARAMETERS` or `IMAGE_TO_VIDEO_PARAMETERS`.
        endpoint: Where the request goes.
        with_image: Whether the video is made from an image.

    Raises:
        InvalidRequest: an argument is wrong, or the model does not allow it; `param` names it.
        NotConfigured: the provider makes no videos.
    """
    api = endpoint.provider.video_api
    if api is None:
        raise not_offered(endpoint, "videos", [one for one in PROVIDERS.values() if one.video_api])
    if with_image and "image" not in arguments:
        raise InvalidRequest("image is missing; give the first frame.", param="image")
    models = video_models(api)
    arguments = {"model": models[0].name, **arguments}
    model = find_video_model(api, arguments["model"])
    if model and (refused := _refused(model, arguments)):
        param, wanted = refused
        others = [other.name for other in models if _refused(other, arguments) is None]
        raise _refusal(model, param, wanted, arguments, others)
    return APIS[api](arguments, endpoint)


def _refused(model: VideoModel, arguments: dict[str, Any]) -> tuple[str, str] | None:
    """The argument that a model does not allow, and what it allows; None if it allows all."""
    least, most = model.seconds
    resolution = arguments.get("resolution")
    has_references = bool(arguments.get("reference_images"))
    if model.needs_image and "image" not in arguments:
        return "model", "one that makes videos from text alone"
    if not least <= arguments.get("duration", least) <= most:
        return "duration", f"from {least} to {most}"
    if resolution and resolution not in model.resolutions:
        return "resolution", " or ".join(model.resolutions)
    if has_references and not model.references:
        return "reference_images", "left out"
    if has_references and resolution and resolution not in REFERENCE_RESOLUTIONS:
        return "resolution", f"{' or '.join(REFERENCE_RESOLUTIONS)} beside reference_images"
    return None


def _refusal(
    model: VideoModel, param: str, wanted: str, arguments: dict[str, Any], others: list[str]
) -> InvalidRequest:
    """The error that names what is allowed, and the models that allow all that was given."""
    if param != "model":
        wanted += f" with {model.name}"
    error = invalid(param, wanted, arguments[param])
    if others:
        error.message += f" It works with the model {' or '.join(others)}."
    return error
