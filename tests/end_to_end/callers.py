"""Callers of a server process with a token of their own."""

from typing import Any

import httpx2

from tests.chat import CHAT, body_of
from tests.http.requests import result_of
from tests.process import modern_call

SEARCH = {"tools": [{"type": "web_search"}]}
"""What sends a call to the Responses API."""


def asking(text: str, **arguments: Any) -> dict[str, Any]:
    """The arguments of a call with a text."""
    return {"messages": [{"role": "user", "content": text}], **arguments}


def client_of(token: str) -> httpx2.AsyncClient:
    """An HTTP client of a caller, with a connection for each request: an idle one may be closed to make room."""
    headers = {"authorization": f"Bearer {token}"}
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    # To load certificates would take longer than a call.
    return httpx2.AsyncClient(headers=headers, limits=limits, trust_env=False, verify=False, timeout=60)


async def asked(client: httpx2.AsyncClient, url: str, text: str, **arguments: Any) -> Any:
    """The JSON that a call of the chat tool gives."""
    headers, request = modern_call(CHAT, asking(text, **arguments))
    return body_of(result_of(await client.post(url, json=request, headers=headers)))
