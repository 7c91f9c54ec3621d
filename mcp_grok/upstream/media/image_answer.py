"""The answer with pictures → our form. https://docs.x.ai/docs/api-reference#image-generations"""

from typing import Any

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import GrokError
from mcp_grok.json_parser import JSONObject
from mcp_grok.upstream.failures import error_in_answer
from mcp_grok.upstream.media.answer_form import objects, other_fields, unreadable
from mcp_grok.upstream.media.link import expires_at, is_link
from mcp_grok.upstream.media.moderation import billed_by, is_moderation, withheld
from mcp_grok.upstream.media.request import MediaRequest


def read_images(status: int, answer: Any, request: MediaRequest, endpoint: Endpoint) -> JSONObject:
    """The pictures in our form. One that moderation withholds has `moderated`.

    Args:
        status: The HTTP status of the answer, 200 to 299.
        answer: Its JSON.
        request: What was asked for.
        endpoint: Where it was asked.

    Raises:
        GrokError: there is no picture.
    """
    fields = answer if isinstance(answer, dict) else {}
    images = [image for item in objects(fields.get("data")) if (image := _image(item))]
    # Pictures that are there are paid for, whatever else the answer says.
    if all(image.get("moderated") for image in images):
        raise _failure(status, answer, endpoint, is_withheld=bool(images) or bool(fields.get("block_reason")))
    model = fields.get("model")
    return {
        "object": "image",
        "model": model if isinstance(model, str) and model else request.model,
        "images": images,
        **({"expires_at": expires_at(fields)} if any("url" in image for image in images) else {}),
        **other_fields(fields, "data"),
    }


def _image(item: JSONObject) -> JSONObject | None:
    """A picture with the API's fields, without those that it has not filled; None if it is none."""
    image = {name: value for name, value in item.items() if value is not None and name != "moderated"}
    if "url" in image and not is_link(image["url"]):
        del image["url"]
    if "b64_json" in image and not (isinstance(image["b64_json"], str) and image["b64_json"]):
        del image["b64_json"]
    if item.get("respect_moderation") is False:
        return {**image, "moderated": True}
    return image if "url" in image or "b64_json" in image else None


def _failure(status: int, answer: Any, endpoint: Endpoint, *, is_withheld: bool) -> GrokError:
    usage = answer.get("usage") if isinstance(answer, dict) else None
    billed = billed_by(usage)
    error = error_in_answer(endpoint, status, answer)
    if is_withheld or (error and is_moderation(error)):
        return withheld(endpoint, "picture", billed, _said(answer), usage=usage)
    error = error or unreadable(endpoint, answer, "answered without a picture")
    error.billed = billed
    return error


def _said(answer: JSONObject) -> JSONObject:
    """What an answer says of moderation, as an error."""
    reason = answer.get("block_reason")
    return {**answer, "error": reason} if isinstance(reason, str) and reason else answer
