"""The documented rules that all providers share (the references of AceData, llmprovider.ai and OpenAI)."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from mcp_grok.sandbox.api_errors import ApiError
from tests.oracle.violation import violation

NUMBERS: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
}
WHOLE_NUMBERS: dict[str, tuple[float, float]] = {
    "n": (1, 128),
    "max_tokens": (1, float("inf")),
    "max_completion_tokens": (1, float("inf")),
    "top_logprobs": (0, 20),
}
DATA_URI = re.compile(r"data:image/(png|jpeg|webp|gif);base64,")
"""Any other spelling is refused by some API (https://github.com/cline/cline/pull/5278)."""

ROLES = ("system", "user", "assistant", "tool", "developer")


def violations(body: Any) -> Iterator[ApiError]:
    """What breaks a rule in a request's body. Each step presumes that the ones before found nothing."""
    if not isinstance(body, dict):
        yield violation("body", "must be a JSON object")
    elif not isinstance(body.get("model"), str) or not body["model"]:
        yield violation("model", "must be a string")
    elif not is_list(body.get("messages"), dict) or not body["messages"]:
        yield violation("messages", "must be a list with at least one object")
    else:
        for message in body["messages"]:
            yield from _message_violations(message)
        yield from _number_violations(body)
        yield from _form_violations(body)
        yield from _tool_violations(body.get("tools"))
        yield from _tool_choice_violations(body)


def _message_violations(message: dict[str, Any]) -> Iterator[ApiError]:
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        yield violation("messages", f"must have roles of {', '.join(ROLES)}")
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        yield violation("messages", "of the role tool must have a tool_call_id")
    for call in message.get("tool_calls") or []:
        yield from _call_violations(call)
    if content is None and role == "assistant" and message.get("tool_calls"):
        return
    if isinstance(content, list):
        for part in content:
            yield from _part_violations(part)
    elif not isinstance(content, str):
        yield violation("messages", "must have a content that is a string or a list of parts")


def _call_violations(call: Any) -> Iterator[ApiError]:
    function = call.get("function") if isinstance(call, dict) else None
    if isinstance(function, dict) and not is_json(function.get("arguments")):
        # https://github.com/vllm-project/vllm/issues/19419
        yield violation("messages", "must have tool_calls whose arguments are JSON text")


def is_json(text: Any) -> bool:
    """Whether it is a JSON text."""
    try:
        json.loads(text)
    except (TypeError, ValueError):
        return False
    return True


def _part_violations(part: Any) -> Iterator[ApiError]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "image_url":
        image = part.get("image_url")
        url = image.get("url") if isinstance(image, dict) else None
        if not isinstance(url, str) or not (url.startswith("https://") or _is_image_in_base64(url)):
            yield violation("messages", "must have images whose url is https or a data:image URI")
    elif kind != "text" or not isinstance(part.get("text"), str):
        yield violation("messages", "must have parts of the type text or image_url")


def _is_image_in_base64(url: str) -> bool:
    start = DATA_URI.match(url)
    try:
        return start is not None and bool(base64.b64decode(url[start.end() :], validate=True))
    except ValueError:
        return False


def _number_violations(body: dict[str, Any]) -> Iterator[ApiError]:
    for name, (least, most) in {**NUMBERS, **WHOLE_NUMBERS}.items():
        value = body.get(name)
        kind = "whole number" if name in WHOLE_NUMBERS else "number"
        types = int if name in WHOLE_NUMBERS else (int, float)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, types) or not least <= value <= most:
            yield violation(name, f"must be a {kind} from {least} to {most}")


def _form_violations(body: dict[str, Any]) -> Iterator[ApiError]:
    stop, options, response_format = body.get("stop"), body.get("stream_options"), body.get("response_format")
    sequences = [stop] if isinstance(stop, str) else stop
    if sequences is not None and not (is_list(sequences, str) and len(sequences) <= 4):
        yield violation("stop", "must be a string or a list of at most 4")
    if options is not None and not (isinstance(options, dict) and body.get("stream")):
        yield violation("stream_options", "must be an object, and needs stream: true")
    if response_format is not None:
        schema = response_format.get("json_schema", {}) if isinstance(response_format, dict) else None
        if not isinstance(schema, dict) or not isinstance(schema.get("schema", {}), dict):
            yield violation("response_format", "must be an object, and its json_schema too")


def _tool_violations(tools: Any) -> Iterator[ApiError]:
    if tools is None:
        return
    if not is_list(tools, dict) or not 1 <= len(tools) <= 128:
        yield violation("tools", "must be a list of 1 to 128 objects")
        return
    for function in _functions(tools):
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            yield violation("tools", "must have functions with a name")
        elif not isinstance(function.get("parameters") or {}, dict):
            yield violation("tools", "must have functions whose parameters are an object")


def _tool_choice_violations(body: dict[str, Any]) -> Iterator[ApiError]:
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not body.get("tools"):
        # https://github.com/vllm-project/vllm/pull/39780
        yield violation("tool_choice", "is only allowed when tools are specified")
    if choice in ("none", "auto", "required"):
        return
    function = choice.get("function") if isinstance(choice, dict) else None
    names = [function["name"] for function in _functions(body.get("tools") or [])]
    if not isinstance(function, dict) or function.get("name") not in names:
        yield violation("tool_choice", "must be none, auto, required or name a function of tools")


def _functions(tools: list[dict[str, Any]]) -> list[Any]:
    return [tool.get("function") for tool in tools if tool.get("type") == "function"]


def is_list(value: Any, kind: type) -> bool:
    """Whether it is a list of values of one type."""
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)
