"""Asks a question that needs today's web and X, and prints the answer with its sources."""

import asyncio
import json
import os
import sys
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

KEYS = ("MCP_GROK_PROVIDER", "MCP_GROK_API_KEY", "ACEDATACLOUD_API_TOKEN", "LLMPROVIDER_API_KEY", "XAI_API_KEY")
# Without a key, the sandbox.
SANDBOX = {} if any(name in os.environ for name in KEYS) else {"MCP_GROK_PROVIDER": "sandbox"}


async def main(query: str) -> None:
    server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_grok"], env={**SANDBOX, **os.environ})

    async def show(progress: float, total: float | None, message: str | None) -> None:
        if (message or "").startswith("[search]"):
            print(message, end="", file=sys.stderr)

    async with Client(stdio_client(server)) as client:
        can_search = "grok_search" in [tool.name for tool in (await client.list_tools()).tools]
        if can_search:
            arguments = {"query": query, "depth": "quick"}
            result: Any = await client.call_tool("grok_search", arguments, progress_callback=show)
    if not can_search:
        sys.exit("this provider cannot search: set MCP_GROK_PROVIDER=xai and XAI_API_KEY")
    answer = json.loads(result.content[0].text)
    if result.is_error:
        sys.exit(answer["error"]["message"])
    print(answer["choices"][0]["message"]["content"])
    for number, url in enumerate(answer["citations"], 1):
        print(f"source {number}: {url}")
    for search in answer["searches"]:
        print(f"searched {search['source']}: {search.get('query') or search.get('url')}")
    if not answer["searches"]:
        print("not searched: this is from the model's memory")
    if cost := result.meta.get("mcp-grok/cost"):
        print(f"cost: {cost['amount']} {cost['currency']}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "What did xAI release this week?"))
