"""Answers in the form that the client accepts, by plain HTTP."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from tests.chat import CHAT, HELLO, body_of
from tests.process import MODERN_META, modern_call, serving
from tests.replay import COMPLETION, HeldStream, Replay

JSON = "application/json"
EVENTS = "text/event-stream"


def call(version: str, accept: str | None, meta: dict[str, Any] | None = None) -> dict[str, Any]:
    """The options of a post that calls the chat tool, with the headers of a protocol version."""
    headers, request = modern_call(CHAT, HELLO)
    request["params"]["_meta"] = {**(MODERN_META if version else {}), **(meta or {})}
    if not version:
        headers = {}
    if accept is not None:
        headers["accept"] = accept
    return {"json": request, "headers": headers}


@pytest.mark.parametrize("version", ["", "2026-07-28"])
@pytest.mark.parametrize("path", ["", "/"])
async def test_answer_has_the_only_form_that_is_accepted(upstream: Replay, version: str, path: str) -> None:
    async with serving(upstream, "http") as (url, _), httpx2.AsyncClient(trust_env=False) as client:
        client.headers.pop("accept")
        for accept, form in [
            (JSON, JSON),
            (None, JSON),
            ("", JSON),
            ("application/*", JSON),
            (EVENTS, EVENTS),
            ("text/*", EVENTS),
        ]:
            response = await client.post(url + path, **call(version, accept))
            assert (response.status_code, response.headers["content-type"]) == (200, form)
            text = response.text.partition("data: ")[2] if form == EVENTS else response.text
            assert body_of(json.loads(text)["result"]) == COMPLETION
        assert (await client.post(url + path, **call(version, "text/html"))).status_code == 406


@pytest.mark.parametrize("version", ["", "2026-07-28"])
async def test_progress_is_left_out_of_json(upstream: Replay, version: str) -> None:
    HeldStream(upstream).release.set()
    async with serving(upstream, "http") as (url, _), httpx2.AsyncClient(trust_env=False) as client:
        response = await client.post(url, **call(version, JSON, {"progressToken": 1}))
    assert response.headers["content-type"] == JSON
    assert body_of(response.json()["result"])["choices"][0]["message"]["content"] == "so far, done"


@pytest.mark.parametrize("version", ["", "2026-07-28"])
async def test_client_that_accepts_json_and_goes_orphans_its_call(upstream: Replay, version: str) -> None:
    held = HeldStream(upstream)
    async with serving(upstream, "http") as (url, _), httpx2.AsyncClient(trust_env=False) as client:
        posting = asyncio.create_task(client.post(url, **call(version, JSON)))
        await upstream.exchanges.get()
        posting.cancel()
        await asyncio.wait([posting])
        repeated = asyncio.create_task(client.post(url, **call(version, JSON)))
        held.release.set()
        result = (await repeated).json()["result"]
    assert "mcp-grok/picked_up" in result["_meta"]
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("version", ["", "2026-07-28"])
async def test_refusal_of_a_request_is_json_in_every_form(upstream: Replay, version: str) -> None:
    async with serving(upstream, "http") as (url, _), httpx2.AsyncClient(trust_env=False) as client:
        for accept in (JSON, EVENTS):
            options = call(version, accept)
            options["json"]["id"] = None
            response = await client.post(url, **options)
            assert (response.status_code, response.headers["content-type"]) == (400, JSON)
