"""The body of an answer that is one JSON value."""

import json
from collections.abc import AsyncIterator

from mcp_grok.errors import GrokError, ResponseTooLarge
from mcp_grok.json_bounds import JSONBounds
from mcp_grok.upstream.completion import is_completion, text_of
from mcp_grok.upstream.stream import too_many_items

TOLERANT = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
"""The decoder of any JSON, and of NaN and Infinity, whatever its numbers."""


async def whole_body(start: bytes, received: AsyncIterator[bytes], max_items: int) -> tuple[bytes, GrokError | None]:
    """The bytes of a JSON answer, and the error with which its connection broke, if it did.

    Args:
        start: The first bytes.
        received: The rest.
        max_items: Maximum items of lists and objects.

    A complete JSON body is an answer, even if the connection broke after it.

    Raises:
        ResponseTooLarge: it has too many bytes, or items of lists and objects.
    """
    bounds = JSONBounds(max_items)
    pieces = [start]
    try:
        while not bounds.exceeded_by(pieces[-1]):
            pieces.append(await anext(received))
        raise too_many_items(max_items)
    except StopAsyncIteration:
        broken = None
    except ResponseTooLarge:
        raise
    except GrokError as cut:
        broken = cut
    return b"".join(pieces), broken


def text_in(content: bytes) -> str:
    """The text of a completion that cannot be passed on, such as one with NaN or with bytes after it; empty without."""
    try:
        body, _ = TOLERANT.raw_decode(content.decode("utf-8", "replace").lstrip("\ufeff \t\r\n"))
    except (ValueError, RecursionError):
        return ""
    return text_of(body["choices"]) if is_completion(body) else ""
