"""What is dropped from a call because its provider or its model does not accept it, and what is not."""

import json
from typing import Any

import pytest

from mcp_grok.models import MODELS, find_model
from mcp_grok.providers import PROVIDERS
from mcp_grok.settings import Settings
from mcp_grok.upstream.adapt import EFFORTS, PENALTIES, adapt
from mcp_grok.upstream.parameters import PARAMETERS
from mcp_grok.upstream.request import ChatRequest, read_request
from tests.upstream.refusal import refusal_of

HELLO = [{"role": "user", "content": "Hello"}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}

# https://github.com/BerriAI/litellm/pull/16265, https://docs.x.ai/developers/models/grok-4.20-0309.md
ALIASES = [
    *("grok-4.6-latest", "grok-4.7-0815", "grok-4.5-2026-08-15", "grok-4.3-beta", "xai/grok-4.7", "x-ai/grok-4"),
    *("grok-4.20", "grok-4.20-multi-agent-beta-0309", "grok-4.20-experimental-beta-0304", "grok-build-latest"),
    *("grok-4-1-fast-latest", "grok-4-fast", "grok-code-fast-1-0825", "grok-3-mini-fast-latest", "grok-3"),
]


def request(provider: str, *, progress_wanted: bool = False, strict: bool = False, **arguments: Any) -> ChatRequest:
    """A call of a provider."""
    address = {"base_url": "https://example.org"} if provider == "custom" else {}
    settings = Settings(provider=provider, strict=strict, **address)  # type: ignore[arg-type]
    return read_request({"messages": HELLO, **arguments}, settings.endpoint, progress_wanted=progress_wanted)


def sent(provider: str, **arguments: Any) -> Any:
    """The parameters of a call as they are sent, without the model and the messages."""
    body = json.loads(request(provider, **arguments).body)
    return {name: value for name, value in body.items() if name not in ("model", "messages")}


@pytest.mark.parametrize(
    ("provider", "given", "name"),
    [
        ("acedata", "max_tokens", "max_tokens"),
        ("acedata", "max_completion_tokens", "max_completion_tokens"),
        ("llmprovider", "max_tokens", "max_tokens"),
        ("llmprovider", "max_completion_tokens", "max_tokens"),
        ("xai", "max_tokens", "max_completion_tokens"),
        ("xai", "max_completion_tokens", "max_completion_tokens"),
        ("custom", "max_tokens", "max_tokens"),
    ],
)
def test_token_limit_has_name_of_provider(provider: str, given: str, name: str) -> None:
    assert sent(provider, model="m", **{given: 5}) == {name: 5}


@pytest.mark.parametrize(
    ("provider", "stop"), [("acedata", "END"), ("custom", "END"), ("llmprovider", ["END"]), ("xai", ["END"])]
)
def test_single_stop_is_a_list_where_the_provider_wants_one(provider: str, stop: Any) -> None:
    assert sent(provider, model="m", stop="END") == {"stop": stop}


@pytest.mark.parametrize(
    ("model", "given", "left"),
    [
        ("grok-4.7", {"presence_penalty": 0.5, "temperature": 1}, {"temperature": 1}),
        ("grok-4.7", {"frequency_penalty": 0.5, "stop": "END", "seed": 1}, {"seed": 1}),
        ("grok-4.20-0309-non-reasoning", {"presence_penalty": 1, "stop": ["END"]}, {"stop": ["END"]}),
        ("grok-4.20-0309-reasoning", {"reasoning_effort": "low"}, {}),
        ("grok-4.5", {"reasoning_effort": "none"}, {}),
        ("grok-4.3", {"reasoning_effort": "none"}, {"reasoning_effort": "none"}),
        ("grok-4.6", {"reasoning_effort": "xhigh"}, {"reasoning_effort": "xhigh"}),
        ("grok-4.7", {"reasoning_effort": "none"}, {}),
        ("grok-code-fast-1", {"reasoning_effort": "anything"}, {"reasoning_effort": "anything"}),
        ("grok-9", {"presence_penalty": 1, "stop": "END"}, {"presence_penalty": 1, "stop": ["END"]}),
        ("grok-9", {"logit_bias": {"1": 1}}, {}),
        *[(alias, {"presence_penalty": 0.5, "stop": "END", "seed": 1}, {"seed": 1}) for alias in ALIASES],
        ("grok-4.20-beta-0309-non-reasoning", {"presence_penalty": 1, "stop": ["END"]}, {"stop": ["END"]}),
        ("grok-4.5-latest", {"reasoning_effort": "none"}, {}),
        ("grok-of-tomorrow-latest", {"presence_penalty": 1}, {"presence_penalty": 1}),
    ],
)
def test_refused_parameter_is_dropped_with_reason(model: str, given: dict[str, Any], left: dict[str, Any]) -> None:
    made = request("xai", model=model, **given)
    assert sent("xai", model=model, **given) == left
    assert made.dropped.keys() == given.keys() - left.keys()
    assert all(reason for reason in made.dropped.values())


