"""Bodies of requests that are not as the SDK reads them, by plain HTTP."""

import json
from typing import Any

import httpx2
import pytest

from tests.chat import CHAT, HELLO, body_of
from tests.http.requests import result_of
from tests.process import MODERN_META, serving
from tests.replay import COMPLETION, Replay

BOTH = "application/json, text/event-stream"
DEEP = b"[" * 50_000 + b"]" * 50_000


def head(version: str) -> dict[str, str]:
    """The headers of a call of the chat tool."""
    routing = {"mcp-protocol-version": version, "mcp-method": "tools/call", "mcp-name": CHAT}
    return {"accept": BOTH, "content-type": "application/json", **(routing if version else {})}


@pytest.mark.parametrize("version", ["", "2026-07-28"])
@pytest.mark.parametrize(
    ("body", "request_id"),
    [
        (b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"tools/call","params":PARAMS}', 1),
        (b'{"jsonrpc":"2.0","id":2.0,"method":"tools/call","params":PARAMS}', 2),
        (b'{"jsonrpc":"2.0","id":"\xff","method":"tools/call","params":PARAMS}', "\ufffd"),
    ],
)
async def test_body_that_can_be_repaired_is_served(
    upstream: Replay, version: str, body: bytes, request_id: Any
) -> None:
    params = {"name": CHAT, "arguments": json.dumps(HELLO), **({"_meta": MODERN_META} if version else {})}
    async with serving(upstream, "http") as (url, _), httpx2.AsyncClient(trust_env=False) as client:
        content = body.replace(b"PARAMS", json.dumps(params).encode())
        response = await client.post(url, content=content, headers=head(version))
    assert body_of(result_of(response)) == COMPLETION
    assert json.loads(response.text.rpartition("data: ")[2])["id"] == request_id


@pytest.mark.parametrize("version", ["", "2026-07-28"])
async def test_body_that_is_no_message_is_answered_with_its_id(upstream: Replay, version: str) -> None:
    async with serving(upstream, "http") as (url, _), httpx2.AsyncClient(trust_env=False) as client:
        for body, request_id, code in [
            (b"", None, -32700),
            (b"[]", None, -32600),
            (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 1.5, -32600),
            (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', None, -32600),
            (b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"x":%b}}' % DEEP, 7, -32700),
            (b'{"jsonrpc":"2.0","method":"ping","params":{"x":%b},"id":"a"}' % DEEP[49_500:50_500], "a", -32700),
            (b'{"jsonrpc":"2.0","id":8,"method":"ping","params":{"x":[%b0]}}' % (b"{}," * 200_000), 8, -32600),
        ]:
            response = await client.post(url, content=body, headers=head(version))
            error = response.json()
            assert (response.status_code, error["id"], error["error"]["code"]) == (400, request_id, code)
        refused = await client.post(url, content=b"{", headers={**head(version), "host": "evil.example"})
        assert refused.status_code == 421


async def test_message_over_sse_is_repaired(upstream: Replay) -> None:
    async with (
        serving(upstream, "sse") as (url, _),
        httpx2.AsyncClient(trust_env=False) as client,
        client.stream("GET", url) as stream,
    ):
        events = (line.removeprefix("data: ") async for line in stream.aiter_lines() if line.startswith("data: "))
        messages = str(httpx2.URL(url).join(await anext(events)))
        ping = b'\xef\xbb\xbf{"jsonrpc":"2.0","id":3.0,"method":"ping"}'
        accepted = await client.post(messages, content=ping, headers={"content-type": "application/json"})
        assert accepted.status_code == 202
        assert json.loads(await anext(events))["id"] == 3
