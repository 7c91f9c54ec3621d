"""Requests whose parameters are not of the form that the SDK checks, over stdio."""

import json
from typing import Any

import pytest

from tests.chat import CHAT, HELLO, body_of
from tests.process import environment, server_process
from tests.replay import COMPLETION, Replay


async def reply_of(upstream: Replay, method: str, params: Any) -> dict[str, Any]:
    """What a server of its own replies to one request."""
    async with server_process(environment(upstream)) as server:
        server.send({"id": "x", "method": method, **({} if params is ... else {"params": params})})
        return await server.others.get()


@pytest.mark.parametrize("text", [json.dumps(HELLO), f"  {json.dumps(HELLO)}\n", json.dumps(json.dumps(HELLO))])
async def test_arguments_as_text_are_read(upstream: Replay, text: str) -> None:
    reply = await reply_of(upstream, "tools/call", {"name": CHAT, "arguments": text})
    assert body_of(reply["result"]) == COMPLETION


@pytest.mark.parametrize("nothing", [None, "", " ", [], "null", "[]", "{}", '""'])
async def test_empty_arguments_are_none(upstream: Replay, nothing: Any) -> None:
    reply = await reply_of(upstream, "tools/call", {"name": CHAT, "arguments": nothing})
    assert reply["result"]["isError"]
    assert body_of(reply["result"])["error"]["param"] == "messages"
    assert not upstream.requests


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("tools/call", {"name": CHAT, "arguments": '{"messages": ['}, "arguments must be an object, got"),
        ("tools/call", {"name": CHAT, "arguments": [1]}, "arguments must be an object, got [1]"),
        ("tools/call", {"name": CHAT, "arguments": 0}, "arguments must be an object, got 0"),
        ("tools/call", {"name": 5}, "name must be a string"),
        ("tools/call", {"arguments": HELLO}, "name is missing"),
        ("tools/call", ..., "params is missing"),
        ("tools/call", None, "params is missing"),
        ("prompts/get", {"name": "ask_grok", "arguments": {"question": 5}}, "arguments.question must be a string"),
        ("resources/read", {}, "uri is missing"),
        ("tools/list", {"cursor": "x"}, "Unknown cursor"),
        ("resources/list", {"cursor": 5}, "Unknown cursor"),
        ("resources/templates/list", {"cursor": "2"}, "Unknown cursor"),
        ("prompts/list", {"cursor": "null"}, "Unknown cursor"),
    ],
)
async def test_wrong_parameter_is_named(upstream: Replay, method: str, params: Any, words: str) -> None:
    error = (await reply_of(upstream, method, params))["error"]
    assert error["code"] == -32602
    assert words in error["message"]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/list", {"cursor": ""}),
        ("resources/list", {"cursor": None}),
        ("prompts/list", {"cursor": None, "_meta": None}),
        ("resources/templates/list", []),
        ("tools/list", {"_meta": []}),
        ("prompts/get", {"name": "ask_grok", "arguments": '{"question": "Why?"}'}),
        ("tools/call", {"name": CHAT, "arguments": HELLO, "_meta": {"progressToken": None}}),
    ],
)
async def test_optional_parameter_that_is_empty_is_none(upstream: Replay, method: str, params: Any) -> None:
    assert "result" in await reply_of(upstream, method, params)


async def test_request_before_initialize_says_what_to_send(upstream: Replay) -> None:
    async with server_process(environment(upstream), handshake=False) as server:
        server.send({"id": 1, "method": "ping"})
        assert (await server.others.get())["result"] == {}
        server.send({"id": 2, "method": "tools/list"})
        assert "initialize" in (await server.others.get())["error"]["message"]
