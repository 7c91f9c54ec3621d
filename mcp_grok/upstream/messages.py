"""Reading the conversation: what is checked here is documented; the rest goes through untouched.

AceData's reference and llmprovider.ai's describe messages by role and content; tool calls and parts follow the
OpenAI format that both name.
"""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from mcp_grok.errors import InvalidRequest
from mcp_grok.upstream.image_files import names_file
from mcp_grok.upstream.parameters import Schema, from_json_text, invalid

ROLES = ("system", "user", "assistant", "tool", "developer")
EXAMPLE = '[{"role": "user", "content": "Hello"}]'

DATA_IMAGE = re.compile(r"data:image/[\w.+-]+(;[\w.+-]+=[\w.+-]+)*;base64,", re.IGNORECASE)
IMAGE_RULE = "must be an https URL, a data:image/…;base64,… URI, or the whole path of a file"

FOREIGN_PARTS = {
    "image": '{"type": "image_url", "image_url": {"url": "…"}}',
    "input_image": '{"type": "image_url", "image_url": {"url": "…"}}',
    "input_text": '{"type": "text", "text": "…"}',
    "output_text": '{"type": "text", "text": "…"}',
}
"""Parts of other APIs' formats, and what to send instead: passed on they would be refused or, worse, ignored."""

MESSAGE_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "role": {"type": "string", "enum": list(ROLES)},
        "content": {
            "description": "A string, or a list of text and image_url parts",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "enum": ["text", "image_url"]},
                    "text": {"type": "string"},
                    "image_url": {
                        "type": "object",
                        "properties": {
                            "url": {"type": "string", "description": "https URL, data:image/…;base64,… or file path"},
                            "detail": {"type": "string", "enum": ["auto", "low", "high"]},
                        },
                        "required": ["url"],
                    },
                },
                "required": ["type"],
            },
        },
        "name": {"type": "string"},
        "tool_calls": {
            "type": "array",
            "items": {"type": "object"},
            "description": "role assistant: the calls it made, as returned",
        },
        "tool_call_id": {"type": "string", "description": "role tool: the call this answers"},
    },
    "required": ["role"],
}


def read_message(name: str, value: Any) -> dict[str, Any]:
    """One message, checked; what is not known inside it goes through untouched.

    Raises:
        InvalidRequest: `param` names the place, like `messages[0].content[1].image_url.url`.
    """
    message = from_json_text(value, dict)
    if not isinstance(message, dict):
        raise invalid(name, f"must be an object like {EXAMPLE[1:-1]}", value)
    role = message.get("role")
    if role not in ROLES:
        raise invalid(f"{name}.role", f"must be one of {', '.join(ROLES)}", role)
    message = {key: field for key, field in message.items() if key == "content" or field is not None}
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise InvalidRequest(
            f"{name} has the role tool and must carry the tool_call_id of the call it answers.",
            param=f"{name}.tool_call_id",
        )
    if "tool_calls" in message:
        message["tool_calls"] = _read_tool_calls(f"{name}.tool_calls", message["tool_calls"])
    return _with_content(name, role, message)


def _with_content(name: str, role: str, message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if content is None:
        if role == "assistant" and message.keys() - {"role", "name", "content"}:
            return message
        hint = ", or tool_calls" if role == "assistant" else ""
        raise InvalidRequest(
            f"{name}.content is missing; give a string or a list of parts{hint}.", param=f"{name}.content"
        )
    if isinstance(content, str):
        return message
    if not isinstance(content, list):
        raise invalid(f"{name}.content", "must be a string or a list of text and image_url parts", content)
    if not content:
        raise InvalidRequest(f"{name}.content must not be an empty list.", param=f"{name}.content")
    parts = [_read_part(f"{name}.content[{position}]", part) for position, part in enumerate(content)]
    return {**message, "content": parts}


def _read_part(name: str, part: Any) -> dict[str, Any]:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise invalid(name, 'must be a part like {"type": "text", "text": "…"}', part)
    kind = part["type"]
    if kind in FOREIGN_PARTS:
        raise InvalidRequest(
            f"{name}: parts of type {kind} belong to another API; send {FOREIGN_PARTS[kind]}.",
            param=f"{name}.type",
        )
    if kind == "text" and not isinstance(part.get("text"), str):
        raise invalid(f"{name}.text", "must be a string", part.get("text"))
    if kind == "image_url":
        return {**part, "image_url": _read_image(f"{name}.image_url", part.get("image_url"))}
    return part


def _read_image(name: str, value: Any) -> dict[str, Any]:
    image = {"url": value} if isinstance(value, str) else value
    if not isinstance(image, dict) or not isinstance(image.get("url"), str):
        raise invalid(name, 'must be an object like {"url": "https://…"}', value)
    _check_image_url(f"{name}.url", image["url"])
    return image


def _check_image_url(name: str, url: str) -> None:
    if names_file(url):
        return
    if DATA_IMAGE.match(url):
        if url.endswith(","):
            raise InvalidRequest(f"{name} is a data URI without data.", param=name)
        return
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading it checks its range
    except ValueError:
        raise invalid(name, IMAGE_RULE, url) from None
    if parts.username is not None or parts.password is not None:
        raise InvalidRequest(f"{name} must not hold a user name or password.", param=name)
    if parts.scheme != "https" or not parts.hostname or not url.isprintable() or " " in url:
        raise invalid(name, IMAGE_RULE, url)


def _read_tool_calls(name: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise invalid(name, "must be a list of the calls as they were returned", value)
    return [_read_tool_call(f"{name}[{position}]", call) for position, call in enumerate(value)]


def _read_tool_call(name: str, call: Any) -> dict[str, Any]:
    if not isinstance(call, dict) or not isinstance(call.get("id"), str):
        raise invalid(name, "must be an object with the id, type and function that were returned", call)
    function = call.get("function")
    if not isinstance(function, dict):
        if call.get("type", "function") == "function":
            raise invalid(f"{name}.function", "must be an object with name and arguments", function)
        return call
    if isinstance(function.get("arguments"), dict):
        # The format wants JSON text here; a model that sends its own call back tends to send the object.
        try:
            text = json.dumps(function["arguments"], ensure_ascii=False, allow_nan=False)
        except (ValueError, RecursionError):
            rule = "must be JSON text, or an object without NaN, Infinity and deep nesting"
            raise invalid(f"{name}.function.arguments", rule, function["arguments"]) from None
        return {**call, "function": {**function, "arguments": text}}
    return call
