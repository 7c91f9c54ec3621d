"""`grok://completions/{id}`: a completion, whole, in pages that a client takes."""

from urllib.parse import parse_qs, urlsplit

from mcp_types import ReadResourceResult, ResourceTemplate, TextResourceContents

from mcp_grok.calls import Calls
from mcp_grok.errors import GrokError, NotFound
from mcp_grok.principal import Principal
from mcp_grok.settings import Settings
from mcp_grok.tools.cutting import compact, fits, prefix, uri_of
from mcp_grok.tools.result import META, completion_json

TEMPLATE = ResourceTemplate(
    name="completion",
    title="A Grok completion, whole",
    uri_template=uri_of("{id}"),
    description=f"In pages; _meta['{META}next'] names the next",
    mime_type="application/json",
)
TTL = 300_000
"""Milliseconds for which a client may keep a page; what has ended does not change."""


async def read(calls: Calls, settings: Settings, uri: str, principal: Principal) -> ReadResourceResult:
    """A page of a completion's JSON; joined in order, the pages are the completion, or the error that it ended with.

    Raises:
        NotFound: there is no such completion, or no such page.
    """
    call_id, offset = _parsed(uri)
    call = await calls.find(call_id, principal)
    outcome = call.outcome
    if outcome is None:
        text = compact({"object": "chat.completion.pending", "id": call.id, "status": "in_progress"})
    elif isinstance(outcome, GrokError):
        text = compact({"error": outcome.as_dict()})
    else:
        text = completion_json(outcome)
    if offset > len(text):
        raise NotFound(f"{uri}: the completion has {len(text)} characters.", param="uri")
    rest = text[offset:]
    page = rest if fits(rest, settings.max_result_bytes) else prefix(rest, settings.max_result_bytes)
    following = {f"{META}next": f"{uri_of(call_id)}?offset={offset + len(page)}"} if page != rest else None
    content = TextResourceContents(
        uri=uri, text=page, mime_type="application/json" if page == text else "text/plain", _meta=following
    )
    return ReadResourceResult(contents=[content], ttl_ms=TTL if outcome is not None else 0, cache_scope="private")


def _parsed(uri: str) -> tuple[str, int]:
    try:
        parts = urlsplit(uri)
    except ValueError:
        parts = urlsplit("")
    offsets = parse_qs(parts.query).get("offset", ["0"])
    if (parts.scheme, parts.netloc) != ("grok", "completions") or not offsets[0].isdecimal():
        raise NotFound(f"{uri[:200]!r} is no resource; read {uri_of('{id}')}.", param="uri")
    return parts.path.removeprefix("/"), int(offsets[0][:18])
