"""`grok_search`: asks a model that searches the web and X, and returns its answer with the sources."""

from typing import Any

from mcp_types import CallToolResult, Tool

from mcp_grok.errors import InvalidRequest
from mcp_grok.json_parser import JSONObject
from mcp_grok.settings import Settings
from mcp_grok.tools.context import RequestContext
from mcp_grok.tools.task import TaskObject
from mcp_grok.tools.tool import read_arguments, tool_definition
from mcp_grok.tools.waiting import result_of
from mcp_grok.toolsets import SEARCH
from mcp_grok.upstream.request import read_request
from mcp_grok.upstream.responses.server_tools import (
    DOMAINS,
    HANDLES,
    WEB_SEARCH,
    X_SEARCH,
    check_search,
    read_date,
    read_domains,
    read_handles,
)
from mcp_grok.upstream.schema_check import Schema

TITLE = "Search with Grok"

SOURCES = ("web", "x")

DEPTHS = {"quick": 2, "normal": 5, "deep": 12}
"""The turns that a search may take. xAI advises 1 or 2 for quick answers, 3 to 5 for balanced ones, and over 10 for
research (https://docs.x.ai/docs/guides/tools/overview)."""

MOST_LISTED = 100
"""Commas that separate items in a text; a list of so many is too long anyway."""

DATE: Schema = {"type": "string", "examples": ["2026-11-30"]}

PARAMETERS: dict[str, Schema] = {
    "query": {"type": "string", "minLength": 1, "description": "What to find out"},
    "sources": {
        "type": "array",
        "items": {"type": "string", "enum": list(SOURCES)},
        "maxItems": len(SOURCES),
        "description": "Where to search; both if left out",
    },
    "from_date": {**DATE, "description": "X: first day, like 2026-11-30"},
    "to_date": {**DATE, "description": "X: last day"},
    "domains": {**DOMAINS, "description": "Web: only these domains; up to 5"},
    "exclude_domains": {**DOMAINS, "description": "Web: not these domains"},
    "x_handles": {**HANDLES, "description": "X: only posts of these accounts; up to 10"},
    "exclude_x_handles": {**HANDLES, "description": "X: no posts of these accounts"},
    "depth": {
        "type": "string",
        "enum": list(DEPTHS),
        "description": "deep costs most and takes minutes",
    },
    "model": {"type": "string", "minLength": 1, "maxLength": 200, "description": "Grok model"},
}

FIELDS = {
    "domains": (WEB_SEARCH, "allowed_domains", read_domains),
    "exclude_domains": (WEB_SEARCH, "excluded_domains", read_domains),
    "x_handles": (X_SEARCH, "allowed_x_handles", read_handles),
    "exclude_x_handles": (X_SEARCH, "excluded_x_handles", read_handles),
    "from_date": (X_SEARCH, "from_date", read_date),
    "to_date": (X_SEARCH, "to_date", read_date),
}
"""The parameters of one of the API's tools: the tool, the field, and the check."""

EXCLUSIVE = (("domains", "exclude_domains"), ("x_handles", "exclude_x_handles"))


def definition(settings: Settings) -> Tool:
    """The tool as clients see it."""
    description = (
        "Ask Grok to search the web and X now and answer with its sources: news, prices, versions, opinions. Each "
        "search is charged beside the tokens. Returns a chat.completion with citations and searches; without searches "
        "the model answered from memory."
    )
    schema = {"type": "object", "properties": PARAMETERS, "required": ["query"]}
    return tool_definition(SEARCH, TITLE, description, schema)


async def call(context: RequestContext, arguments: dict[str, Any]) -> CallToolResult | TaskObject:
    """One call of the tool.

    Raises:
        GrokError: an argument is wrong.
    """
    chat = read_request(
        chat_arguments(arguments),
        context.calls.endpoint,
        progress_wanted=context.report is not None,
        principal=context.request.principal,
    )
    await context.calls.start(chat, context.request)
    return await result_of(context)


def chat_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the chat completion that searches.

    Raises:
        InvalidRequest: an argument is wrong, or belongs to a source that is not searched.
    """
    arguments = {name: _listed(name, value) for name, value in arguments.items()}
    given = read_arguments(PARAMETERS, arguments, required="query", hint="give what to find out")
    tools: dict[str, JSONObject] = {kind: {"type": kind} for kind in _kinds(given.get("sources") or list(SOURCES))}
    checked = {name: FIELDS[name][2](name, given[name]) for name in FIELDS if name in given}
    check_search("", checked, EXCLUSIVE)
    for name, value in checked.items():
        kind, field, _ = FIELDS[name]
        if kind not in tools:
            source = "x" if kind == X_SEARCH else "web"
            raise InvalidRequest(f"{name} is for searches of {source}; add it to sources.", param=name)
        tools[kind][field] = value
    return {
        "messages": [{"role": "user", "content": given["query"]}],
        "tools": list(tools.values()),
        **({"model": given["model"]} if "model" in given else {}),
        **({"extra_body": {"max_turns": DEPTHS[given["depth"]]}} if "depth" in given else {}),
    }


def _listed(name: str, value: Any) -> Any:
    """The value of a list, which models also write as text with commas."""
    is_list = PARAMETERS.get(name, {}).get("type") == "array"
    if not is_list or not isinstance(value, str) or value.lstrip().startswith("["):
        return value
    return [item.strip() for item in value.split(",", MOST_LISTED) if item.strip()]


def _kinds(sources: list[str]) -> list[str]:
    return [kind for source, kind in (("web", WEB_SEARCH), ("x", X_SEARCH)) if source in sources]
