"""The body of an answer that is one JSON value."""

from collections.abc import AsyncIterator

from mcp_grok.errors import GrokError, ResponseTooLarge
from mcp_grok.json_bounds import JSONBounds
from mcp_grok.upstream.stream import too_many_items


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
