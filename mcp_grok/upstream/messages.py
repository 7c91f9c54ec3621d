"""The conversation: `messages` and the rules for their content.

Only documented fields are checked; others are sent unchanged. The references of AceData and llmprovider.ai describe
the role and content of messages; tool calls and parts follow the OpenAI format, to which both refer.
"""

import json
from typing import Any
from urllib.parse import urlsplit

from mcp_grok.errors import InvalidRequest
from mcp_grok.upstream.data_uris import is_data_uri
from mcp_grok.upstream.image_files import names_file
from mcp_grok.upstream.schema_check import (
    Schema,
    expected,
    from_json_text,
    invalid,
    is_empty,
    is_given,
    read_list,
    read_value,
    without_empty,
)

ROLES = ("system", "user", "assistant", "tool", "developer")
EXAMPLE = {"role": "user", "content": "Hello"}

OPTIONAL_FIELDS = ("name", "tool_call_id", "refusal", "audio", "function_call")
"""Fields of a message that mean nothing when they are empty; some APIs refuse them then."""

IMAGE_ADDRESS = "an https URL, a data:image/…;base64,… URI, or the absolute path of a file"

FOREIGN_PARTS = {
    "image": '{"type": "image_url", "image_url": {"url": "…"}}',
    "input_image": '{"type": "image_url", "image_url": {"url": "…"}}',
    "input_text": '{"type": "text", "text": "…"}',
    "output_text": '{"type": "text", "text": "…"}',
    "tool_use": "tool_calls beside the content",
    "tool_result": "a message with the role tool",
}
"""Parts of other APIs' formats, and their replacements. The API would refuse them or, worse, ignore them."""

IMAGE_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "url": {"type": "string", "description": "https URL, data:image/…;base64,… or file path"},
        "detail": {"type": "string", "enum": ["auto", "low", "high"], "description": "resolution that the model sees"},
    },
    "required": ["url"],
    "examples": [{"url": "https://example.com/cat.png"}],
}
PART_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": ["text", "image_url"], "description": "which of these it has"},
        "text": {"type": "string", "description": "a text of the message"},
        "image_url": {**IMAGE_SCHEMA, "description": "an image of the message"},
    },
    "required": ["type"],
}
CALLS_SCHEMA: Schema = {
    "type": "array",
    "items": {"type": "object"},
    "description": "role assistant: the calls it made, as returned",
}
MESSAGE_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "role": {"type": "string", "enum": list(ROLES), "description": "who says it"},
        # A union, but clients fail on a property without a type.
        "content": {"anyOf": [{"type": "string"}, {"type": "array", "items": PART_SCHEMA}]},
        "name": {"type": "string", "description": "tells speakers of one role apart"},
        "tool_calls": CALLS_SCHEMA,
        "tool_call_id": {"type": "string", "description": "role tool: the call this answers"},
    },
    "required": ["role"],
    "examples": [EXAMPLE],
}
MESSAGES_SCHEMA: Schema = {"type": "array", "items": MESSAGE_SCHEMA, "minItems": 1, "examples": [[EXAMPLE]]}


def read_messages(path: str, value: Any) -> list[dict[str, Any]]:
    """The checked messages.

    Raises:
        InvalidRequest: a message is wrong; `param` is a path like `messages[0].content[1].image_url.url`.
    """
    return read_list(path, value, MESSAGES_SCHEMA, _read_message)


def _read_message(path: str, value: Any) -> dict[str, Any]:
    message = from_json_text(value, dict)
    if not isinstance(message, dict):
        raise invalid(path, expected(MESSAGE_SCHEMA), value)
    role = message.get("role")
    if role not in ROLES:
        raise invalid(f"{path}.role", f"one of {', '.join(ROLES)}", role)
    message = {key: field for key, field in message.items() if key == "content" or field is not None}
    message = without_empty(message, OPTIONAL_FIELDS)
    if not is_given(message.get("tool_calls"), CALLS_SCHEMA):
        message.pop("tool_calls", None)
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise InvalidRequest(
            f"{path} has the role tool and must have the tool_call_id of the call that it answers.",
            param=f"{path}.tool_call_id",
        )
    if "tool_calls" in message:
        message["tool_calls"] = read_list(f"{path}.tool_calls", message["tool_calls"], CALLS_SCHEMA, _read_tool_call)
    _read_content_of(path, message)
    return message


