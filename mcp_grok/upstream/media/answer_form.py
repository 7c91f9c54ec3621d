"""The common parts of answers with pictures or videos."""

from itertools import islice
from typing import Any

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import BadUpstreamResponse
from mcp_grok.json_parser import JSONObject
from mcp_grok.upstream.refusal import Refusal

MAX_ITEMS = 20
"""Maximum pictures or videos that are read from one answer."""

OURS = ("object", "id", "model", "videos", "images", "expires_at")
"""The fields of our form. The API's fields with these names are replaced."""


def objects(values: Any) -> list[JSONObject]:
    """The first objects of a list; empty for anything else."""
    return [item for item in islice(values, MAX_ITEMS) if isinstance(item, dict)] if isinstance(values, list) else []


def other_fields(answer: JSONObject, *read: str) -> JSONObject:
    """The fields of an answer that are neither in our form nor named as read."""
    return {name: value for name, value in answer.items() if name not in OURS and name not in read}


def unreadable(endpoint: Endpoint, answer: Any, happened: str) -> BadUpstreamResponse:
    """The error for an answer in another form; `happened` continues a sentence that begins with the provider."""
    said = Refusal.read(answer)
    return BadUpstreamResponse(
        f"{endpoint.provider.subject} {happened}. It may be billed; ask its support before you send it again.",
        provider=endpoint.provider.name,
        trace_id=said.trace_id,
        upstream_message=said.message,
    )
