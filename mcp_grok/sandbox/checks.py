"""The documented rules for a request (the guide and references of AceData and llmprovider.ai)."""

from typing import Any

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
ROLES = ("system", "user", "assistant", "tool", "developer")
MODEL_NAMES = ("grok", "sandbox")


def problem(body: Any) -> str | None:
    """What is wrong with a request's body; None when nothing is."""
    if not isinstance(body, dict):
        return "the body is not a JSON object"
    model = body.get("model")
    if not isinstance(model, str) or not model.startswith(MODEL_NAMES):
        return f"model {model!r} does not exist"
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
    if not isinstance(content, str) and not (message["role"] == "assistant" and message.get("tool_calls")):
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
        if value < least or (most is not None and value > most):
            return f"{name} must be from {least} to {most}" if most is not None else f"{name} must be {least} or more"
    return None


def _list_problem(body: dict[str, Any]) -> str | None:
    stop, tools = body.get("stop"), body.get("tools")
    if isinstance(stop, list) and len(stop) > 4:
        return "stop must have at most 4 sequences"
    if isinstance(tools, list) and len(tools) > 128:
        return "tools must have at most 128 entries"
    if body.get("stream_options") is not None and not body.get("stream"):
        return "stream_options needs stream: true"
    return None
