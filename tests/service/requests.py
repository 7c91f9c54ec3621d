"""Plain HTTP against a server: one request, its status, and a call of a tool."""

import json
from typing import Any

import httpx2

from tests.process import MODERN_META

CHAT = "grok_chat_completions"
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


async def get(url: str, **headers: str) -> httpx2.Response:
    """What a GET gives."""
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        return await client.get(url, headers=headers)


async def post(url: str, name: str = CHAT, arguments: Any = HELLO, **headers: str) -> httpx2.Response:
    """What a call of a tool gives, in the era without sessions."""
    params = {"name": name, "arguments": arguments, "_meta": MODERN_META}
    given = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": name,
        **{header.replace("_", "-"): value for header, value in headers.items()},
    }
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        return await client.post(url, json=request, headers=given)


def result_of(response: httpx2.Response) -> Any:
    """The result of a call."""
    return json.loads(response.text.rpartition("data: ")[2])["result"]


async def call(url: str, name: str = CHAT, arguments: Any = HELLO, **headers: str) -> Any:
    """The JSON that a tool gives."""
    response = await post(url, name, arguments, **headers)
    assert response.status_code == 200, response.text
    return json.loads(result_of(response)["content"][0]["text"])
