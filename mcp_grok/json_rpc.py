"""JSON-RPC messages as clients send them, which is not always as the SDK reads them."""

import json
import math
import re
from typing import Any

from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    JSONRPCMessage,
    JSONRPCNotification,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

from mcp_grok.surrogates import without_lone_surrogates

_TEXT = rb'"(?:[^"\\]|\\.)*+"'
_SCALAR = rb"(?:" + _TEXT + rb"|[^\s\"{}\[\],]+)"
_MEMBER = _TEXT + rb"\s*:\s*" + _SCALAR
_ID = rb'"id"\s*:\s*(' + _SCALAR + rb")"

ID_FIRST = re.compile(rb"\s*\{\s*(?:" + _MEMBER + rb"\s*,\s*)*?" + _ID + rb"\s*[,}]", re.DOTALL)
ID_LAST = re.compile(rb",\s*" + _ID + rb"\s*(?:,\s*" + _MEMBER + rb"\s*)*\}\s*\Z", re.DOTALL)
"""The id of a request before and after its `params`, the only member that is not a string or a number."""

ID_WITHIN = 1024
"""Bytes at each end of a message that are searched for its id."""


class Unreadable(Exception):
    """Text that is not a message: the JSON-RPC error for it, and the request's id if it has one."""

    def __init__(self, code: int, message: str, request_id: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.request_id = request_id

    def as_json(self) -> str:
        """The error as JSON."""
        return error_json(self.request_id, self.code, self.message)


def error_json(request_id: Any, code: int, message: str, data: dict[str, Any] | None = None) -> str:
    """A JSON-RPC error as JSON."""
    error = {"code": code, "message": message, **({"data": data} if data else {})}
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "error": error})


def plain_message(text: bytes) -> JSONRPCMessage | None:
    """The message in a line or a body; None if the SDK would refuse it, or misunderstand its ids."""
    try:
        message = jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValidationError:
        return None
    # A request with an id that the SDK does not know is read as a notification, and would never be answered.
    if isinstance(message, JSONRPCNotification) and (
        b'"id"' in text or isinstance((message.params or {}).get("requestId"), float)
    ):
        return None
    return message


def repaired_message(text: bytes) -> JSONRPCMessage:
    """The message in a text that `plain_message` cannot read.

    A byte order mark is left out. Bytes that are not UTF-8 and lone surrogates become U+FFFD. Ids like `1.0` become
    integers. Empty `params` of another type than an object count as none.

    Raises:
        Unreadable: the text is not a message.
    """
    try:
        parsed = json.loads(text.decode("utf-8-sig", "replace"))
        parsed = json.loads(without_lone_surrogates(json.dumps(parsed, ensure_ascii=False)))
    except RecursionError:
        raise too_deep(text) from None
    except ValueError:
        raise Unreadable(PARSE_ERROR, "Parse error: not a JSON object (over stdio, one in each line)") from None
    if isinstance(parsed, list):
        raise Unreadable(INVALID_REQUEST, "Invalid Request: batches are not supported; send each message by itself")
    if not isinstance(parsed, dict):
        raise Unreadable(INVALID_REQUEST, "Invalid Request: a message must be a JSON object")
    _repair(parsed)
    try:
        message = jsonrpc_message_adapter.validate_python(parsed, by_name=False)
    except ValidationError:
        raise Unreadable(
            INVALID_REQUEST, "Invalid Request: not a JSON-RPC message", _echoed(parsed.get("id"))
        ) from None
    if isinstance(message, JSONRPCNotification) and "id" in parsed:
        raise Unreadable(
            INVALID_REQUEST, "Invalid Request: the id must be a string or a whole number", _echoed(parsed["id"])
        )
    return message


def unparsed(text: bytes, code: int, message: str) -> Unreadable:
    """The error for a message that costs too much to parse, with the id of the request."""
    found = ID_FIRST.match(text[:ID_WITHIN]) or ID_LAST.search(text[-ID_WITHIN:])
    try:
        request_id = json.loads(found[1]) if found else None
    except ValueError:
        request_id = None
    return Unreadable(code, message, _echoed(_whole(request_id)))


def too_deep(text: bytes) -> Unreadable:
    """The error for a message that is nested too deeply."""
    return unparsed(text, PARSE_ERROR, "Parse error: the message is nested too deeply")


def _repair(parsed: dict[str, Any]) -> None:
    """Replaces, in place, what only means something else to the SDK."""
    params = parsed.get("params")
    if params in ([], ""):
        # PHP writes an empty object as a list.
        del parsed["params"]
    ids = [(parsed, "id")]
    if isinstance(params, dict):
        ids.append((params, "requestId"))
        if isinstance(meta := params.get("_meta"), dict):
            ids.append((meta, "progressToken"))
    for holder, name in ids:
        if name in holder:
            holder[name] = _whole(holder[name])


def _whole(value: Any) -> Any:
    """A number like 1.0 as an integer, which is the same number in JSON; any other value as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _echoed(request_id: Any) -> str | float | None:
    """An id as an error repeats it; None unless it is a string or a number."""
    if isinstance(request_id, bool) or not isinstance(request_id, str | int | float):
        return None
    return request_id if isinstance(request_id, str) or math.isfinite(request_id) else None
