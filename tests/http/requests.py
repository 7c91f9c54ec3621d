"""Plain HTTP against a server: one request, its status, and a call of a tool."""

import json
from typing import Any

import httpx2

from mcp_grok.limits import MIB
from tests.chat import CHAT, HELLO, body_of
from tests.process import modern_call

EMPTY_LISTS = b"[" + b"[]," * (10 * MIB) + b"0]"
"""31 MB that would take a gigabyte."""


def request_with(arguments: bytes, method: str = "tools/call") -> tuple[dict[str, str], bytes]:
    """Headers and body of a request that holds other JSON."""
    headers, request = modern_call("grok_chat_completions", "HERE")
    body = json.dumps({**request, "method": method}).encode().replace(b'"HERE"', arguments)
    return {**headers, "content-type": "application/json"}, body


async def get(url: str, **headers: str) -> httpx2.Response:
    """What a GET gives."""
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        return await client.get(url, headers=headers)


async def post(url: str, name: str = CHAT, arguments: Any = HELLO, **headers: str) -> httpx2.Response:
    """What a call of a tool gives, in the era without sessions."""
    own, request = modern_call(name, arguments)
    given = {header.replace("_", "-"): value for header, value in headers.items()}
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        return await client.post(url, json=request, headers={**own, **given})


def result_of(response: httpx2.Response) -> Any:
    """The result of a call."""
    return json.loads(response.text.rpartition("data: ")[2])["result"]


async def call(url: str, name: str = CHAT, arguments: Any = HELLO, **headers: str) -> Any:
    """The JSON that a tool gives."""
    response = await post(url, name, arguments, **headers)
    assert response.status_code == 200, response.text
    return body_of(result_of(response))
