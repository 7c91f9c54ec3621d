"""The ids that link the calls of one conversation."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_grok.principal import ANONYMOUS, Principal
from mcp_grok.settings import Settings
from mcp_grok.upstream.request import read_request

SYSTEM = {"role": "system", "content": "Be brief."}
FIRST = {"role": "user", "content": "Why is the sky blue?"}
FURTHER = [{"role": "assistant", "content": "Rayleigh."}, {"role": "user", "content": "And red?"}]
HEADER = "x-grok-conv-id"


def cache_key(
    *messages: dict[str, Any], principal: Principal = ANONYMOUS, key: str = "operator-key", **arguments: Any
) -> str:
    """The id that a call to xAI carries: in a header for chat completions, in the body for responses."""
    endpoint = Settings(provider="xai", xai_api_key=SecretStr(key)).endpoint
    made = read_request({"messages": list(messages), **arguments}, endpoint, principal=principal)
    in_body = json.loads(made.body).get("prompt_cache_key")
    assert (in_body is None) is (made.form is None) is bool(made.headers)
    return str(in_body or made.headers[HEADER])


@pytest.mark.parametrize("arguments", [{}, {"tools": [{"type": "web_search"}]}])
def test_every_turn_of_a_conversation_has_the_same_id(arguments: dict[str, Any]) -> None:
    first = cache_key(SYSTEM, FIRST, **arguments)
    assert first == cache_key(SYSTEM, FIRST, *FURTHER, **arguments)
    assert first != cache_key(SYSTEM, {"role": "user", "content": "Why not?"}, **arguments)
    assert first != cache_key(FIRST, **arguments)


def test_two_callers_never_have_the_same_id() -> None:
    callers = (ANONYMOUS, Principal("ann"), Principal("bob"), Principal("ann", SecretStr("own-key")))
    assert len({cache_key(FIRST, principal=caller) for caller in callers}) == len(callers)


def test_id_depends_on_the_key_and_does_not_show_it() -> None:
    assert cache_key(FIRST) == cache_key(FIRST) != cache_key(FIRST, key="another-key")
    assert "operator" not in cache_key(FIRST)


@pytest.mark.parametrize("arguments", [{}, {"tools": [{"type": "x_search"}]}])
def test_own_value_of_the_caller_wins(arguments: dict[str, Any]) -> None:
    own = {"prompt_cache_key": "my-conversation"}
    endpoint = Settings(provider="xai").endpoint
    made = read_request({"messages": [FIRST], "extra_body": own, **arguments}, endpoint)
    assert json.loads(made.body)["prompt_cache_key"] == "my-conversation"
    assert made.headers == ({} if made.form else {HEADER: "my-conversation"})


@pytest.mark.parametrize("provider", ["acedata", "llmprovider", "sandbox"])
def test_other_providers_get_no_id(provider: str) -> None:
    made = read_request({"messages": [FIRST]}, Settings(provider=provider).endpoint)
    assert made.headers == {}
    assert "prompt_cache_key" not in json.loads(made.body)


def test_id_does_not_change_the_fingerprint() -> None:
    endpoint = Settings(provider="xai").endpoint
    arguments = {"messages": [FIRST], "tools": [{"type": "web_search"}]}
    made = [read_request(arguments, endpoint, principal=caller) for caller in (ANONYMOUS, Principal("ann"))]
    assert made[0].fingerprint == made[1].fingerprint


@pytest.mark.parametrize("own", ["a\r\nhost: evil", " a ", "", "ü", "a" * 10_000, 1])
def test_value_that_can_be_no_header_is_not_one(own: object) -> None:
    endpoint = Settings(provider="xai").endpoint
    made = read_request({"messages": [FIRST], "extra_body": {"prompt_cache_key": own}}, endpoint)
    assert made.headers == read_request({"messages": [FIRST]}, endpoint).headers
