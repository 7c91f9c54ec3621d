"""Asks Grok through mcp-grok over stdio and prints the answer as it comes.

    pip install mcp-grok-chat
    python examples/python_client.py "Why is the sky blue?"

Without a key it talks to the sandbox: set ACEDATACLOUD_API_TOKEN to talk to Grok.
"""

import asyncio
import json
import os
import sys

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import TextContent


async def main(question: str) -> None:
    environment = dict(os.environ)
    if "ACEDATACLOUD_API_TOKEN" not in environment:
        environment["MCP_GROK_PROVIDER"] = "sandbox"
    server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_grok"], env=environment)

    async def show(progress: float, total: float | None, message: str | None) -> None:
        print(message or "", end="", flush=True)

    async with Client(stdio_client(server)) as client:
        result = await client.call_tool(
            "grok_chat_completions",
            {"messages": [{"role": "user", "content": question}], "stream": True},
            progress_callback=show,
        )
    block = result.content[0]
    assert isinstance(block, TextContent)
    answer = json.loads(block.text)
    if result.is_error:
        sys.exit(f"{answer['error']['code']}: {answer['error']['message']}")
    print(f"\n{answer['model']}, {answer['usage']['total_tokens']} tokens")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "Hello"))
