"""The calls that every client makes, how the API answers them, and what must come of each."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from tests import ROOT
from tests.chat import CANCEL, CHAT, GET, HELLO, completion
from tests.end_to_end.clients.catalog import Client
from tests.end_to_end.clients.installation import Installation
from tests.process import MCP_GROK, environment
from tests.replay import Exchange, Received, Replay

HANDOFF_AFTER = 2.0
WORK = 4.0
"""Seconds after which a call is handed off, and that the API takes over the one that is."""

PAUSE = 0.5
"""Seconds between the text of a stream and its end. The TypeScript SDK 1 loses progress that comes together with the
result: https://github.com/modelcontextprotocol/typescript-sdk/issues/2580"""

SLOW = "Take your time"
PIECES = ("In ", "three ", "pieces")
ANSWER = "".join(PIECES)
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAA"
    "AfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PICTURE = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}

CALLS: dict[str, dict[str, Any]] = {
    "plain": HELLO,
    "streamed": {**HELLO, "stream": True},
    "image": {"messages": [{"role": "user", "content": PICTURE}]},
    "tools": {**HELLO, "tools": [WEATHER]},
    # Clients that check the arguments themselves see nothing wrong here.
    "error": {**HELLO, "tool_choice": "required"},
    "hand-off": {"messages": [{"role": "user", "content": SLOW}]},
}


async def report(installation: Installation, upstream: Replay) -> Any:
    """What a client's driver prints of its calls.

    Raises:
        DriverFailed: the driver failed.
    """
    upstream.behave = _behave
    given = environment(upstream, handoff_after=str(HANDOFF_AFTER))
    plan = {
        "command": MCP_GROK,
        "environment": {**given, "PYTHONPATH": str(ROOT)},
        "tool": CHAT,
        "calls": CALLS,
    }
    printed = await installation.run(installation.client.driver, json.dumps(plan))
    # Some clients print, too.
    return json.loads(printed.splitlines()[-1])


async def _behave(exchange: Exchange) -> None:
    """How the API answers."""
    body = exchange.request.json
    if SLOW in json.dumps(body):
        await asyncio.sleep(WORK)
    deltas = [{"tool_calls": [{"index": 0, **TOOL_CALL}]}] if "tools" in body else [{"content": one} for one in PIECES]
    if body.get("stream"):
        exchange.head()
        for delta in deltas:
            exchange.chunk(_event({"delta": delta}))
        await asyncio.sleep(PAUSE)
        exchange.chunk(_event({"delta": {}, "finish_reason": "stop"}) + b"data: [DONE]\n\n")
    else:
        exchange.head(content_type="application/json")
        whole = completion("", tool_calls=[TOOL_CALL]) if "tools" in body else completion(ANSWER)
        exchange.chunk(json.dumps(whole).encode())
    exchange.end()


def _event(choice: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, **choice}]}).encode() + b"\n\n"


def expected(client: Client) -> dict[str, Any]:
    """What must come of each column."""
    progress = "" if "streamed" in client.cannot else ANSWER
    fetched = "not_found" if "hand-off" in client.cannot else ANSWER
    return {
        "lists": sorted([CANCEL, CHAT, GET]),
        "plain": ANSWER,
        "streamed": {"answer": ANSWER, "progress": progress},
        "image": {"answer": ANSWER, "sent": [PICTURE]},
        "tools": {"answer": [TOOL_CALL], "sent": [[WEATHER]]},
        "error": {"code": "invalid_request", "param": "tool_choice"},
        "hand-off": {"object": "chat.completion.pending", "fetched": fetched, "sent": 1},
    }


def seen(told: dict[str, Any], requests: Sequence[Received]) -> dict[str, Any]:
    """What came of each column, by what a driver reports and what the API received."""
    bodies = [request.json for request in requests]
    contents = [body["messages"][0]["content"] for body in bodies]
    error = _json(told["error"]).get("error", {})
    return {
        "lists": told["lists"],
        "plain": _answer(told["plain"]),
        "streamed": {"answer": _answer(told["streamed"]), "progress": told["streamed"]["progress"]},
        "image": {"answer": _answer(told["image"]), "sent": [one for one in contents if isinstance(one, list)]},
        "tools": {"answer": _answer(told["tools"]), "sent": [body["tools"] for body in bodies if "tools" in body]},
        "error": {name: error.get(name) for name in ("code", "param")},
        "hand-off": {
            "object": _json(told["hand-off"]).get("object"),
            "fetched": _answer(told["fetched"]),
            "sent": contents.count(SLOW),
        },
    }


def _json(result: dict[str, Any]) -> Any:
    """The JSON in a result's text, which some clients put after words of their own."""
    text = result["text"]
    try:
        return json.JSONDecoder().raw_decode(text[text.index("{") :])[0]
    except ValueError:
        return {"text": text}


def _answer(result: dict[str, Any]) -> Any:
    """The content or tool calls of a completion, the code of an error, or else all that came."""
    body = _json(result)
    if "choices" in body:
        message = body["choices"][0]["message"]
        return message.get("tool_calls") or message["content"]
    return body["error"]["code"] if "error" in body else body
