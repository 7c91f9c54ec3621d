"""The messages of a chat as the input items of the Responses API."""

from mcp_grok.errors import InvalidRequest
from mcp_grok.json_parser import JSONObject
from mcp_grok.upstream.content_text import content_text

NOT_THERE = "the Responses API, which runs server-side tools, has no such field"

TRANSLATED = {
    "assistant": frozenset(("role", "content", "tool_calls", "refusal")),
    "tool": frozenset(("role", "content", "tool_call_id")),
}
"""The fields of a message that have a counterpart, by role."""

OTHERS = frozenset(("role", "content"))


def input_items(messages: list[JSONObject], dropped: dict[str, str]) -> list[JSONObject]:
    """The input items for checked messages.

    Args:
        messages: The conversation.
        dropped: Gets the reason for each field that is not sent.

    Raises:
        InvalidRequest: a part of a message, or a tool call, has no counterpart. Without it, the model would answer
            something else.
    """
    items: list[JSONObject] = []
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        known = TRANSLATED.get(message["role"], OTHERS)
        dropped.update({f"{path}.{name}": NOT_THERE for name in message if name not in known})
        items += _items(path, message)
    return items


def _items(path: str, message: JSONObject) -> list[JSONObject]:
    role, content = message["role"], message.get("content")
    if role == "tool":
        output = content_text(content)
        return [{"type": "function_call_output", "call_id": message["tool_call_id"], "output": output}]
    if role == "assistant":
        # The documented form of earlier answers is a text.
        text = content_text(content) or message.get("refusal") or ""
        calls = enumerate(message.get("tool_calls", []))
        said = [{"role": role, "content": text}] if text else []
        return said + [_function_call(f"{path}.tool_calls[{index}]", call) for index, call in calls]
    if isinstance(content, list):
        content = [_part(f"{path}.content[{index}]", part) for index, part in enumerate(content)]
    return [{"role": role, "content": content}]


def _function_call(path: str, call: JSONObject) -> JSONObject:
    function = call.get("function")
    if not isinstance(function, dict):
        raise _no_counterpart(path, f"a tool call of the type {call.get('type')}")
    return {
        "type": "function_call",
        "call_id": call["id"],
        "name": function.get("name"),
        "arguments": function.get("arguments"),
    }


def _part(path: str, part: JSONObject) -> JSONObject:
    kind = part["type"]
    if kind == "text":
        return {"type": "input_text", "text": part["text"]}
    if kind == "image_url":
        rest = {name: value for name, value in part["image_url"].items() if name != "url"}
        return {**rest, "type": "input_image", "image_url": part["image_url"]["url"]}
    if kind == "file" and isinstance(part.get("file"), dict):
        return {**part["file"], "type": "input_file"}
    if kind == "input_file":
        return part
    raise _no_counterpart(path, f"a part of the type {kind}")


def _no_counterpart(path: str, what: str) -> InvalidRequest:
    return InvalidRequest(
        f"{path}: {what} cannot be sent together with server-side tools; leave it out, or the tools.", param=path
    )