def _read_content_of(path: str, message: dict[str, Any]) -> None:
    role, content = message["role"], message.get("content")
    if role == "tool" and is_empty(content):
        # The function returned nothing.
        message["content"] = ""
    elif content == [] and "tool_calls" in message:
        message["content"] = None
    elif content is not None:
        message["content"] = _read_content(f"{path}.content", content)
    elif role != "assistant" or message.keys() <= {"role", "name", "content"}:
        instead = ", or tool_calls" if role == "assistant" else ""
        raise InvalidRequest(
            f"{path}.content is missing; give a string or a list of parts{instead}.", param=f"{path}.content"
        )


def _read_content(path: str, content: Any) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise invalid(path, "a string or a list of text and image_url parts", content)
    if not content:
        raise InvalidRequest(f"{path} must not be an empty list.", param=path)
    return [_read_part(f"{path}[{index}]", part) for index, part in enumerate(content)]


def _read_part(path: str, value: Any) -> dict[str, Any]:
    part = from_json_text(value, dict)
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise invalid(path, 'a part like {"type": "text", "text": "…"}', value)
    part_type = part["type"]
    if part_type in FOREIGN_PARTS:
        raise InvalidRequest(
            f"{path}: parts of type {part_type} belong to another API; send {FOREIGN_PARTS[part_type]}.",
            param=f"{path}.type",
        )
    if part_type == "text":
        read_value(f"{path}.text", part.get("text"), {"type": "string"})
        return without_empty(part, ("image_url",))
    if part_type == "image_url":
        image = _read_image(f"{path}.image_url", part.get("image_url"))
        return {**without_empty(part, ("text",)), "image_url": image}
    return part


def _read_image(path: str, value: Any) -> dict[str, Any]:
    value = from_json_text(value, dict)
    image: dict[str, Any] = {"url": value} if isinstance(value, str) else read_value(path, value, IMAGE_SCHEMA)
    _check_image_url(f"{path}.url", image["url"])
    return without_empty(image, ("detail",))


def _check_image_url(path: str, url: str) -> None:
    if names_file(url) or is_data_uri(url):
        return
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading it checks its range
    except ValueError:
        raise invalid(path, IMAGE_ADDRESS, url) from None
    if parts.username is not None or parts.password is not None:
        raise InvalidRequest(f"{path} must not contain a user name or password.", param=path)
    if parts.scheme != "https" or not parts.hostname or not url.isprintable() or " " in url:
        raise invalid(path, IMAGE_ADDRESS, url)


def _read_tool_call(path: str, call: Any) -> dict[str, Any]:
    if not isinstance(call, dict) or not isinstance(call.get("id"), str):
        raise invalid(path, "an object with the id, type and function that were returned", call)
    function = call.get("function")
    if isinstance(function, dict):
        text = _arguments_text(f"{path}.function.arguments", function.get("arguments"))
        return {**call, "function": {**function, "arguments": text}}
    if call.get("type", "function") == "function":
        raise invalid(f"{path}.function", "an object with name and arguments", function)
    return call


def _arguments_text(path: str, arguments: Any) -> Any:
    """The arguments of a call as the JSON text that the format requires; clients often send back an object.

    A call without arguments often comes as empty text, which no API can parse when it is sent back
    (https://github.com/vllm-project/vllm/issues/19419).
    """
    if arguments is None or (isinstance(arguments, str) and not arguments.strip()):
        return "{}"
    if not isinstance(arguments, dict):
        return arguments
    try:
        return json.dumps(arguments, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        raise invalid(path, "JSON text, or an object without NaN, Infinity and deep nesting", arguments) from None
