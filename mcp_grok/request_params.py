"""The parameters of MCP requests as clients send them, read before the SDK checks them."""

from dataclasses import replace
from types import NoneType
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from pydantic import ValidationError

from mcp_grok.request_body import body_of
from mcp_grok.upstream.schema_check import from_json_text, invalid, is_empty

OPTIONAL = ("arguments", "cursor", "_meta")

LISTS = ("tools/list", "resources/list", "resources/templates/list", "prompts/list")
"""The requests with a cursor. Each list has one page, so this server gives out no cursor."""

NOT_INITIALIZED = "Invalid request parameters"
"""The SDK's message for a request before `initialize`."""

WORDS = {
    "missing": "is missing",
    "string_type": "must be a string",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}
"""The wording for pydantic's kinds of errors."""


async def read_params(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """The SDK's middleware that lets requests through whose parameters can be read, and says what is wrong in others.

    Raises:
        MCPError: a parameter is wrong.
    """
    if ctx.request_id is not None and ctx.params and (read := _read(ctx.method, ctx.params)) != ctx.params:
        ctx = replace(ctx, params=read)
    if (body := body_of(ctx.request)) is not None:
        body.on_handled()
        body.arguments = _read(ctx.method, {"arguments": body.arguments}).get("arguments")
    try:
        return await call_next(ctx)
    except ValidationError as error:
        raise MCPError(INVALID_PARAMS, _said(error)) from None
    except MCPError as error:
        if error.error.message == NOT_INITIALIZED:
            raise MCPError(INVALID_PARAMS, "Send initialize before other requests.") from None
        raise


def _read(method: str, params: Any) -> dict[str, Any]:
    read = dict(params)
    if isinstance(read.get("arguments"), str):
        read["arguments"] = _from_text(read["arguments"])
    for name in OPTIONAL:
        if name in read and is_empty(read[name]):
            del read[name]
    match read:
        case {"_meta": {"progressToken": None} as meta}:
            read["_meta"] = {name: value for name, value in meta.items() if name != "progressToken"}
    if "arguments" in read and not isinstance(read["arguments"], dict):
        raise MCPError(INVALID_PARAMS, invalid("arguments", "an object", read["arguments"]).message)
    if method in LISTS and "cursor" in read:
        raise MCPError(INVALID_PARAMS, "Unknown cursor: the list has one page; ask for it without a cursor.")
    return read


def _from_text(text: str) -> Any:
    """The value that a text holds as JSON, which may again be such a text."""
    read: Any = text.strip()
    while isinstance(read, str):
        inner = from_json_text(read, (str, dict, list, NoneType))
        if inner is read:
            break
        read = inner
    return read


def _said(error: ValidationError) -> str:
    """The first difference to the protocol, without the value, which may be private."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(part) for part in first["loc"] if part != "params") or "params"
    words = WORDS.get(first["type"]) or f"is wrong: {first['msg']}"
    return f"Invalid params: {path} {words}."
