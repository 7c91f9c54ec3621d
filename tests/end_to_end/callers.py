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
from tests.process import cpu_seconds, modern_call

SEARCH = {"tools": [{"type": "web_search"}]}
"""What sends a call to the Responses API."""


PATIENCE = 1.0
"""Seconds in which a caller is answered, whatever others do."""

LONGEST = 5.0
"""The time limit of the test for it, on a machine that other programs keep busy."""

BUSY = 0.05
"""The share of the processors' time that is idle, below which other programs keep a server waiting."""


@contextmanager
def answered_soon(server: int) -> Iterator[None]:
    """Checks that a caller is answered within `PATIENCE`.

    On a machine without an idle processor, the time that counts is what the server itself uses.

    Args:
        server: The id of its process.
    """
    began, used, idle = time.monotonic(), cpu_seconds(server), _idle()
    with anyio.fail_after(LONGEST):
        yield
    took = time.monotonic() - began
    is_busy = _idle() - idle < BUSY * took * (psutil.cpu_count() or 1)
    counted = min(took, cpu_seconds(server) - used) if is_busy else took
    assert counted < PATIENCE, (took, counted)


def _idle() -> float:
    times = psutil.cpu_times()
    return float(times.idle + getattr(times, "iowait", 0))


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
