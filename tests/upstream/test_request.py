"""A whole call: arguments → the body that is posted."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.errors import GrokError, InvalidRequest, NotConfigured
from mcp_grok.settings import Settings
from mcp_grok.upstream.messages import ROLES
from mcp_grok.upstream.request import PARAMETERS, ChatRequest, read_request
from mcp_grok.upstream.surrogates import without_lone_surrogates

HELLO = [{"role": "user", "content": "Hello"}]
TOOLS = [
    {"type": "function", "function": {"name": "look_up"}},
    {"type": "live_search"},
    {"type": "function", "function": {"name": "book_table"}},
]

TEXT = st.text(st.characters() | st.characters(categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
CALLS = st.lists(
    st.fixed_dictionaries({"id": TEXT, "function": st.fixed_dictionaries({"name": TEXT, "arguments": JSON})})
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(ROLES), "content": TEXT | JSON},
        optional={"tool_call_id": TEXT, "tool_calls": CALLS | JSON, "new": JSON},
    ),
    min_size=1,
    max_size=2,
)
ARGUMENTS = st.builds(
    lambda messages, others: {"messages": messages, **others},
    MESSAGES | JSON | MESSAGES.map(json.dumps),
    st.dictionaries(st.sampled_from(list(PARAMETERS)) | TEXT, JSON | JSON.map(json.dumps), max_size=2),
)


ACEDATA = Settings(provider="acedata")
NO_DEFAULT = Settings(provider="custom", base_url="https://example.org")


def request(settings: Settings = ACEDATA, *, progress_wanted: bool = False, **arguments: Any) -> ChatRequest:
    """A call with a message, and the arguments."""
    return read_request({"messages": HELLO, **arguments}, settings, progress_wanted=progress_wanted)


def sent(**arguments: Any) -> Any:
    """The body of a call with a message, and the arguments."""
    return json.loads(request(**arguments).body)


def refusal(**arguments: Any) -> dict[str, Any]:
    """The error object for arguments that are not allowed."""
    with pytest.raises(InvalidRequest) as caught:
        request(**arguments)
    return caught.value.as_dict()


def test_what_is_not_given_is_not_sent_except_the_model() -> None:
    assert sent() == {"model": "grok-4", "messages": HELLO}
    assert request().body.startswith(b'{"model":"grok-4","messages":[{')


def test_null_means_not_given() -> None:
    others = dict.fromkeys(PARAMETERS.keys() - {"messages"})
    assert sent(**others) == sent(not_a_parameter=None) == sent()


@pytest.mark.parametrize("arguments", [{}, {"messages": None}, {"model": "grok-4"}])
def test_missing_messages_are_refused_with_an_example(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_request(arguments, ACEDATA)
    error = caught.value.as_dict()
    assert error["message"] == 'messages is missing; give a list like [{"role": "user", "content": "Hello"}].'
    assert (error["param"], error["code"], error["billed"]) == ("messages", "invalid_request", "no")


def test_every_parameter_is_sent_under_its_own_name() -> None:
    arguments = {
        "model": "grok-4.7",
        "n": 2,
        "stream": True,
        "temperature": 0.5,
        "top_p": 1,
        "stop": ["a"],
        "presence_penalty": -2,
        "frequency_penalty": 2,
        "seed": 7,
        "user": '{"a": 1}',
        "tools": TOOLS,
        "tool_choice": {"type": "live_search"},
        "response_format": {"type": "json_object"},
        "reasoning_effort": "minimal",
        "max_completion_tokens": 10,
        "logprobs": True,
        "top_logprobs": 3,
        "stream_options": {"include_usage": True},
        "parallel_tool_calls": False,
        "service_tier": "flex",
        "store": False,
        "metadata": {"a": "b"},
        "logit_bias": {"7": -100},
        "modalities": ["text"],
        "audio": {"voice": "x"},
        "prediction": {"type": "content"},
        "web_search_options": {},
    }
    assert arguments.keys() | {"messages", "max_tokens", "extra_body"} == PARAMETERS.keys()
    assert sent(**arguments) == {"messages": HELLO, **arguments}
    assert sent(max_tokens="10") == {**sent(), "max_tokens": 10}


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("temprature", "temperature"), ("max_token", "max_tokens"), ("Model", "model"), ("tool", "tools")],
)
def test_an_unknown_name_is_refused_with_the_nearest_one(name: str, nearest: str) -> None:
    error = refusal(**{name: 1})
    assert error["message"] == (
        f"'{name}' is not a parameter. Did you mean {nearest}? What this tool does not know goes into extra_body."
    )
    assert error["param"] == name


def test_an_unknown_name_near_to_none_is_sent_to_extra_body() -> None:
    assert refusal(zzz=1)["message"] == ("'zzz' is not a parameter. What this tool does not know goes into extra_body.")


@pytest.mark.parametrize("as_text", [False, True])
def test_extra_body_is_merged_last(as_text: bool) -> None:
    extra = {"search_parameters": {"mode": "auto"}, "deferred": None, "a": [1]}
    body = sent(extra_body=json.dumps(extra) if as_text else extra, temperature=1)
    assert list(body) == ["model", "messages", "temperature", *extra]
    assert {name: body[name] for name in extra} == extra


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_known_name_in_extra_body_is_refused(name: str) -> None:
    error = refusal(extra_body={"new": 1, name: None})
    assert error["message"] == f"extra_body.{name}: give {name} as a parameter."
    assert error["param"] == f"extra_body.{name}"


def test_the_model_is_that_of_the_call_or_the_default() -> None:
    assert request(NO_DEFAULT, model="grok-3").model == "grok-3"
    assert request(model="grok-3").model == "grok-3"
    assert request().model == "grok-4"


@pytest.mark.parametrize("arguments", [{}, {"model": None}])
def test_a_call_without_any_model_says_what_to_set(arguments: dict[str, Any]) -> None:
    with pytest.raises(NotConfigured) as caught:
        request(NO_DEFAULT, **arguments)
    error = caught.value.as_dict()
    assert "MCP_GROK_DEFAULT_MODEL" in error["message"]
    assert (error["code"], error["param"], error["billed"]) == ("not_configured", "model", "no")


@pytest.mark.parametrize(
    ("given", "progress_wanted", "streamed", "body"),
    [
        ({}, False, False, {}),
        ({}, True, True, {"stream": True}),
        ({"stream": None}, True, True, {"stream": True}),
        ({"stream": True}, False, True, {"stream": True}),
        ({"stream": "true"}, False, True, {"stream": True}),
        ({"stream": True}, True, True, {"stream": True}),
        ({"stream": False}, False, False, {"stream": False}),
        ({"stream": False}, True, False, {"stream": False}),
        ({"stream": "false"}, True, False, {"stream": False}),
    ],
)
def test_a_call_is_streamed_as_asked_and_else_when_progress_is_wanted(
    given: dict[str, Any], progress_wanted: bool, streamed: bool, body: dict[str, Any]
) -> None:
    assert request(progress_wanted=progress_wanted, **given).streamed is streamed
    assert sent(progress_wanted=progress_wanted, **given) == {**sent(), **body}


def test_stream_options_are_sent_only_with_a_stream_and_else_named_as_dropped() -> None:
    options = {"include_usage": True}
    assert request(stream_options=options).dropped == {"stream_options": "the call is not streamed"}
    assert sent(stream_options=options) == sent()
    streamed = request(stream_options=options, progress_wanted=True)
    assert json.loads(streamed.body)["stream_options"] == options
    assert streamed.dropped == {}


def test_the_number_of_choices_is_that_of_n() -> None:
    assert request().choices == 1
    assert request(n="3").choices == 3


def test_two_names_of_one_limit_are_refused_together() -> None:
    error = refusal(max_tokens=5, max_completion_tokens=5)
    assert error["message"].startswith("max_tokens and max_completion_tokens are two names of one limit")
    assert error["param"] == "max_completion_tokens"
    assert "max_tokens" not in sent(max_tokens=None, max_completion_tokens=5)


@pytest.mark.parametrize("choice", ["none", "auto", "required"])
def test_a_tool_choice_by_word_is_sent_as_it_is(choice: str) -> None:
    assert sent(tool_choice=choice)["tool_choice"] == choice


def test_a_tool_choice_by_name_becomes_the_object_that_names_the_function() -> None:
    body = sent(tool_choice="book_table", tools=json.dumps(TOOLS))
    assert body["tool_choice"] == {"type": "function", "function": {"name": "book_table"}}


@pytest.mark.parametrize(
    ("choice", "tools", "suggestion"),
    [
        ("book_tables", TOOLS, " Did you mean book_table?"),
        ("require", TOOLS, " Did you mean required?"),
        ("live_search", TOOLS, ""),
        ("book_table", None, ""),
    ],
)
def test_a_tool_choice_that_names_no_function_is_refused_with_the_nearest(
    choice: str, tools: Any, suggestion: str
) -> None:
    error = refusal(tool_choice=choice, tools=tools)
    assert error["message"] == (
        f"tool_choice must be none, auto, required or the name of a function in tools, got '{choice}'.{suggestion}"
    )
    assert error["param"] == "tool_choice"


def test_the_body_is_compact_utf_8() -> None:
    body = request(messages=[{"role": "user", "content": "Grüße 日本 \U0001f600"}]).body
    assert body == '{"model":"grok-4","messages":[{"role":"user","content":"Grüße 日本 \U0001f600"}]}'.encode()


@pytest.mark.parametrize("as_text", [False, True])
def test_a_lone_surrogate_becomes_the_replacement_character_everywhere(as_text: bool) -> None:
    messages = [
        {"role": "user", "content": "a\ud83d b \ud83d\ude00", "\udc00": 1},
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {"b": "\udfff"}}}]},
    ]
    body = sent(messages=json.dumps(messages) if as_text else messages, model="m\ud800")
    assert body["model"] == "m\ufffd"
    assert body["messages"][0] == {"role": "user", "content": "a\ufffd b \U0001f600", "\ufffd": 1}
    assert json.loads(body["messages"][1]["tool_calls"][0]["function"]["arguments"]) == {"b": "\ufffd"}


@pytest.mark.parametrize("value", [{"a": [math.nan]}, '{"a": Infinity}', '{"a": 1e999}'])
@pytest.mark.parametrize("name", ["metadata", "extra_body"])
def test_a_number_that_json_does_not_have_is_refused_by_the_name_of_its_parameter(name: str, value: Any) -> None:
    error = refusal(**{name: value})
    assert name in error["message"]
    assert error["param"].startswith(name)


@pytest.mark.parametrize("name", ["metadata", "extra_body"])
def test_a_value_nested_too_deeply_is_refused_by_the_name_of_its_parameter(name: str) -> None:
    value: dict[str, Any] = {}
    for _ in range(100_000):
        value = {"deeper": value}
    error = refusal(**{name: value})
    assert name in error["message"]
    assert error["param"].startswith(name)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(ARGUMENTS, st.sampled_from([ACEDATA, NO_DEFAULT]), st.booleans())
def test_any_json_gives_a_body_that_is_json_or_an_error_of_the_contract(
    arguments: dict[str, Any], configured: Settings, progress_wanted: bool
) -> None:
    try:
        made = read_request(arguments, configured, progress_wanted=progress_wanted)
    except GrokError as error:
        told = json.loads(json.dumps(error.as_dict(), allow_nan=False))
        assert told["billed"] == "no"
        assert told["code"] in ("invalid_request", "not_configured")
    else:
        body = json.loads(made.body.decode())
        assert body["model"] == without_lone_surrogates(made.model)
        assert body.get("stream", False) is made.streamed