def test_reason_names_what_the_model_takes() -> None:
    assert request("xai", model="grok-4.5", reasoning_effort="xhigh").dropped == {
        "reasoning_effort": "grok-4.5 accepts low, medium or high"
    }
    assert request("xai", model="grok-4", reasoning_effort="low").dropped == {
        "reasoning_effort": "grok-4 does not accept it"
    }
    assert request("xai", logit_bias={"1": 1}).dropped == {"logit_bias": "xAI does not accept it"}


@pytest.mark.parametrize("penalty", PENALTIES)
def test_refused_penalty_of_zero_is_dropped_silently(penalty: str) -> None:
    for zero in (0, 0.0, "0"):
        given: dict[str, Any] = {penalty: zero}
        made = request("xai", strict=True, **given)
        assert penalty not in json.loads(made.body)
        assert made.dropped == {}
    assert sent("acedata", **{penalty: 0}) == {penalty: 0}


def test_unknown_effort_is_refused_where_efforts_are_known() -> None:
    assert refusal_of(lambda: request("xai", model="grok-4.5", reasoning_effort="hihg")) == (
        'reasoning_effort must be low, medium or high for grok-4.5, got "hihg".',
        "reasoning_effort",
    )


def test_strict_setting_refuses_instead_of_dropping() -> None:
    message, param = refusal_of(lambda: request("xai", model="grok-4.7", strict=True, presence_penalty=1, stop="END"))
    assert "stop: grok-4.7 does not accept it; presence_penalty: grok-4.7 does not accept it" in message
    assert param == "stop"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_undocumented_parameters_pass(provider: str) -> None:
    given = {"temperature": 1, "seed": 1, "user": "u", "presence_penalty": 1, "reasoning_effort": "max"}
    assert sent(provider, model="grok-of-tomorrow", **given) == given


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.provider} {model.name}")
def test_facts_about_models_name_known_parameters_and_efforts(model: Any) -> None:
    assert set(model.rejects) <= set(PARAMETERS)
    assert set(model.efforts or ()) <= set(EFFORTS)
    if model.retired_for:
        replacement = find_model(model.provider, model.retired_for)
        assert replacement is not None
        assert replacement.retired_for is None


def test_given_values_are_not_changed_in_place() -> None:
    values: dict[str, Any] = {"stop": "END", "max_tokens": 1, "presence_penalty": 1}
    adapt(values, PROVIDERS["xai"], find_model("xai", "grok-4.7"))
    assert values == {"stop": "END", "max_tokens": 1, "presence_penalty": 1}


def test_xai_gets_names_only_of_users() -> None:
    # https://github.com/microsoft/autogen/issues/4715
    messages = [
        {"role": "developer", "name": "rules", "content": "Be brief"},
        {"role": "user", "name": "Ann", "content": "Hello"},
        {"role": "assistant", "name": "Bob", "content": "Hi"},
        {"role": "tool", "name": "f", "tool_call_id": "call_1", "content": "1"},
    ]
    made = request("xai", messages=messages, progress_wanted=True)
    assert [message.get("name") for message in json.loads(made.body)["messages"]] == [None, "Ann", None, None]
    reason = "xAI accepts it only in a user's message"
    assert made.dropped == {f"messages[{index}].name": reason for index in (0, 2, 3)}
    assert refusal_of(lambda: request("xai", messages=messages, strict=True))[1] == "messages[0].name"
    assert json.loads(request("acedata", messages=messages).body)["messages"] == messages


@pytest.mark.parametrize(("provider", "content"), [("xai", ""), ("acedata", None), ("custom", None)])
@pytest.mark.parametrize("given", [{}, {"content": None}, {"content": []}])
def test_call_without_content_gets_an_empty_one_where_the_provider_needs_it(
    provider: str, content: Any, given: dict[str, Any]
) -> None:
    # https://github.com/langchain-ai/langchain/issues/34140
    body = json.loads(
        request(provider, model="m", messages=[{"role": "assistant", "tool_calls": [CALL], **given}]).body
    )
    assert body["messages"][0].get("content") == content


@pytest.mark.parametrize("provider", ["custom", "xai"])
@pytest.mark.parametrize(("progress_wanted", "stream"), [(True, None), (True, False), (False, True), (False, None)])
def test_usage_is_requested_where_streams_leave_it_out(
    provider: str, progress_wanted: bool, stream: bool | None
) -> None:
    made = request(provider, model="m", stream=stream, progress_wanted=progress_wanted)
    assert json.loads(made.body).get("stream_options") == ({"include_usage": True} if made.streamed else None)
    assert (made.body_without_usage is not None) is made.streamed
    if made.body_without_usage is not None:
        assert json.loads(made.body_without_usage) == {"model": "m", "messages": HELLO, "stream": True}


def test_given_stream_options_are_unchanged() -> None:
    made = request("custom", model="m", stream=True, stream_options={"include_usage": False})
    assert json.loads(made.body)["stream_options"] == {"include_usage": False}
    assert made.body_without_usage is None


@pytest.mark.parametrize("provider", ["acedata", "llmprovider"])
def test_usage_is_not_requested_where_undocumented_or_always_sent(provider: str) -> None:
    assert sent(provider, progress_wanted=True) == {"stream": True}


def test_fingerprint_ignores_added_usage_request() -> None:
    whole, streamed = request("custom", model="m"), request("custom", model="m", progress_wanted=True)
    assert whole.fingerprint == streamed.fingerprint
