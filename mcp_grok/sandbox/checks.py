"""The documented rules for a request (the guide and references of AceData and llmprovider.ai)."""

from typing import Any

from mcp_grok.sandbox.faults import FAULTS, MODEL_PREFIX, asked_fault

NUMBERS = {
    "n": (1, 128),
    "max_tokens": (1, None),
    "max_completion_tokens": (1, None),
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "top_logprobs": (0, 20),
}
WHOLE_NUMBERS = ("n", "max_tokens", "max_completion_tokens", "top_logprobs")
ROLES = ("system", "user", "assistant", "tool", "developer")


def problem(body: Any) -> str | None:
    """What is wrong with a request's body; None when nothing is."""
    if not isinstance(body, dict):
        return "the body is not a JSON object"
    model = body.get("model")
    if not isinstance(model, str) or not (model.startswith("grok") or asked_fault(model, None)):
        return f"model {model!r} does not exist; the sandbox plays grok…, and {MODEL_PREFIX} with {', '.join(FAULTS)}"
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages must be a list with at least one message"
    return next(filter(None, map(_message_problem, messages)), None) or _number_problem(body) or _list_problem(body)


def _message_problem(message: Any) -> str | None:
    if not isinstance(message, dict) or message.get("role") not in ROLES:
        return f"a message's role must be one of {', '.join(ROLES)}"
    if message["role"] == "tool" and not isinstance(message.get("tool_call_id"), str):
        return "a tool message must carry tool_call_id"
    content = message.get("content")
    if isinstance(content, list):
        return next(filter(None, map(_part_problem, content)), None)
    silent = content is None and message["role"] == "assistant" and message.get("tool_calls")
    if not isinstance(content, str) and not silent:
        return "a message's content must be a string or a list of parts"
    return None


def _part_problem(part: Any) -> str | None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        return None
    if kind == "image_url" and isinstance(part.get("image_url"), dict):
        url = part["image_url"].get("url")
        if isinstance(url, str) and url.startswith(("https://", "data:image/")):
            return None
        return "an image's url must be https or a data:image URI"
    return "a part must be text or image_url"


def _number_problem(body: dict[str, Any]) -> str | None:
    for name, (least, most) in NUMBERS.items():
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{name} must be a number"
        if name in WHOLE_NUMBERS and not isinstance(value, int):
            return f"{name} must be a whole number"
        if not value >= least or (most is not None and value > most):
            return f"{name} must be from {least} to {most}" if most is not None else f"{name} must be {least} or more"
    return None


def _list_problem(body: dict[str, Any]) -> str | None:
    stop, response_format = body.get("stop"), body.get("response_format")
    sequences = [stop] if isinstance(stop, str) else stop
    if sequences is not None and not (_is_list(sequences, str) and len(sequences) <= 4):
        return "stop must be a string or a list of at most 4"
    if body.get("stream_options") is not None and not body.get("stream"):
        return "stream_options needs stream: true"
    if response_format is not None:
        schema = response_format.get("json_schema", {}) if isinstance(response_format, dict) else None
        if not isinstance(schema, dict) or not isinstance(schema.get("schema", {}), dict):
            return "response_format must be an object, and its json_schema too"
    return _tools_problem(body.get("tools"), body.get("tool_choice"))


def _tools_problem(tools: Any, choice: Any) -> str | None:
    if tools is not None and not (_is_list(tools, dict) and len(tools) <= 128):
        return "tools must be a list of at most 128 objects"
    functions = [tool.get("function") for tool in tools or [] if tool.get("type") == "function"]
    if not all(isinstance(function, dict) and isinstance(function.get("name"), str) for function in functions):
        return "a function must have a name"
    if choice in (None, "none", "auto", "required"):
        return None
    function = choice.get("function") if isinstance(choice, dict) else None
    if not isinstance(function, dict) or function.get("name") not in [function["name"] for function in functions]:
        return "tool_choice must be none, auto, required or name a function of tools"
    return None


def _is_list(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)
