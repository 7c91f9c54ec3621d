"""Callers of a server process with a token of their own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import httpx2
import psutil

from tests.chat import CHAT, body_of
from tests.http.requests import result_of
from tests.process import modern_call

SEARCH = {"tools": [{"type": "web_search"}]}
"""What sends a call to the Responses API."""


PATIENCE = 1.0
"""Seconds in which a caller is answered, whatever others do."""

LONGEST = 5.0
"""The same on a machine that other programs keep busy."""


@contextmanager
def answered_soon(server: int) -> Iterator[None]:
    """Checks that a caller is answered within `PATIENCE`: by the clock, or by the processor time of the server.

    Args:
        server: The id of its process.
    """
    began, used = time.monotonic(), processor_time(server)
    with anyio.fail_after(LONGEST):
        yield
    took = time.monotonic() - began, processor_time(server) - used
    assert min(took) < PATIENCE, took


def processor_time(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


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
