"""The arguments for pictures → the request to post. https://docs.x.ai/docs/api-reference#image-generations"""

from typing import Any

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import InvalidRequest
from mcp_grok.json_parser import JSONObject
from mcp_grok.providers import PROVIDERS, beside
from mcp_grok.upstream.media.media_models import (
    IMAGE_MODELS,
    IMAGE_RATIOS,
    IMAGE_RESOLUTIONS,
    MAX_EDITED,
    MAX_PICTURES,
)
from mcp_grok.upstream.media.not_offered import not_offered
from mcp_grok.upstream.media.request import MediaRequest
from mcp_grok.upstream.media.source_image import SourceImages
from mcp_grok.upstream.schema_check import Schema

EDITS = "/images/edits"

MODEL: Schema = {"type": "string", "minLength": 1, "maxLength": 200}

IMAGE_PARAMETERS: dict[str, Schema] = {
    "prompt": {"type": "string", "minLength": 1, "description": "What to make, or what to change in images"},
    "n": {"type": "integer", "minimum": 1, "maximum": MAX_PICTURES, "description": "How many; each is billed"},
    "aspect_ratio": {"type": "string", "enum": list(IMAGE_RATIOS), "description": "Width to height"},
    "resolution": {"type": "string", "enum": list(IMAGE_RESOLUTIONS), "description": "Size in pixels"},
    "images": {
        "type": "array",
        "items": {"type": "string"},
        "maxItems": MAX_EDITED,
        "description": f"Pictures to edit, up to {MAX_EDITED}: URL, data URI or file path",
        "examples": [["https://example.com/cat.png"]],
    },
    "model": {**MODEL, "description": f"{IMAGE_MODELS[0]} (default), {' or '.join(IMAGE_MODELS[1:])}"},
}


def read_image_request(arguments: dict[str, Any], endpoint: Endpoint) -> MediaRequest:
    """Checks the arguments for pictures and creates the request. Reads the image files that they name.

    Args:
        arguments: The arguments, read by `IMAGE_PARAMETERS`.
        endpoint: Where the request goes.

    Raises:
        InvalidRequest: an argument is wrong; `param` names it.
        NotConfigured: the provider makes no pictures.
    """
    path = endpoint.provider.images_path
    if path is None:
        raise not_offered(endpoint, "pictures", [one for one in PROVIDERS.values() if one.images_path])
    images = arguments.get("images", [])
    fields = {name: value for name, value in arguments.items() if name != "images"}
    payload = {**fields, "model": fields.get("model", IMAGE_MODELS[0]), **_edited(images, endpoint)}
    return MediaRequest.of(
        "image",
        beside(endpoint.url, EDITS if images else path),
        {**payload, "response_format": "url"},
        {**{name: name for name in IMAGE_PARAMETERS}, "image": "images"},
    )


def _edited(images: list[str], endpoint: Endpoint) -> JSONObject:
    """The field for the pictures to edit: one picture and several have different names."""
    if len(images) > MAX_EDITED:
        raise InvalidRequest(f"images must have at most {MAX_EDITED} items, got {len(images)}.", param="images")
    read = [{"url": address, "type": "image_url"} for address in SourceImages(endpoint).read_all("images", images)]
    return {"images": read} if len(read) > 1 else {"image": read[0]} if read else {}
