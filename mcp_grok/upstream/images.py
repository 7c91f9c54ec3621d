"""The images of a call: files become data URIs, and data URIs are cleaned. Other addresses are not changed."""

from typing import Any

from mcp_grok.endpoint import Endpoint
from mcp_grok.limits import MAX_TOTAL_IMAGE_BYTES
from mcp_grok.upstream.data_uris import clean_data_uri, is_data_uri
from mcp_grok.upstream.image_check import ImageCheck
from mcp_grok.upstream.image_files import ImageFiles, names_file

LONG = 1_000_000
"""Characters from which reading an image takes milliseconds."""

ON_THE_WAY = ("content", "image_url", "url")
"""The fields between messages and the address of an image."""


def with_images(
    messages: list[dict[str, Any]], endpoint: Endpoint, *, max_total_bytes: int = MAX_TOTAL_IMAGE_BYTES
) -> list[dict[str, Any]]:
    """The messages, with each image in a form that the provider accepts.

    Raises:
        InvalidRequest: an image cannot be sent; `param` is its path.
    """
    if all(isinstance(message.get("content"), str) for message in messages):
        return messages
    images = Images(endpoint, max_total_bytes)
    return [images.in_message(f"messages[{index}]", message) for index, message in enumerate(messages)]


def hold_long_images(messages: Any, depth: int = 6) -> bool:
    """Whether messages, as a client sent them, may hold an image that takes long to read."""
    if isinstance(messages, str):
        return len(messages) > LONG
    if depth == 0:
        return False
    if isinstance(messages, dict):
        return any(hold_long_images(messages[field], depth - 1) for field in ON_THE_WAY if field in messages)
    return isinstance(messages, list) and any(hold_long_images(item, depth - 1) for item in messages)


class Images:
    """Reads the images of one call.

    Args:
        endpoint: The provider with its image types, and the allowed folders.
        max_total_bytes: Maximum total size of the images, before base64 adds a third.
    """

    def __init__(self, endpoint: Endpoint, max_total_bytes: int = MAX_TOTAL_IMAGE_BYTES) -> None:
        self._check = ImageCheck(endpoint.provider.image_types, max_total_bytes=max_total_bytes)
        self._files = ImageFiles(endpoint, self._check)

    def in_message(self, param: str, message: dict[str, Any]) -> dict[str, Any]:
        content = message.get("content")
        if not isinstance(content, list):
            return message
        parts = [self._in_part(f"{param}.content[{index}]", part) for index, part in enumerate(content)]
        return {**message, "content": parts}

    def _in_part(self, param: str, part: dict[str, Any]) -> dict[str, Any]:
        if part["type"] != "image_url":
            return part
        url = self.address(f"{param}.image_url.url", part["image_url"]["url"])
        return {**part, "image_url": {**part["image_url"], "url": url}}

    def address(self, param: str, url: str) -> str:
        """The address of an image, in a form that the provider accepts.

        Args:
            param: The path of the address among the arguments, for errors.
            url: The address: a URL, a `data:` URI or a file.

        Raises:
            InvalidRequest: the image cannot be sent.
        """
        if names_file(url):
            return self._files.data_uri(param, url)
        return clean_data_uri(param, url, self._check) if is_data_uri(url) else url
