"""The oracle's rules for xAI's Responses API: what it forbids, and what it lets pass."""

import json
from typing import Any

import pytest

from tests.oracle.checked_sandbox import first_response_violation

FUNCTION = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
HELLO = {"role": "user", "content": "Hello"}


def violated(changes: dict[str, Any]) -> str | None:
    """The parameter that breaks a rule in a simple request with these changes."""
    error = first_response_violation({"model": "grok-4.7", "input": [HELLO], **changes})
    return error.param if error else None


def parts(*given: dict[str, Any], role: str = "user") -> dict[str, Any]:
    """A message of parts."""
    return {"input": [{"role": role, "content": list(given)}]}


FORBIDDEN: list[dict[str, Any]] = [
    {"model": "grok-beta"},
    *[{name: 1} for name in ("messages", "n", "stop", "seed", "max_tokens", "presence_penalty", "response_format")],
    *[{"input": value} for value in (None, [], 5, ["Hello"])],
    *[{"input": [{"role": role, "content": "Hello"}]} for role in ("tool", "robot")],
    {"input": [{**HELLO, "name": "Ann"}]},
    {"input": [{"role": "user", "content": None}]},
    parts(),
    parts({"type": "text", "text": "Hello"}),
    parts({"type": "input_text", "text": "Hello"}, role="assistant"),
    parts({"type": "input_image", "image_url": {"url": "https://a/b.png"}}),
    parts({"type": "input_image", "image_url": "data:image/gif;base64,AAAA"}),
    {"input": [{"type": "function_call", "call_id": "1", "name": "f", "arguments": ""}]},
    {"input": [{"type": "function_call_output", "call_id": "1", "output": None}]},
    {"instructions": "Be brief", "previous_response_id": "1"},
    *[{name: 0} for name in ("max_output_tokens", "max_turns")],
    {"top_logprobs": 9},
    {"temperature": 2.1},
    {"reasoning": {"effort": "none"}},
    *[{"text": {"format": value}} for value in ({"type": "json"}, {"type": "json_schema", "json_schema": {}})],
    *[{"tools": value} for value in ([], [FUNCTION] * 129, 5)],
    {"tools": [{"type": "function", "function": {"name": "get_weather"}}]},
    {"tools": [{"type": "web_search", "allowed_websites": ["a.example"]}]},
    {"tools": [{"type": "web_search", "allowed_domains": ["a.example"], "excluded_domains": ["b.example"]}]},
    {"tools": [{"type": "web_search", "allowed_domains": [f"{name}.example" for name in "abcdef"]}]},
    {"tools": [{"type": "web_search", "allowed_domains": ["https://a.example"]}]},
    {"tools": [{"type": "x_search", "allowed_x_handles": ["@xai"]}]},
    {"tools": [{"type": "x_search", "from_date": "1/11/2026"}]},
    {"tool_choice": {"type": "web_search"}, "tools": [{"type": "web_search"}]},
    {"tool_choice": {"type": "function", "name": "get_time"}, "tools": [FUNCTION]},
]


@pytest.mark.parametrize("changes", FORBIDDEN, ids=lambda changes: json.dumps(changes)[:60])
def test_documented_rule_is_enforced(changes: dict[str, Any]) -> None:
    assert violated(changes) in changes


ALLOWED: list[dict[str, Any]] = [
    {"input": "Hello"},
    parts({"type": "input_text", "text": "Hello"}, {"type": "input_image", "image_url": "https://a/b.png"}),
    {"input": [{"role": "assistant", "content": "Hi"}, {"type": "reasoning", "summary": []}, HELLO]},
    {"input": [{"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"}]},
    {"input": [{"type": "function_call_output", "call_id": "1", "output": ""}]},
    {"tools": [FUNCTION, {"type": "web_search", "excluded_domains": ["a.example"]}], "tool_choice": "required"},
    {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "get_weather"}},
    {"tools": [{"type": "x_search", "from_date": "2026-11-01", "excluded_x_handles": ["xai"]}]},
    {"tools": [{"type": "code_interpreter"}, {"type": "file_search", "vector_store_ids": ["a"]}]},
    {"text": {"format": {"type": "json_schema", "name": "a", "schema": {}, "strict": True}}},
    {"reasoning": {"effort": "xhigh"}, "max_turns": 12, "max_output_tokens": 1, "top_logprobs": 8, "store": False},
    {"model": "sandbox-cut", "n": 2},
]


@pytest.mark.parametrize("changes", ALLOWED, ids=lambda changes: json.dumps(changes)[:60])
def test_documented_request_passes(changes: dict[str, Any]) -> None:
    assert violated(changes) is None
