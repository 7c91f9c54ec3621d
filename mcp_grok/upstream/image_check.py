"""The check of a call's images: type by content, and size. Files and data URIs have the same limits."""

from collections.abc import Sequence

from mcp_grok.errors import InvalidRequest
from mcp_grok.limits import MAX_IMAGE_BYTES, MAX_TOTAL_IMAGE_BYTES
from mcp_grok.upstream.image_types import image_type


class ImageCheck:
    """Checks the images of one call.

    Args:
        types: The media types that the provider accepts.
        max_total_bytes: Maximum total size of the images, before base64 adds a third.
    """

    def __init__(self, types: Sequence[str], *, max_total_bytes: int = MAX_TOTAL_IMAGE_BYTES) -> None:
        self._types = types
        self._max_total_bytes = max_total_bytes
        self._bytes = 0

    def count(self, param: str, size: int) -> None:
        """Adds the size of an image.

        Raises:
            InvalidRequest: the image is too large, or all together are; `param` is its path.
        """
        if size > MAX_IMAGE_BYTES:
            raise InvalidRequest(
                f"{param} has {size} bytes, and an image may have {MAX_IMAGE_BYTES}; shrink it first.", param=param
            )
        self._bytes += size
        if self._bytes > self._max_total_bytes:
            raise InvalidRequest(
                f"{param}: the images of one call may have {self._max_total_bytes} bytes together.", param=param
            )

    def type_of(self, param: str, head: bytes) -> str:
        """The media type of the image with these first bytes.

        Raises:
            InvalidRequest: it is not an image, or the provider does not accept the type; `param` is its path.
        """
        found = image_type(head)
        if found is None or found not in self._types:
            problem = f"is {found}, which the provider does not accept" if found else "is not an image, by its content"
            raise InvalidRequest(f"{param} {problem}; send one of {', '.join(self._types)}.", param=param)
        return found
