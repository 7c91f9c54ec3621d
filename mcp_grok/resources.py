"""The MCP resources: the models, the usage, and each completion in pages."""

from functools import partial
from urllib.parse import parse_qs, urlsplit

from mcp_types import ReadResourceResult, Resource, ResourceTemplate, TextResourceContents

from mcp_grok.calls import Calls
from mcp_grok.errors import NotFound
from mcp_grok.models import catalogue
from mcp_grok.offload import offload
from mcp_grok.principal import Principal
from mcp_grok.settings import Settings
from mcp_grok.tools.cutting import compact, fits, prefix, uri_of, whole_json
from mcp_grok.tools.result import META
from mcp_grok.tools.tool import PENDING

JSON = "application/json"
TTL = 300_000
"""Milliseconds for which a client may cache a resource that does not change."""

MODELS = Resource(
    name="models",
    title="Grok models",
    uri="grok://models",
    description="The documented properties of each model: context, images, reasoning, refused parameters, replacement",
    mime_type=JSON,
)

USAGE = Resource(
    name="usage",
    title="Grok usage",
    uri="grok://usage",
    description="Answers, tokens and cost by model since this server started; estimates are marked",
    mime_type=JSON,
)

COMPLETION = ResourceTemplate(
    name="completion",
    title="A whole Grok completion",
    uri_template=uri_of("{id}"),
    description=f"In pages; _meta['{META}next'] is the URI of the next",
    mime_type=JSON,
)


async def read(calls: Calls, settings: Settings, uri: str, principal: Principal) -> ReadResourceResult:
    """The content of a resource.

    Raises:
        NotFound: there is no such resource, completion or page.
    """
    if uri == MODELS.uri:
        text = compact(catalogue(settings.active_provider.name, settings.model))
        return _result(TextResourceContents(uri=uri, text=text, mime_type=JSON), ttl=TTL)
    if uri == USAGE.uri:
        text = compact(await calls.usage(principal))
        return _result(TextResourceContents(uri=uri, text=text, mime_type=JSON), is_private=True)
    return await _completion(calls, settings, uri, principal)


async def _completion(calls: Calls, settings: Settings, uri: str, principal: Principal) -> ReadResourceResult:
    """A page of a call's JSON. All pages together are the completion, or the error of a failed call."""
    call_id, offset = _parsed(uri)
    call = await calls.find(call_id, principal)
    outcome = call.outcome
    if outcome is None:
        text = compact({"object": PENDING[call.kind], "id": call.id, "status": "in_progress"})
    else:
        text = await offload(partial(whole_json, outcome), call.size)
    if offset > len(text):
        raise NotFound(f"{uri}: the completion has {len(text)} characters.", param="uri")
    rest = text[offset:]
    page = rest if fits(rest, settings.max_result_bytes) else prefix(rest, settings.max_result_bytes)
    following = {f"{META}next": f"{uri_of(call_id)}?offset={offset + len(page)}"} if page != rest else None
    content = TextResourceContents(
        uri=uri, text=page, mime_type=JSON if page == text else "text/plain", _meta=following
    )
    return _result(content, ttl=TTL if outcome is not None else 0, is_private=True)


def _parsed(uri: str) -> tuple[str, int]:
    try:
        parts = urlsplit(uri)
    except ValueError:
        parts = urlsplit("")
    offsets = parse_qs(parts.query).get("offset", ["0"])
    if (parts.scheme, parts.netloc) != ("grok", "completions") or not offsets[0].isdecimal():
        raise NotFound(f"{uri[:200]!r} is not a resource; read {uri_of('{id}')}.", param="uri")
    return parts.path.removeprefix("/"), int(offsets[0][:18])


def _result(content: TextResourceContents, *, ttl: int = 0, is_private: bool = False) -> ReadResourceResult:
    return ReadResourceResult(contents=[content], ttl_ms=ttl, cache_scope="private" if is_private else "public")
