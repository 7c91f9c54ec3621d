"""The documented rules for a request that all dialects share (the references of AceData, llmprovider.ai and OpenAI)."""

from typing import Any

from mcp_grok.sandbox.faults import FAULTS, MODEL_PREFIX, asked_fault
from mcp_grok.sandbox.refusals import Refusal, bad_request

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


def refusal(body: Any) -> Refusal | None:
    """What is wrong with a request's body; None when nothing is."""
    if not isinstance(body, dict):
        return bad_request("the body is not a JSON object")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        return bad_request("model must be a string", "model")
    if model.startswith(MODEL_PREFIX) and not asked_fault(model, None):
        return bad_request(f"model {model!r} does not exist; behind {MODEL_PREFIX} stands {', '.join(FAULTS)}", "model")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return bad_request("messages must be a list with at least one message", "messages")
    for message in messages:
        if trouble := _message_problem(message):
            return bad_request(trouble, "messages")
    for name in NUMBERS:
        if trouble := _number_problem(name, body.get(name)):
            return bad_request(trouble, name)
    return _list_refusal(body) or _tools_refusal(body.get("tools"), body.get("tool_choice"))


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


def _number_problem(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{name} must be a number"
    if name in WHOLE_NUMBERS and not isinstance(value, int):
        return f"{name} must be a whole number"
    least, most = NUMBERS[name]
    if not value >= least or (most is not None and value > most):
        return f"{name} must be from {least} to {most}" if most is not None else f"{name} must be {least} or more"
    return None


def _list_refusal(body: dict[str, Any]) -> Refusal | None:
    stop, options, response_format = body.get("stop"), body.get("stream_options"), body.get("response_format")
    sequences = [stop] if isinstance(stop, str) else stop
    if sequences is not None and not (_is_list(sequences, str) and len(sequences) <= 4):
        return bad_request("stop must be a string or a list of at most 4", "stop")
    if options is not None and not (isinstance(options, dict) and body.get("stream")):
        return bad_request("stream_options must be an object, and needs stream: true", "stream_options")
    if response_format is not None:
        schema = response_format.get("json_schema", {}) if isinstance(response_format, dict) else None
        if not isinstance(schema, dict) or not isinstance(schema.get("schema", {}), dict):
            return bad_request("response_format must be an object, and its json_schema too", "response_format")
    return None


def _tools_refusal(tools: Any, choice: Any) -> Refusal | None:
    if tools is not None and not (_is_list(tools, dict) and len(tools) <= 128):
        return bad_request("tools must be a list of at most 128 objects", "tools")
    functions = [tool.get("function") for tool in tools or [] if tool.get("type") == "function"]
    if not all(isinstance(function, dict) and isinstance(function.get("name"), str) for function in functions):
        return bad_request("a function must have a name", "tools")
    if not all(isinstance(function.get("parameters") or {}, dict) for function in functions):
        return bad_request("a function's parameters must be an object", "tools")
    if choice in (None, "none", "auto", "required"):
        return None
    function = choice.get("function") if isinstance(choice, dict) else None
    if not isinstance(function, dict) or function.get("name") not in [function["name"] for function in functions]:
        return bad_request("tool_choice must be none, auto, required or name a function of tools", "tool_choice")
    return None


def _is_list(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)
