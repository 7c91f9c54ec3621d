"""The tools that the task scenarios of the conformance suite call, each as a call of this server's own tool.

The scenarios are written for a server with tools like `slow_compute`, which takes some seconds. In front of the server
a call of such a tool becomes a chat whose one message holds the call, and the API does what it asks for:
https://github.com/modelcontextprotocol/conformance/tree/main/src/scenarios/server/tasks
"""

import asyncio
import json
from typing import Any

import httpx2

from tests.chat import CHAT, completion
from tests.replay import Behaviour, Exchange, Received

SECONDS = {"greet": 0, "slow_compute": 1, "failing_job": 1, "confirm_delete": 0}
"""How long a tool takes if its arguments do not say. `confirm_delete` would ask the user; here it just answers."""


def in_front_of(url: str) -> Behaviour:
    """The behaviour that passes requests on to a server."""

    async def behave(exchange: Exchange) -> None:
        headers, body = _translated(exchange.request)
        async with httpx2.AsyncClient(timeout=20) as client:
            response = await client.post(url, json=body, headers=headers)
        exchange.head(response.status_code, response.headers["content-type"])
        exchange.chunk(response.content)
        exchange.end()

    return behave


def _translated(request: Received) -> tuple[dict[str, str], Any]:
    headers = {name: value for name, value in request.headers.items() if name.startswith(("accept", "mcp-"))}
    body = request.json
    params = body["params"]
    if params.get("name") in SECONDS:
        asked = json.dumps({"tool": params["name"], **params["arguments"]})
        params |= {"name": CHAT, "arguments": {"messages": [{"role": "user", "content": asked}]}}
        headers["mcp-name"] = CHAT
    return headers, body


async def do_what_is_asked(exchange: Exchange) -> None:
    """The behaviour of the API."""
    asked = json.loads(exchange.request.json["messages"][0]["content"])
    await asyncio.sleep(asked.get("seconds", SECONDS[asked["tool"]]))
    failed = asked["tool"] == "failing_job"
    answer = {"error": {"code": "used_up", "message": "no balance"}} if failed else completion("Done.")
    exchange.head(403 if failed else 200, "application/json")
    exchange.chunk(json.dumps(answer).encode())
    exchange.end()
