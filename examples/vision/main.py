"""Asks about a picture: python main.py PICTURE QUESTION."""

import asyncio
import base64
import json
import mimetypes
import os
import sys
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

KEYS = ("MCP_GROK_PROVIDER", "MCP_GROK_API_KEY", "ACEDATACLOUD_API_TOKEN", "LLMPROVIDER_API_KEY", "XAI_API_KEY")
# Without a key, the sandbox.
SANDBOX = {} if any(name in os.environ for name in KEYS) else {"MCP_GROK_PROVIDER": "sandbox"}


async def main(picture: Path, question: str) -> None:
    content = await asyncio.to_thread(picture.read_bytes)
    kind = mimetypes.guess_type(picture.name)[0] or "image/png"
    url = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    parts = [{"type": "text", "text": question}, {"type": "image_url", "image_url": {"url": url}}]

    environment = {**SANDBOX, **os.environ}
    server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_grok"], env=environment)
    async with Client(stdio_client(server)) as client:
        result: Any = await client.call_tool(
            "grok_chat_completions", {"messages": [{"role": "user", "content": parts}]}
        )
    answer = json.loads(result.content[0].text)
    if result.is_error:
        sys.exit(answer["error"]["message"])
    print(answer["choices"][0]["message"]["content"])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python main.py PICTURE [QUESTION]")
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "What is this?"))
