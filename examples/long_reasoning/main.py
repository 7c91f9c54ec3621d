"""Fetches an answer that takes longer than the client waits."""

import asyncio
import json
import os
import sys
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

KEYS = ("MCP_GROK_PROVIDER", "MCP_GROK_API_KEY", "ACEDATACLOUD_API_TOKEN", "LLMPROVIDER_API_KEY", "XAI_API_KEY")
# Without a key, the sandbox, and there a model that takes eight seconds.
SANDBOX = (
    {}
    if any(name in os.environ for name in KEYS)
    else {"MCP_GROK_PROVIDER": "sandbox", "MCP_GROK_DEFAULT_MODEL": "sandbox-slow:8"}
)

PATIENCE = 5
"""Seconds that this client waits for a result."""


async def main(question: str) -> None:
    environment = {"MCP_GROK_HANDOFF_AFTER": "3", **SANDBOX, **os.environ}
    server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_grok"], env=environment)
    async with Client(stdio_client(server), read_timeout_seconds=PATIENCE) as client:
        tool = "grok_chat_completions"
        arguments: dict[str, Any] = {"messages": [{"role": "user", "content": question}], "reasoning_effort": "high"}
        while True:
            result: Any = await client.call_tool(tool, arguments)
            answer = json.loads(result.content[0].text)
            if answer.get("object") != "chat.completion.pending":
                break
            print(f"after {answer['elapsed']:.0f} s: {answer['status']}")
            tool, arguments = answer["next"]["tool"], answer["next"]["arguments"]
    if result.is_error:
        sys.exit(answer["error"]["message"])
    print(answer["choices"][0]["message"]["content"])
    print(f"requests at the API: {result.meta['mcp-grok/attempts']}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "How many primes are there below a million?"))
