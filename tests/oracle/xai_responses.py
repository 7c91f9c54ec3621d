"""The rules of xAI's Responses API (https://docs.x.ai/docs/api-reference#create-new-response)."""

import re
from collections.abc import Iterator
from typing import Any

from mcp_grok.sandbox.api_errors import ApiError
from tests.oracle.shared_rules import ROLES, is_json, is_list
from tests.oracle.violation import violation
from tests.oracle.xai import IMAGE_TYPES, MAX_TOP_LOGPROBS, MODELS

PARAMETERS = {
    *("model", "input", "instructions", "previous_response_id", "store", "include", "max_output_tokens", "max_turns"),
    *("parallel_tool_calls", "prompt_cache_key", "reasoning", "service_tier", "stream", "temperature", "top_p"),
    *("logprobs", "top_logprobs", "text", "tool_choice", "tools", "user"),
}
"""All others are refused, also those of chat completions: messages, n, stop, seed, penalties."""

FIELDS = {
    "web_search": {"allowed_domains", "excluded_domains", "enable_image_understanding"},
    "x_search": {
        *("allowed_x_handles", "excluded_x_handles", "from_date", "to_date"),
        *("enable_image_understanding", "enable_video_understanding"),
    },
    "code_interpreter": set(),
    "file_search": {"vector_store_ids", "max_num_results"},
    "mcp": {"server_url", "server_label", "allowed_tools", "authorization", "headers"},
    "function": {"name", "description", "parameters", "strict"},
}
"""The fields of each tool (https://docs.x.ai/docs/guides/tools/overview)."""

LISTS = {
    "allowed_domains": (5, r"[\w-]+(\.[\w-]+)+"),
    "excluded_domains": (5, r"[\w-]+(\.[\w-]+)+"),
    "allowed_x_handles": (10, r"\w{1,15}"),
    "excluded_x_handles": (10, r"\w{1,15}"),
    "vector_store_ids": (10, r".+"),
}
"""How many items each list has at most, and what they look like: handles are without `@`, domains without a path."""

DAY = re.compile(r"\d{4}-\d\d-\d\d")


def violations(body: Any) -> Iterator[ApiError]:
    """What breaks a rule in a request's body. Each step presumes that the ones before found nothing."""
    if not isinstance(body, dict) or body.get("model") not in MODELS:
        yield violation("model", "does not exist")
        return
    for name in body.keys() - PARAMETERS:
        yield violation(name, "is not a parameter")
    items = body.get("input")
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    if not is_list(items, dict) or not items:
        yield violation("input", "must be a text or a list with at least one item")
        return
    for item in items:
        yield from _item_violations(item)
    yield from _parameter_violations(body)
    yield from _tool_violations(body.get("tools"), body.get("tool_choice"))


def _item_violations(item: dict[str, Any]) -> Iterator[ApiError]:
    kind = item.get("type", "message")
    if kind == "message":
        yield from _message_violations(item)
    elif kind == "function_call" and not (_is_text(item, "call_id", "name") and is_json(item.get("arguments"))):
        yield violation("input", "must have function calls with call_id, name and arguments as JSON text")
    elif kind == "function_call_output" and not _is_text(item, "call_id", "output"):
        yield violation("input", "must have outputs with call_id and output")


def _message_violations(item: dict[str, Any]) -> Iterator[ApiError]:
    if item.get("role") not in ROLES or item["role"] == "tool" or item.keys() - {"type", "role", "content"}:
        yield violation("input", "must have messages with role and content alone")
    content = item.get("content")
    if isinstance(content, str):
        return
    if not is_list(content, dict) or not content or item["role"] == "assistant":
        yield violation("input", "must have a content that is a text, or for others than assistants a list of parts")
        return
    for part in content:
        if part.get("type") == "input_text" and _is_text(part, "text"):
            continue
        if part.get("type") != "input_image" or not _is_image(part.get("image_url")):
            yield violation("input", "must have parts of the type input_text or input_image")


def _is_image(url: Any) -> bool:
    data = [f"data:{kind};base64," for kind in IMAGE_TYPES]
    return isinstance(url, str) and url.startswith(("https://", *data))


def _parameter_violations(body: dict[str, Any]) -> Iterator[ApiError]:
    if "instructions" in body and "previous_response_id" in body:
        yield violation("instructions", "cannot be used with previous_response_id")
    for name, least, most in (
        ("max_output_tokens", 1, None),
        ("max_turns", 1, None),
        ("top_logprobs", 0, MAX_TOP_LOGPROBS),
    ):
        value = body.get(name, least)
        if not isinstance(value, int) or value < least or value > (most or value):
            yield violation(name, f"must be a whole number from {least}")
    for name, most in (("temperature", 2), ("top_p", 1)):
        if not 0 <= body.get(name, 0) <= most:
            yield violation(name, f"must be from 0 to {most}")
    efforts = MODELS[body["model"]].efforts
    if "reasoning" in body and body["reasoning"].get("effort") not in efforts:
        yield violation("reasoning", f"of {body['model']} must be one of {', '.join(efforts)}")
    form = body.get("text", {}).get("format", {"type": "text"})
    wanted = {"name": str, "schema": dict} if form.get("type") == "json_schema" else {}
    known = form.get("type") in ("text", "json_object", "json_schema")
    if not known or any(not isinstance(form.get(name), kind) for name, kind in wanted.items()):
        yield violation("text", "must have a documented format, flat")


def _tool_violations(tools: Any, choice: Any) -> Iterator[ApiError]:
    if tools is not None and not (is_list(tools, dict) and 1 <= len(tools) <= 128):
        yield violation("tools", "must be a list of 1 to 128 objects")
        return
    for tool in tools or []:
        yield from _one_tool_violations(tool)
    names = [tool.get("name") for tool in tools or [] if tool.get("type") == "function"]
    chosen = choice.get("name") if isinstance(choice, dict) and choice.get("type") == "function" else None
    if choice not in (None, "none", "auto", "required") and chosen not in names:
        yield violation("tool_choice", "must be none, auto, required or name a function of tools")


def _one_tool_violations(tool: dict[str, Any]) -> Iterator[ApiError]:
    kind = tool.get("type", "")
    if kind not in FIELDS or tool.keys() - FIELDS[kind] - {"type"}:
        yield violation("tools", "must have documented types and fields")
    if kind == "function" and not _is_text(tool, "name"):
        yield violation("tools", "must have functions with a name")
    for subject in ("domains", "x_handles"):
        if {f"allowed_{subject}", f"excluded_{subject}"} <= tool.keys():
            yield violation("tools", f"cannot have allowed and excluded {subject}")
    for name, (most, form) in LISTS.items():
        values = tool.get(name, [])
        if not is_list(values, str) or len(values) > most or not all(re.fullmatch(form, value) for value in values):
            yield violation("tools", f"must have at most {most} {name}")
    for name in ("from_date", "to_date"):
        if name in tool and not DAY.fullmatch(tool[name]):
            yield violation("tools", f"must have a {name} like 2026-11-30")


def _is_text(value: dict[str, Any], *names: str) -> bool:
    return all(isinstance(value.get(name), str) for name in names)
