"""The searches that a model made: the items of a response that say what was looked up."""

from typing import Any

from mcp_grok.json_parser import JSONObject, parse_json
from mcp_grok.redaction import without_controls

SOURCES = {"web_search_call": "web", "x_search_call": "x"}
"""What the items of each type were searched in. xAI also has X searches as `custom_tool_call`, named `x_…`."""

X_PREFIX = "x_"

SEARCH_MARK = "[search]"
"""The beginning of a line of progress about a search."""

MAX_LINE = 200
"""Maximum characters of a query in a line of progress."""


def search_of(item: JSONObject) -> JSONObject | None:
    """What an item looked up, like `{"source": "web", "name": "search", "query": "…"}`; None if it is no search.

    The `name` is the API's: `search`, `open_page` or `find` for the web, `x_keyword_search` and others for X.
    """
    source = _source(item)
    if source is None:
        return None
    action = item.get("action")
    if isinstance(action, dict):
        fields = {name: value for name, value in action.items() if name != "type"}
        name = action.get("type")
    else:
        fields, name = _arguments(item.get("arguments", item.get("input"))), item.get("name")
    failed = {"status": item["status"]} if item.get("status") not in (None, "completed") else {}
    own = {"source": source, **({"name": name} if name else {})}
    return own | fields | own | failed


def _source(item: JSONObject) -> str | None:
    kind, name = item.get("type"), item.get("name")
    if kind == "custom_tool_call" and isinstance(name, str) and name.startswith(X_PREFIX):
        return "x"
    return SOURCES.get(kind) if isinstance(kind, str) else None


def _arguments(text: Any) -> JSONObject:
    """The arguments of a search, which are JSON text in most forms."""
    if isinstance(text, str):
        try:
            read = parse_json(text)
        except ValueError:
            return {"query": text} if text else {}
        return read if isinstance(read, dict) else {"query": text}
    return text if isinstance(text, dict) else {}


def progress_line(search: JSONObject) -> str:
    """A search as a line of progress, like "[search] web: the query"."""
    texts = (search.get(name) for name in ("query", "url", "name"))
    looked_up = next((text for text in texts if isinstance(text, str) and text), "")
    return f"{SEARCH_MARK} {search['source']}: {without_controls(looked_up[:MAX_LINE])}"
