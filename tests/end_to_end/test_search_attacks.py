"""Attacks by what came with searches, on server processes: bodies of the Responses API, and arguments that go there.

Those that would stop other callers are in `test_attacks.py`.
"""

import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from mcp_grok.auth.tokens import new_token
from tests.chat import CHAT, HELLO
from tests.end_to_end.callers import SEARCH, asked, client_of
from tests.http.requests import call, post
from tests.process import MODERN_META, modern_request, serving
from tests.replay import Replay, held_after
from tests.upstream.responses import message, response, stream, web_search

LONGEST = "9" * 4300
"""The longest integer that Python reads: one more digit cannot be written."""

CITED = f'{{"type": "url_citation", "url": "u", "start_index": {LONGEST}, "end_index": -{LONGEST}}}'


def hostile(fields: str) -> bytes:
    """A response with further fields, as JSON."""
    return json.dumps(response(message("Hi"))).removesuffix("}").encode() + f", {fields}}}".encode()


def item(content: str) -> bytes:
    """A response with one item more, as JSON."""
    return hostile(f'"output": [{json.dumps(message("Hi"))}, {content}]')


HOSTILE = {
    "position": item(f'{{"type": "message", "content": [{{"text": "!", "annotations": [{CITED}]}}]}}'),
    "annotation": item('{"type": "message", "content": [{"text": "!", "annotations": [{"type": [[]]}, 1, null]}]}'),
    "thought": item('{"type": "reasoning", "summary": [{"text": 5}, 5]}'),
    "types": item('{"type": ["a"], "action": []}, {"type": "choices"}, {"type": "usage"}, {"type": "web_search_call"}'),
    "depth": item(f'{{"type": "a", "b": {"[" * 900}{"]" * 900}}}'),
    "choices": hostile('"choices": "x"'),
    "output": hostile('"output": {"a": 1}'),
    "model": hostile('"model": ["a"], "id": {"a": 1}, "created_at": "b"'),
    "tokens": hostile(f'"usage": {{"input_tokens": {LONGEST}, "output_tokens": {LONGEST}}}'),
    "fewer tokens": hostile('"usage": {"input_tokens": -1000, "output_tokens": -1000, "total_tokens": -5000}'),
    "ticks": hostile(f'"usage": {{"cost_in_usd_ticks": {LONGEST}}}'),
    "cost": hostile(f'"usage": {{"cost": {{"amount": {LONGEST}, "currency": "{"x" * 1000}"}}}}'),
}
"""Bodies of the Responses API that once ended the server or the call, and others of their kind."""


@pytest.mark.parametrize("way", ["plain", "streamed"])
async def test_no_body_of_a_response_breaks_a_call_or_the_server(upstream: Replay, way: str, tmp_path: Path) -> None:
    token = new_token(tmp_path / "tokens", "ann")
    options = ("--token-file", str(tmp_path / "tokens"), "--tokens-per-day", "100000")
    async with serving(upstream, "http", *options, provider="xai") as (url, _), client_of(token) as ann:
        for name, content in HOSTILE.items():
            if way == "plain":
                upstream.answer(content)
            else:
                upstream.stream(b'data: {"type": "response.completed", "response": %b}\n\n' % content)
            body = await asked(ann, url, name, **SEARCH, stream=way == "streamed")
            assert body.get("error", {}).get("code") in (None, "bad_upstream_response"), (name, body)
        # No absurd count has used up the day.
        upstream.answer(response(message("Hi")))
        assert (await asked(ann, url, "Hello", **SEARCH))["choices"][0]["message"]["content"] == "Hi"


async def test_stream_that_goes_on_after_its_end_has_ended(upstream: Replay) -> None:
    upstream.behave = held_after(stream(response(message("Hi"))) + stream(response(message("Forged."))))
    async with serving(upstream, "http", provider="xai") as (url, _):
        with anyio.fail_after(10):
            body = await call(url, CHAT, {**HELLO, **SEARCH, "stream": True})
    assert body["choices"][0]["message"]["content"] == "Hi"


async def test_search_that_imitates_a_mark_of_ours_does_not_get_a_line_of_it(upstream: Replay) -> None:
    query = "news\n\n[search] web: forged\x1b[2J"
    upstream.answer(stream(response(web_search(query, source="web: a\n\nForged"))), content_type="text/event-stream")
    async with serving(upstream, "http", provider="xai") as (url, _):
        response_ = await post_with_progress(url)
    [first, *_] = [line for line in response_.text.splitlines() if "[search]" in line]
    shown = json.loads(first.removeprefix("data: "))["params"]["message"]
    assert shown == "[search] web: news [search] web: forged [2J\n"


async def post_with_progress(url: str) -> httpx2.Response:
    """What a search gives to a client that wants progress."""
    params = {"name": CHAT, "arguments": {**HELLO, **SEARCH}}
    headers, request = modern_request("tools/call", params, CHAT, {**MODERN_META, "progressToken": 1})
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        return await client.post(url, json=request, headers=headers)


PRIVATE = {"type": "file_search", "vector_store_ids": ["of-the-operator"]}


@pytest.mark.parametrize(
    "tool",
    [
        PRIVATE,
        {"type": "function", "function": {"name": "look_up", **PRIVATE}},
        {**PRIVATE, "type": "collections_search"},
    ],
)
async def test_caller_reaches_no_tool_of_the_operator(upstream: Replay, tmp_path: Path, tool: dict[str, Any]) -> None:
    token = new_token(tmp_path / "tokens", "ann")
    upstream.answer(response(message("Hi")))
    tools = [*SEARCH["tools"], tool]
    async with serving(upstream, "http", "--token-file", str(tmp_path / "tokens"), provider="xai") as (url, _):
        await post(url, CHAT, {**HELLO, "tools": tools}, authorization=f"Bearer {token}")
    sent = [given["type"] for request in upstream.requests for given in request.json["tools"]]
    assert set(sent) <= {"web_search", "function"}


async def test_answer_of_another_caller_is_not_continued(upstream: Replay, tmp_path: Path) -> None:
    ann, bob = (client_of(new_token(tmp_path / "tokens", who)) for who in ("ann", "bob"))
    upstream.answer(response(message("A secret."), id="resp-ann"))
    options = ("--token-file", str(tmp_path / "tokens"))
    async with ann, bob, serving(upstream, "http", *options, provider="xai") as (url, _):
        given = (await asked(ann, url, "Hello", **SEARCH, store=True))["response_id"]
        signature = given.rpartition("~")[2]
        for stolen in (given, "resp-ann", f"resp-ann~{'0' * len(signature)}", f"resp-bob~{signature}", "a~é\r\nb: c"):
            body = await asked(bob, url, "Go on", previous_response_id=stolen)
            assert body["error"]["param"] == "previous_response_id", stolen
        assert len(upstream.requests) == 1
        await asked(ann, url, "Go on", previous_response_id=given)
    assert upstream.requests[1].json["previous_response_id"] == "resp-ann"


async def test_no_argument_becomes_another_header(upstream: Replay) -> None:
    async with serving(upstream, "http", provider="xai") as (url, _):
        for own in ("a\r\nx-evil: 1", " a ", "a\n", ""):
            assert "error" not in await call(url, CHAT, {**HELLO, "extra_body": {"prompt_cache_key": own}})
    assert len({request.headers["x-grok-conv-id"] for request in upstream.requests}) == 1
    assert not any("x-evil" in request.headers for request in upstream.requests)
