"""A chat call that must go to the Responses API: when, what is sent, and what is refused."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_grok.errors import NotConfigured
from mcp_grok.principal import ANONYMOUS, Principal
from mcp_grok.settings import Settings
from mcp_grok.upstream.conversation import signed_response_id
from mcp_grok.upstream.request import ChatRequest, read_request
from tests.upstream.refusal import refusal_of

XAI = Settings(provider="xai", xai_api_key=SecretStr("operator-key"))
HELLO = [{"role": "user", "content": "Hello"}]
SEARCH = {"type": "web_search"}
LOOK_UP: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look_up", "description": "d", "parameters": {"type": "object"}},
}
ANN, BOB = Principal("ann"), Principal("bob")


def request(settings: Settings = XAI, principal: Principal = ANONYMOUS, **arguments: Any) -> ChatRequest:
    """A call with a message, and the arguments."""
    return read_request({"messages": HELLO, **arguments}, settings.endpoint, principal=principal)


def sent(principal: Principal = ANONYMOUS, **arguments: Any) -> dict[str, Any]:
    """What is posted for a call with a search, without what every such call has."""
    body = json.loads(request(principal=principal, **{"tools": [SEARCH], **arguments}).body)
    for name in ("model", "input", "store", "prompt_cache_key"):
        del body[name]
    return dict(body)


@pytest.mark.parametrize(
    "arguments",
    [
        {"tools": [SEARCH]},
        {"tools": [LOOK_UP, {"type": "x_search"}]},
        {"previous_response_id": "resp-1"},
        {"web_search_options": {"search_context_size": "low"}},
    ],
)
def test_call_goes_to_the_responses_api_where_it_must(arguments: dict[str, Any]) -> None:
    assert request(**arguments).form is not None


@pytest.mark.parametrize("arguments", [{}, {"tools": [LOOK_UP]}, {"tools": [{"type": "live_search"}]}, {"store": True}])
def test_other_calls_are_chat_completions(arguments: dict[str, Any]) -> None:
    assert request(**arguments).form is None


def test_search_options_are_forwarded_where_chat_completions_search() -> None:
    made = request(Settings(provider="acedata"), web_search_options={"search_context_size": "low"})
    assert json.loads(made.body)["web_search_options"] == {"search_context_size": "low"}
    assert made.form is None


def test_parameters_have_their_counterparts() -> None:
    schema = {"type": "object"}
    assert sent(
        max_tokens=9,
        temperature=1,
        top_p=0.5,
        user="u",
        reasoning_effort="low",
        parallel_tool_calls=False,
        response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}},
        tools=[SEARCH, LOOK_UP],
        tool_choice="look_up",
        extra_body={"max_turns": 3},
        stream=True,
    ) == {
        "max_output_tokens": 9,
        "temperature": 1,
        "top_p": 0.5,
        "user": "u",
        "reasoning": {"effort": "low"},
        "parallel_tool_calls": False,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": True}},
        "tools": [SEARCH, {"type": "function", **LOOK_UP["function"]}],
        "tool_choice": {"type": "function", "name": "look_up"},
        "max_turns": 3,
        "stream": True,
    }


@pytest.mark.parametrize("form", ["text", "json_object"])
def test_simple_format_is_sent(form: str) -> None:
    assert sent(response_format={"type": form})["text"] == {"format": {"type": form}}


def test_parameter_without_counterpart_is_dropped_and_named() -> None:
    made = request(tools=[SEARCH], n=2, seed=1, stop=["x"], metadata={"a": "b"}, logit_bias={"1": 1})
    assert set(made.dropped) == {"n", "seed", "stop", "metadata", "logit_bias"}
    assert made.choices == 1
    assert sent(n=2, seed=1) == sent()


def test_default_without_counterpart_is_dropped_in_silence() -> None:
    assert request(tools=[SEARCH], n=1, presence_penalty=0, frequency_penalty=0).dropped == {}


def test_search_options_are_a_search() -> None:
    made = request(web_search_options={"search_context_size": "low"})
    assert json.loads(made.body)["tools"] == [SEARCH]
    assert list(made.dropped) == ["web_search_options.search_context_size"]


@pytest.mark.parametrize("store", [None, False, True])
def test_response_is_stored_only_on_request(store: bool | None) -> None:
    assert json.loads(request(tools=[SEARCH], store=store).body)["store"] is bool(store)


def test_tool_choice_cannot_name_a_tool_of_the_api() -> None:
    assert refusal_of(lambda: sent(tool_choice={"type": "web_search"}))[1] == "tool_choice"


@pytest.mark.parametrize("arguments", [{"tools": [SEARCH]}, {"previous_response_id": "resp-1"}])
@pytest.mark.parametrize("provider", ["acedata", "llmprovider"])
def test_provider_without_search_says_which_has_it(provider: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(NotConfigured, match=r"xAI has.*MCP_GROK_PROVIDER=xai") as caught:
        request(Settings(provider=provider), **arguments)
    assert caught.value.billed == "no"


@pytest.mark.parametrize("kind", ["file_search", "mcp", "collections_search"])
def test_tools_with_the_operators_rights_are_off_for_named_callers(kind: str) -> None:
    tools = [SEARCH, {"type": kind}]
    message, param = refusal_of(lambda: request(principal=ANN, tools=tools))
    assert param == "tools[1]"
    assert "MCP_GROK_SHARED_TOOLS" in message
    assert request(tools=tools).form
    assert request(principal=Principal("ann", SecretStr("own-key")), tools=tools).form
    allowing = Settings(provider="xai", shared_tools="mcp, file_search")
    assert request(allowing, principal=ANN, tools=tools).form


def test_unknown_tool_is_off_for_named_callers_beside_a_search() -> None:
    assert refusal_of(lambda: request(principal=ANN, tools=[SEARCH, {"type": "MCP"}]))[1] == "tools[1]"
    assert request(tools=[SEARCH, {"type": "future_tool"}]).form


def test_id_cannot_be_made_where_no_key_is_set() -> None:
    custom = Settings(provider="custom", base_url="https://example.org", default_model="m")
    made = hmac.new(b"", b"3:annresponse resp-1", hashlib.sha256).hexdigest()[:24]
    assert refusal_of(lambda: request(custom, ANN, previous_response_id=f"resp-1~{made}"))[1] == "previous_response_id"


def test_previous_response_belongs_to_its_caller() -> None:
    given = signed_response_id("operator-key", "ann", "resp-1")
    assert sent(ANN, previous_response_id=given)["previous_response_id"] == "resp-1"
    for principal, response_id in ((BOB, given), (ANN, "resp-1"), (ANN, f"{given}0"), (ANN, f"resp-2~{given[-24:]}")):
        assert refusal_of(lambda who=principal, which=response_id: sent(who, previous_response_id=which))[1] == (  # type: ignore[misc]
            "previous_response_id"
        )
    assert sent(previous_response_id="resp-1")["previous_response_id"] == "resp-1"


def test_names_of_the_api_in_errors_become_the_callers() -> None:
    made = request(tools=[SEARCH], max_tokens=1, reasoning_effort="low", response_format={"type": "text"})
    assert made.given_name("input") == "messages"
    assert made.given_name("max_output_tokens") == "max_tokens"
    assert made.given_name("reasoning.effort") == "reasoning_effort.effort"
    assert made.given_name("text.format") == "response_format.format"


@pytest.mark.parametrize("kind", ["file_search", "mcp", "web_search"])
def test_function_is_no_other_tool_whatever_its_fields_say(kind: str) -> None:
    hidden = {**LOOK_UP["function"], "type": kind, "vector_store_ids": ["v"]}
    [_, tool] = sent(ANN, tools=[SEARCH, {"type": "function", "function": hidden}])["tools"]
    assert (tool["type"], tool["name"]) == ("function", "look_up")
