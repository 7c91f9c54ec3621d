"""The images of a request, as xAI returns them."""

import base64
from typing import Any

from mcp_grok.sandbox.answers import NOTICE
from mcp_grok.sandbox.media_files import media_file, picture_name
from mcp_grok.sandbox.media_request import ImageRequest


def images(request: ImageRequest, folder: str, cost: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request.

    Args:
        request: The request.
        folder: The address that the files' names follow.
        cost: How `usage` states that the images were free.
    """
    made = [_image(request, index, folder) for index in range(request.n or 1)]
    return {"data": made, "usage": cost}


def _image(request: ImageRequest, index: int, folder: str) -> dict[str, Any]:
    name = picture_name(f"{index} {request.prompt}", request.ratio)
    about = {
        "mime_type": "image/png",
        "revised_prompt": f"{NOTICE} {request.prompt}",
        "respect_moderation": not request.moderated,
    }
    if request.moderated:
        return about
    file = media_file(name)
    if request.response_format == "b64_json" and file:
        return {"b64_json": base64.b64encode(file[0]).decode(), **about}
    return {"url": folder + name, **about}
