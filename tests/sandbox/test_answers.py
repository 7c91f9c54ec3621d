"""The sandbox without a socket: what fits a schema, and what is refused."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from mcp_grok.providers import ACEDATA_PATH, SANDBOX_KEY
from mcp_grok.sandbox.answers import NOTICE, answer
from mcp_grok.sandbox.api import sandbox_app

HELLO: dict[str, Any] = {"model": "grok-4", "messages": [{"role": "user", "content": "Hello"}]}
TOOL = {"type": "function", "function": {"name": "get_weather"}}


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(sandbox_app(chunk_seconds=0), raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {SANDBOX_KEY}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox", headers=headers) as client:
        yield client


def user(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


MALFORMED: list[dict[str, Any]] = [
    *[{"model": value} for value in (None, 4, "gpt-4")],
    *[{"messages": value} for value in (None, [], "Hello", ["Hello"], [{"content": "Hello"}])],
    *[{"messages": [{"role": role, "content": "Hello"}]} for role in ("robot", "tool")],
    {"messages": [{"role": "assistant", "tool_calls": [{"id": "1"}], "content": 5}]},
    *[user(content) for content in (None, 5, ["Hello"], [{"type": "input_text", "text": "Hello"}])],
    *[user([{"type": "image_url", "image_url": image}]) for image in (None, {}, {"url": "http://a/b.png"})],
    *[{"stop": value} for value in (["a"] * 5, 5, [1])],
    *[{"tools": value} for value in ([TOOL] * 129, 5, ["get_weather"], [{"type": "function"}])],
    {"tools": [{"type": "function", "function": {"name": "get_weather", "parameters": "city"}}]},
    {"tools": [TOOL], "tool_choice": {}},
    {"response_format": "json_object"},
    {"response_format": {"type": "json_schema", "json_schema": "greeting"}},
    {"stream_options": {"include_usage": True}},
    {"stream_options": True, "stream": True},
]


@pytest.mark.parametrize("changes", MALFORMED, ids=lambda changes: json.dumps(changes)[:80])
async def test_a_malformed_request_is_refused(http: httpx2.AsyncClient, changes: dict[str, Any]) -> None:
    response = await http.post(ACEDATA_PATH, json={**HELLO, **changes})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b"{", b"[" * 100_000], ids=["empty", "0xff", "list", "cut", "deep"]
)
async def test_a_body_that_is_no_object_is_refused(http: httpx2.AsyncClient, body: bytes) -> None:
    assert (await http.post(ACEDATA_PATH, content=body)).status_code == 400


@pytest.mark.parametrize("streamed", [False, True])
async def test_half_a_character_is_answered_or_refused(http: httpx2.AsyncClient, streamed: bool) -> None:
    body = json.dumps({**HELLO, **user("\ud83d"), "stream": streamed})
    response = await http.post(ACEDATA_PATH, content=body)
    whole = response.text.endswith("data: [DONE]\n\n" if streamed else "}")
    assert (response.status_code == 200 and whole) or response.status_code == 400


@pytest.mark.parametrize("model", ["sandbox", "sandbox-bogus", "gpt-4"])
async def test_a_model_nobody_knows_is_refused_with_what_there_is(http: httpx2.AsyncClient, model: str) -> None:
    response = await http.post(ACEDATA_PATH, json={**HELLO, "model": model})
    assert response.status_code == 400
    assert "used_up" in response.json()["error"]["message"]


@pytest.mark.parametrize("model", ["sandbox-slow:nan", "sandbox-slow:-1"])
async def test_seconds_that_cannot_pass_do_not_break_the_sandbox(http: httpx2.AsyncClient, model: str) -> None:
    assert (await http.post(ACEDATA_PATH, json={**HELLO, "model": model})).status_code in (200, 400)


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        ({"type": "string"}, NOTICE),
        ({"const": 7}, 7),
        ({"type": "string", "default": "blue"}, "blue"),
        ({"enum": ["en", "de"]}, "en"),
        ({"type": "integer", "minimum": 18}, 18),
        ({"type": "number"}, 1),
        ({"type": ["boolean", "null"]}, True),
        ({"type": "null"}, None),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"type": "array"}, [NOTICE]),
        ({"properties": {"a": {"type": "object", "properties": {"b": {"type": "boolean"}}}}}, {"a": {"b": True}}),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_a_json_answer_fits_its_schema(schema: dict[str, Any], fits: Any) -> None:
    body = {**HELLO, "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}
    assert json.loads(answer(body, 0).content or "") == fits


def test_every_tool_that_is_named_is_called() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "get_time", "get_news")]
    calls = answer({**HELLO, **user("get_news, then get_weather"), "tools": tools}, 0).tool_calls
    assert [call["function"]["name"] for call in calls] == ["get_weather", "get_news"]
    assert len({call["id"] for call in calls}) == 2


def test_no_tool_is_called_when_tool_choice_is_none() -> None:
    told = answer({**HELLO, "tools": [TOOL], "tool_choice": "none"}, 0)
    assert (told.tool_calls, told.finish_reason) == ([], "stop")
    assert (told.content or "").startswith(NOTICE)


def test_an_answer_that_a_stop_sequence_begins_is_empty() -> None:
    told = answer({**HELLO, "stop": "This"}, 0)
    assert (told.content, told.finish_reason) == ("", "stop")
