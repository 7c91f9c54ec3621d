"""The oracle itself: what it forbids, and what it lets pass."""

import json
from typing import Any

import pytest

from mcp_grok.sandbox.apis import APIS
from tests.oracle.checked_sandbox import effective, first_violation
from tests.oracle.xai import MODELS

MODEL = {"acedata": "grok-4", "llmprovider": "grok-beta", "xai": "grok-4.7", "custom": "llama"}
NOT_REASONING = {"model": "grok-4.20-non-reasoning"}
TOOL = {"type": "function", "function": {"name": "get_weather"}}


def violated(provider: str, changes: dict[str, Any]) -> str | None:
    """The parameter that breaks a rule in a simple request with these changes."""
    hello = {"model": MODEL[provider], "messages": [{"role": "user", "content": "Hello"}]}
    error = first_violation(provider, {**hello, **changes})
    return error.param if error else None


def content(value: Any) -> dict[str, Any]:
    """A message with this content."""
    return {"messages": [{"role": "user", "content": value}]}


def image(url: Any, role: str = "user") -> dict[str, Any]:
    """A message with an image."""
    part = {"type": "image_url", "image_url": {"url": url}}
    return {"messages": [{"role": role, "tool_call_id": "call_1", "content": [part]}]}


FORBIDDEN_EVERYWHERE: list[dict[str, Any]] = [
    *[{"model": value} for value in (None, 4, "")],
    *[{"messages": value} for value in (None, [], "Hello", ["Hello"], [{"content": "Hello"}])],
    *[{"messages": [{"role": role, "content": "Hello"}]} for role in ("robot", "tool")],
    {"messages": [{"role": "assistant", "tool_calls": [{"id": "1"}], "content": 5}]},
    *[content(value) for value in (None, 5, ["Hello"], [{"type": "input_text", "text": "Hello"}])],
    content([{"type": "image_url", "image_url": None}]),
    content([{"type": "image_url", "image_url": {}}]),
    *[image(url) for url in ("http://a/b.png", "data:image/jpg;base64,AAAA", "data:image/png;base64,AAA")],
    image("data:image/png;base64,AA\nAA"),
    {"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": ""}}]}]},
    *[{"n": value} for value in (0, 129, 1.5, "2", True)],
    *[{name: value} for name in ("max_tokens", "max_completion_tokens") for value in (0, 1.5)],
    *[{"temperature": value} for value in (-0.1, 2.1)],
    *[{"top_p": value} for value in (-0.1, 1.1)],
    *[{name: value} for name in ("presence_penalty", "frequency_penalty") for value in (-2.1, 2.1)],
    *[{"top_logprobs": value} for value in (-1, 21)],
    *[{"stop": value} for value in (["a"] * 5, 5, [1])],
    *[{"tools": value} for value in ([], [TOOL] * 129, 5, ["get_weather"], [{"type": "function"}])],
    {"tools": [{"type": "function", "function": {"name": "get_weather", "parameters": "city"}}]},
    *[{"tool_choice": choice} for choice in ("auto", "none", "required")],
    {"tool_choice": {}, "tools": [TOOL]},
    {"tool_choice": {"type": "function", "function": {"name": "get_time"}}, "tools": [TOOL]},
    {"response_format": "json_object"},
    {"response_format": {"type": "json_schema", "json_schema": "greeting"}},
    {"stream_options": {"include_usage": True}},
    {"stream_options": True, "stream": True},
]


@pytest.mark.parametrize("changes", FORBIDDEN_EVERYWHERE, ids=lambda changes: json.dumps(changes)[:80])
def test_forbidden_everywhere(changes: dict[str, Any]) -> None:
    assert violated("custom", changes) == next(iter(changes))


XAI_FORBIDDEN: list[dict[str, Any]] = [
    *[{"presence_penalty": value, "model": model} for model in MODELS for value in (0, 0.5)],
    *[{"logit_bias": {}, "model": model} for model in MODELS],
    *[{"frequency_penalty": 0, "model": name} for name, model in MODELS.items() if model.reasons],
    *[{"stop": ["."], "model": name} for name, model in MODELS.items() if model.reasons],
    *[{"reasoning_effort": "low", "model": name} for name, model in MODELS.items() if not model.efforts],
    *[{"reasoning_effort": "minimal", "model": model} for model in MODELS],
    {"reasoning_effort": "none", "model": "grok-4.7"},
    {"reasoning_effort": "xhigh", "model": "grok-4.5"},
    {"stop": ".", **NOT_REASONING},
    {"top_logprobs": 9},
    *[{"model": model} for model in ("foo", "grok-beta", "grok-3", "grok-4", "grok-4-0709", "grok-4-1-fast")],
    {"search_parameters": {"mode": "off"}},
    *[{"messages": [{"role": role, "name": "Ann", "content": "Hi"}]} for role in ("system", "assistant")],
    {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]},
]


@pytest.mark.parametrize("changes", XAI_FORBIDDEN, ids=json.dumps)
def test_forbidden_at_xai(changes: dict[str, Any]) -> None:
    assert violated("xai", changes) == next(iter(changes))


XAI_ALLOWED: list[dict[str, Any]] = [
    {"presence_penalty": None, "logit_bias": None, "frequency_penalty": None, "stop": None, "reasoning_effort": None},
    {"frequency_penalty": 0.5, "stop": ["."], **NOT_REASONING},
    *[{"reasoning_effort": effort, "model": name} for name, model in MODELS.items() for effort in model.efforts],
    *[{"top_logprobs": most} for most in (0, 8)],
    *[image(f"data:image/{kind};base64,AAAA") for kind in ("png", "jpeg")],
    image("https://example.com/a.webp", "tool"),
    {"messages": [{"role": "user", "name": "Ann", "content": "Hi"}]},
    {"messages": [{"role": "assistant", "content": "", "tool_calls": [{"id": "1"}]}]},
]


@pytest.mark.parametrize("changes", XAI_ALLOWED, ids=json.dumps)
def test_allowed_at_xai(changes: dict[str, Any]) -> None:
    assert first_violation("xai", {"model": "grok-4.7", **content("Hello"), **changes}) is None


@pytest.mark.parametrize("role", ["user", "tool"])
@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_xai_reads_only_png_and_jpeg(kind: str, role: str) -> None:
    error = first_violation("xai", {"model": "grok-4.7", **image(f"data:image/{kind};base64,AAAA", role)})
    assert error
    assert error.message == "Downloaded response does not contain a valid JPG or PNG image."


def test_stop_must_be_a_list_at_llmprovider() -> None:
    assert violated("llmprovider", {"stop": "."}) == "stop"
    assert violated("llmprovider", {"stop": ["."]}) is None


@pytest.mark.parametrize("provider", ["acedata", "custom"])
def test_stop_may_be_one_string_elsewhere(provider: str) -> None:
    assert violated(provider, {"stop": "."}) is None


@pytest.mark.parametrize("provider", ["acedata", "llmprovider"])
def test_other_models_than_groks_are_forbidden(provider: str) -> None:
    assert violated(provider, {"model": "gpt-4"}) == "model"


def test_llmprovider_ignores_undocumented_parameters() -> None:
    body = {"model": "grok-beta", "temperature": 1, "n": 500, "max_completion_tokens": 1, "reasoning_effort": "high"}
    assert effective("llmprovider", body) == {"model": "grok-beta", "temperature": 1}
    assert effective("acedata", body) == body


def test_sandbox_lists_the_models_of_xai() -> None:
    assert APIS["xai"].models == tuple(MODELS)
