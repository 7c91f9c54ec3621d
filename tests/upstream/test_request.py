"""A whole call: arguments → the body that is posted."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.errors import GrokError, NotConfigured
from mcp_grok.settings import Settings
from mcp_grok.surrogates import without_lone_surrogates
from mcp_grok.upstream.messages import ROLES
from mcp_grok.upstream.parameters import PARAMETERS
from mcp_grok.upstream.request import ChatRequest, read_request
from tests.upstream.refusal import refusal_of
from tests.upstream.strategies import JSON, TEXT

HELLO = [{"role": "user", "content": "Hello"}]
OPTIONAL = [name for name in PARAMETERS if name != "messages"]
NOT_TEXT = [name for name in OPTIONAL if PARAMETERS[name].schema["type"] != "string" and name != "stop"]

TOOLS = [
    {"type": "function", "function": {"name": "look_up"}},
    {"type": "live_search"},
    {"type": "function", "function": {"name": "book_table"}},
]

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
    return read_request({"messages": HELLO, **arguments}, settings.endpoint, progress_wanted=progress_wanted)


def sent(**arguments: Any) -> Any:
    """The body of a call with a message, and the arguments."""
    return json.loads(request(**arguments).body)


def refusal(**arguments: Any) -> tuple[str, str]:
    """The message and the parameter of the error for wrong arguments."""
    return refusal_of(lambda: request(**arguments))


def test_only_given_parameters_and_model_are_sent() -> None:
    assert sent() == {"model": "grok-4", "messages": HELLO}
    assert request().body.startswith(b'{"model":"grok-4","messages":[{')


def test_null_means_not_given() -> None:
    others = dict.fromkeys(PARAMETERS.keys() - {"messages"})
    assert sent(**others) == sent(not_a_parameter=None) == sent()


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize("empty", ["", [], {}])
def test_empty_value_means_not_given(name: str, empty: Any) -> None:
    # https://github.com/coder/xum/issues/2887: models and proxies fill every field.
    assert sent(**{name: empty}) == sent()


@pytest.mark.parametrize("name", NOT_TEXT)
@pytest.mark.parametrize("empty", ["null", "[]", "{}", '""', " \n", " null "])
def test_empty_value_as_text_means_not_given_except_for_texts(name: str, empty: str) -> None:
    assert sent(**{name: empty}) == sent()


@pytest.mark.parametrize("name", ["user", "model", "stop", "service_tier", "reasoning_effort"])
@pytest.mark.parametrize("text", ["null", " ", "0"])
def test_text_that_is_not_empty_is_sent(name: str, text: str) -> None:
    assert sent(**{name: text})[name] == text


@pytest.mark.parametrize("stop", [[""], ["", ""], "[ ]", '[""]'])
def test_stop_without_sequences_means_not_given(stop: Any) -> None:
    assert sent(stop=stop) == sent()


@pytest.mark.parametrize("empty", ["", [], {}, "null"])
def test_empty_messages_are_refused(empty: Any) -> None:
    assert refusal(messages=empty)[1] == "messages"


@pytest.mark.parametrize("name", ["n", "max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("zero", [0, "0"])
def test_zero_is_given(name: str, zero: Any) -> None:
    # It may be a budget that is used up.
    assert refusal(**{name: zero})[1] == name


def test_zero_and_false_are_sent() -> None:
    given = {"temperature": 0, "top_p": 0, "seed": 0, "logprobs": False, "store": False}
    assert sent(**given) == {**sent(), **given}


def test_empty_web_search_options_are_named_because_openai_searches_for_them() -> None:
    assert "web_search_options" in request(web_search_options={}).dropped
    assert request(web_search_options="").dropped == {}


@pytest.mark.parametrize("arguments", [{}, {"messages": None}, {"model": "grok-4"}])
def test_missing_messages_are_refused_with_example(arguments: dict[str, Any]) -> None:
    assert refusal_of(lambda: read_request(arguments, ACEDATA.endpoint)) == (
        'messages is missing; give a list like [{"role": "user", "content": "Hello"}].',
        "messages",
    )


def test_each_parameter_is_sent_under_its_own_name() -> None:
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
        "web_search_options": {"search_context_size": "low"},
    }
    assert arguments.keys() | {"messages", "max_tokens", "previous_response_id", "extra_body"} == PARAMETERS.keys()
    assert sent(**arguments) == {"messages": HELLO, **arguments}
    assert sent(max_tokens="10") == {**sent(), "max_tokens": 10}


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("temprature", "temperature"), ("max_token", "max_tokens"), ("Model", "model"), ("tool", "tools")],
)
def test_unknown_name_is_refused_with_nearest(name: str, nearest: str) -> None:
    assert refusal(**{name: 1}) == (
        f"'{name}' is not a parameter. Did you mean {nearest}? Parameters that only the API knows go into extra_body.",
        name,
    )


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("reasoning", "Give reasoning_effort."),
        ("functions", "Give tools."),
        ("stop_sequences", "Give stop."),
        ("max_output_tokens", "Give max_tokens."),
        ("system", "as the first of messages."),
    ],
)
def test_parameter_of_another_api_is_refused_with_ours(name: str, instead: str) -> None:
    message, param = refusal(**{name: {"effort": "high"}})
    assert f"{instead} Parameters that only the API knows go into extra_body." in message
    assert param == name


def test_unknown_name_without_nearest_is_refused() -> None:
    message = "'zzz' is not a parameter. Parameters that only the API knows go into extra_body."
    assert refusal(zzz=1) == (message, "zzz")


@pytest.mark.parametrize("as_text", [False, True])
def test_extra_body_is_merged_last(as_text: bool) -> None:
    extra = {"search_parameters": {"mode": "auto"}, "deferred": None, "a": [1]}
    body = sent(extra_body=json.dumps(extra) if as_text else extra, temperature=1)
    assert list(body) == ["model", "messages", "temperature", *extra]
    assert {name: body[name] for name in extra} == extra


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_in_extra_body_is_refused(name: str) -> None:
    message = f"extra_body.{name}: give {name} as a parameter."
    assert refusal(extra_body={"new": 1, name: None}) == (message, f"extra_body.{name}")


def test_model_is_from_call_or_default() -> None:
    assert request(NO_DEFAULT, model="grok-3").model == "grok-3"
    assert request(model="grok-3").model == "grok-3"
    assert request().model == "grok-4"


@pytest.mark.parametrize("arguments", [{}, {"model": None}])
def test_call_without_any_model_names_the_setting(arguments: dict[str, Any]) -> None:
    with pytest.raises(NotConfigured) as caught:
        request(NO_DEFAULT, **arguments)
    error = caught.value
    assert "MCP_GROK_DEFAULT_MODEL" in error.message
    assert (error.code, error.param, error.billed) == ("not_configured", "model", "no")


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
def test_stream_is_as_given_or_else_by_progress_wanted(
    given: dict[str, Any], progress_wanted: bool, streamed: bool, body: dict[str, Any]
) -> None:
    assert request(progress_wanted=progress_wanted, **given).streamed is streamed
    assert sent(progress_wanted=progress_wanted, **given) == {**sent(), **body}


def test_stream_options_are_dropped_without_stream() -> None:
    options = {"include_usage": True}
    assert request(stream_options=options).dropped == {"stream_options": "the call is not streamed"}
    assert sent(stream_options=options) == sent()
    streamed = request(stream_options=options, progress_wanted=True)
    assert json.loads(streamed.body)["stream_options"] == options
    assert streamed.dropped == {}


def test_choices_are_n() -> None:
    assert request().choices == 1
    assert request(n="3").choices == 3


def test_both_names_of_token_limit_are_refused() -> None:
    message, param = refusal(max_tokens=5, max_completion_tokens=5)
    assert message.startswith("max_tokens and max_completion_tokens are two names of one limit")
    assert param == "max_completion_tokens"
    assert "max_tokens" not in sent(max_tokens=None, max_completion_tokens=5)


@pytest.mark.parametrize("tools", [None, [], "[]"])
@pytest.mark.parametrize("choice", ["auto", "none", "AUTO", {"type": "none"}, {"type": "auto", "name": ""}])
def test_tool_choice_and_parallel_calls_are_left_out_without_tools(choice: Any, tools: Any) -> None:
    # https://github.com/vllm-project/vllm/pull/39780
    made = request(tool_choice=choice, tools=tools, parallel_tool_calls=False)
    assert json.loads(made.body) == sent()
    assert made.dropped == {}


@pytest.mark.parametrize(
    "choice", ["required", "any", "book_table", {"type": "any"}, {"type": "function", "function": {"name": "f"}}]
)
def test_tool_choice_of_a_tool_without_tools_is_refused(choice: Any) -> None:
    assert refusal(tool_choice=choice, tools=[]) == (
        "tool_choice requires a tool, and the call has none; give tools, or leave tool_choice out.",
        "tool_choice",
    )


def test_body_is_compact_utf_8() -> None:
    body = request(messages=[{"role": "user", "content": "Grüße 日本 \U0001f600"}]).body
    assert body == '{"model":"grok-4","messages":[{"role":"user","content":"Grüße 日本 \U0001f600"}]}'.encode()


@pytest.mark.parametrize("as_text", [False, True])
def test_lone_surrogate_becomes_replacement_character(as_text: bool) -> None:
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
def test_number_that_json_cannot_hold_is_refused_with_parameter(name: str, value: Any) -> None:
    message, param = refusal(**{name: value})
    assert message.startswith(f"{param} cannot be written as JSON")
    assert param in ("metadata", "extra_body.a", "extra_body.deeper")


@pytest.mark.parametrize("name", ["metadata", "extra_body"])
def test_deeply_nested_value_is_refused_with_parameter(name: str) -> None:
    value: dict[str, Any] = {}
    for _ in range(100_000):
        value = {"deeper": value}
    message, param = refusal(**{name: value})
    assert message.startswith(f"{param} cannot be written as JSON")
    assert param in ("metadata", "extra_body.a", "extra_body.deeper")


@settings(derandomize=True, deadline=None, max_examples=200)
@given(ARGUMENTS, st.sampled_from([ACEDATA, NO_DEFAULT]), st.booleans())
def test_any_json_gives_json_body_or_typed_error(
    arguments: dict[str, Any], configured: Settings, progress_wanted: bool
) -> None:
    try:
        made = read_request(arguments, configured.endpoint, progress_wanted=progress_wanted)
    except GrokError as error:
        json.dumps(error.as_dict(), allow_nan=False)
        facts = error.code, error.billed
        assert facts in (("invalid_request", "no"), ("not_configured", "no"))
    else:
        body = json.loads(made.body.decode())
        assert body["model"] == without_lone_surrogates(made.model)
        assert body.get("stream", False) is made.streamed
