"""Asks Grok through mcp-grok over stdio and prints the answer as it comes.

    pip install .
    python examples/python_client/main.py "Why is the sky blue?"

Without a key it talks to the sandbox, and says so: set ACEDATACLOUD_API_TOKEN, or another key, to talk to Grok.
"""

import asyncio
import json
import os
import sys

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import TextContent

CONFIGURED = ("MCP_GROK_PROVIDER", "MCP_GROK_API_KEY", "ACEDATACLOUD_API_TOKEN", "LLMPROVIDER_API_KEY", "XAI_API_KEY")


async def main(question: str) -> None:
    environment = dict(os.environ)
    if not any(name in environment for name in CONFIGURED):
        print("no key is set, so this is the sandbox", file=sys.stderr)
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
