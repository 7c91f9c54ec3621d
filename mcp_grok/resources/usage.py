"""`grok://usage`: what the calls of this server have used and cost since it started."""

from mcp_types import ReadResourceResult, Resource, TextResourceContents

from mcp_grok.calls import Calls
from mcp_grok.principal import Principal
from mcp_grok.settings import Settings
from mcp_grok.tools.cutting import compact

URI = "grok://usage"
RESOURCE = Resource(
    name="usage",
    title="Grok usage",
    uri=URI,
    description="Answers, tokens and cost by model since this server started; estimates are marked",
    mime_type="application/json",
)


async def read(calls: Calls, settings: Settings, uri: str, principal: Principal) -> ReadResourceResult:
    """The totals as JSON."""
    text = compact(await calls.usage(principal))
    content = TextResourceContents(uri=uri, text=text, mime_type="application/json")
    return ReadResourceResult(contents=[content], ttl_ms=0, cache_scope="private")
