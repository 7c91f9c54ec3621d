"""The tools that run at the API: search on the web and on X, code, files, and other MCP servers.

Their fields are checked here, because a wrong one makes the API search for something else, or not at all.
https://docs.x.ai/docs/guides/tools/overview
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from mcp_grok.endpoint import PRIVATE_TOOLS
from mcp_grok.errors import InvalidRequest
from mcp_grok.json_parser import JSONObject
from mcp_grok.upstream.schema_check import Schema, invalid, is_empty, read_value

WEB_SEARCH = "web_search"
X_SEARCH = "x_search"
FILE_SEARCH = "file_search"

SEARCHES = (WEB_SEARCH, X_SEARCH)
SHARED_TOOLS = (*SEARCHES, "code_interpreter")
"""Tools that reach nothing of the operator's, so that callers with names may use them."""

SERVER_TOOLS = (*SHARED_TOOLS, *PRIVATE_TOOLS)

OTHER_NAMES = {
    "web_search_preview": WEB_SEARCH,
    "web_search_preview_2025_03_11": WEB_SEARCH,
    "code_execution": "code_interpreter",
    "collections_search": FILE_SEARCH,
}
"""Names of the same tools in OpenAI's API and in xAI's SDK."""

OTHER_FIELDS = {
    "included_x_handles": "allowed_x_handles",
    "allowed_websites": "allowed_domains",
    "excluded_websites": "excluded_domains",
    "collection_ids": "vector_store_ids",
}

DOMAINS: Schema = {"type": "array", "items": {"type": "string"}, "maxItems": 5, "examples": [["docs.x.ai"]]}
HANDLES: Schema = {"type": "array", "items": {"type": "string"}, "maxItems": 10, "examples": [["xai"]]}
STORES: Schema = {"type": "array", "items": {"type": "string"}, "maxItems": 10}

HANDLE = re.compile(r"\w{1,15}", re.ASCII)
DOMAIN = re.compile(r"(?=.{1,253}\Z)(?!-)[\w-]{1,63}(\.[\w-]{1,63})+")

EXCLUSIVE = (("allowed_domains", "excluded_domains"), ("allowed_x_handles", "excluded_x_handles"))
"""Fields of which a tool may have only one."""


def is_server_tool(tool: JSONObject) -> bool:
    """Whether a tool runs at the API."""
    return server_tool(tool) in SERVER_TOOLS


def server_tool(tool: JSONObject) -> str:
    """The API's name of a tool's type."""
    kind: str = tool["type"]
    return OTHER_NAMES.get(kind, kind)


def read_server_tool(path: str, tool: JSONObject) -> JSONObject:
    """A tool that runs at the API, checked, in the API's form. Unknown fields are not changed.

    Raises:
        InvalidRequest: a field is wrong; `param` is its path.
    """
    fields = {name: value for name, value in _flat(tool).items() if not is_empty(value)}
    read = {OTHER_FIELDS.get(name, name): value for name, value in fields.items()}
    read["type"] = server_tool(tool)
    for name, reader in READERS.items():
        if name in read:
            read[name] = reader(f"{path}.{name}", read[name])
    check_search(path, read, EXCLUSIVE)
    return read


def check_search(path: str, fields: JSONObject, exclusive: tuple[tuple[str, str], ...]) -> None:
    """Checks the fields of a search against each other.

    Raises:
        InvalidRequest: two fields exclude each other, or the dates are in the wrong order.
    """
    prefix = f"{path}." if path else ""
    for allowed, excluded in exclusive:
        if allowed in fields and excluded in fields:
            raise InvalidRequest(f"Give {prefix}{allowed} or {excluded}, not both.", param=f"{prefix}{excluded}")
    if fields.get("from_date", "") > fields.get("to_date", "9999"):
        raise InvalidRequest(f"{prefix}from_date must not be after to_date.", param=f"{prefix}from_date")


def _flat(tool: JSONObject) -> JSONObject:
    """A tool without `filters`, in which OpenAI's form has the domains."""
    filters = tool.get("filters")
    if not isinstance(filters, dict) or tool["type"] == FILE_SEARCH:
        return tool
    return {**filters, **{name: value for name, value in tool.items() if name != "filters"}}


def read_domains(path: str, value: Any) -> list[str]:
    """Domains, which may be given as addresses.

    Raises:
        InvalidRequest: one is not a domain, or there are too many.
    """
    return [_read_domain(f"{path}[{index}]", item) for index, item in enumerate(read_value(path, value, DOMAINS))]


def _read_domain(path: str, value: str) -> str:
    text = value.strip()
    try:
        domain = urlsplit(text if "://" in text else f"//{text}").hostname or ""
    except ValueError:
        domain = ""
    # `urlsplit` leaves out tabs and line breaks, so that another domain would be searched.
    if not DOMAIN.fullmatch(domain) or not text.isprintable():
        raise invalid(path, "a domain like docs.x.ai", value)
    return domain


def read_handles(path: str, value: Any) -> list[str]:
    """Handles of X, with or without `@`, or as the addresses of their pages.

    Raises:
        InvalidRequest: one is not a handle, or there are too many.
    """
    return [_read_handle(f"{path}[{index}]", item) for index, item in enumerate(read_value(path, value, HANDLES))]


def _read_handle(path: str, value: str) -> str:
    handle = value.strip().rstrip("/").rpartition("/")[2].removeprefix("@")
    if not HANDLE.fullmatch(handle):
        raise invalid(path, "a handle of X like xai", value)
    return handle


def read_date(path: str, value: Any) -> str:
    """A day.

    Raises:
        InvalidRequest: the value is none.
    """
    try:
        return date.fromisoformat(value.strip()).isoformat()
    except (ValueError, AttributeError):
        raise invalid(path, "a date like 2026-11-30", value) from None


def _read_stores(path: str, value: Any) -> Any:
    return read_value(path, value, STORES)


READERS: dict[str, Callable[[str, Any], Any]] = {
    "allowed_domains": read_domains,
    "excluded_domains": read_domains,
    "allowed_x_handles": read_handles,
    "excluded_x_handles": read_handles,
    "from_date": read_date,
    "to_date": read_date,
    "vector_store_ids": _read_stores,
}
"""The checks of fields by name."""
