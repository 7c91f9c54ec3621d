"""Requests whose parameters are not of the form that the SDK checks, over stdio."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.chat import CHAT, HELLO, body_of
from tests.process import environment, server_process
from tests.replay import COMPLETION, Replay

Ask = Callable[[str, Any], Awaitable[dict[str, Any]]]

ABSENT = object()


@pytest.fixture
async def ask(upstream: Replay) -> AsyncIterator[Ask]:
    """Sends a request to a server, and returns the reply."""
    async with server_process(environment(upstream)) as server:

        async def one(method: str, params: Any) -> dict[str, Any]:
            server.send({"id": "x", "method": method, **({} if params is ABSENT else {"params": params})})
            return await server.others.get()

        yield one


async def test_arguments_as_text_are_read(ask: Ask) -> None:
    for text in (json.dumps(HELLO), f"  {json.dumps(HELLO)}\n", json.dumps(json.dumps(HELLO))):
        reply = await ask("tools/call", {"name": CHAT, "arguments": text})
        assert body_of(reply["result"]) == COMPLETION
    question = '{"question": "Why?"}'
    prompt = await ask("prompts/get", {"name": "ask_grok", "arguments": question})
    assert "Why?" in json.dumps(prompt["result"])


async def test_empty_arguments_are_none(ask: Ask, upstream: Replay) -> None:
    nothings: list[Any] = [None, "", " ", [], "null", "[]", "{}", '""']
    for nothing in nothings:
        reply = await ask("tools/call", {"name": CHAT, "arguments": nothing})
        assert reply["result"]["isError"]
        assert body_of(reply["result"])["error"]["param"] == "messages"
    assert not upstream.requests


async def test_wrong_parameter_is_named(ask: Ask) -> None:
    for method, params, words in [
        ("tools/call", {"name": CHAT, "arguments": '{"messages": ['}, "arguments must be an object, got"),
        ("tools/call", {"name": CHAT, "arguments": [1]}, "arguments must be an object, got [1]"),
        ("tools/call", {"name": CHAT, "arguments": 0}, "arguments must be an object, got 0"),
        ("tools/call", {"name": 5}, "name must be a string"),
        ("tools/call", {"arguments": HELLO}, "name is missing"),
        ("tools/call", ABSENT, "params is missing"),
        ("tools/call", None, "params is missing"),
        ("prompts/get", {"name": "ask_grok", "arguments": {"question": 5}}, "arguments.question must be a string"),
        ("resources/read", {}, "uri is missing"),
        ("tools/list", {"cursor": "x"}, "Unknown cursor"),
        ("resources/list", {"cursor": 5}, "Unknown cursor"),
        ("resources/templates/list", {"cursor": "2"}, "Unknown cursor"),
        ("prompts/list", {"cursor": "null"}, "Unknown cursor"),
    ]:
        error = (await ask(method, params))["error"]
        assert error["code"] == -32602
        assert words in error["message"]


async def test_optional_parameter_that_is_empty_is_none(ask: Ask) -> None:
    for method, params in [
        ("tools/list", {"cursor": ""}),
        ("resources/list", {"cursor": None}),
        ("prompts/list", {"cursor": None, "_meta": None}),
        ("resources/templates/list", []),
        ("tools/list", {"_meta": []}),
        ("tools/call", {"name": CHAT, "arguments": HELLO, "_meta": {"progressToken": None}}),
    ]:
        assert "result" in await ask(method, params)


async def test_unknown_methods_are_refused_as_such(ask: Ask) -> None:
    for method in ("tools/none", "logging/setLevel", "notifications/initialized"):
        assert (await ask(method, {"level": "info"}))["error"]["code"] == -32601


async def test_request_before_initialize_says_what_to_send(upstream: Replay) -> None:
    async with server_process(environment(upstream), handshake=False) as server:
        server.send({"id": 1, "method": "ping"})
        assert (await server.others.get())["result"] == {}
        server.send({"id": 2, "method": "tools/list"})
        assert "initialize" in (await server.others.get())["error"]["message"]
