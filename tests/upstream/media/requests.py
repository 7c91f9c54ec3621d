"""Requests for pictures and videos, made as a tool makes them."""

import json
from typing import Any

from mcp_grok.endpoint import Endpoint
from mcp_grok.settings import Settings
from mcp_grok.tools.tool import read_arguments
from mcp_grok.upstream.media.image_request import IMAGE_PARAMETERS, read_image_request
from mcp_grok.upstream.media.request import MediaRequest
from mcp_grok.upstream.media.video_request import (
    IMAGE_TO_VIDEO_PARAMETERS,
    TEXT_TO_VIDEO_PARAMETERS,
    read_video_request,
)

URL = "https://example.com/cat.png"
PNG = "data:image/png;base64,iVBORw0KGgo="


def endpoint_of(provider: str, **settings: Any) -> Endpoint:
    """The endpoint of a provider."""
    if provider == "custom":
        settings["base_url"] = "https://api.example.com"
    return Settings(provider=provider, **settings).endpoint


def image_request(provider: str = "xai", **arguments: Any) -> MediaRequest:
    """The request for pictures."""
    read = read_arguments(IMAGE_PARAMETERS, {"prompt": "a cat", **arguments}, required="prompt")
    return read_image_request(read, endpoint_of(provider))


def text_request(provider: str = "xai", **arguments: Any) -> MediaRequest:
    """The request for a video from text."""
    read = read_arguments(TEXT_TO_VIDEO_PARAMETERS, {"prompt": "a cat", **arguments}, required="prompt")
    return read_video_request(read, endpoint_of(provider), with_image=False)


def animation_request(provider: str = "xai", **arguments: Any) -> MediaRequest:
    """The request for a video from an image."""
    read = read_arguments(IMAGE_TO_VIDEO_PARAMETERS, {"image": URL, **arguments}, required="image")
    return read_video_request(read, endpoint_of(provider), with_image=True)


def payload(request: MediaRequest) -> Any:
    """What a request posts."""
    return json.loads(request.body)
