"""Makes a video and saves it: python main.py PROMPT FOLDER."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

KEYS = ("MCP_GROK_PROVIDER", "MCP_GROK_API_KEY", "ACEDATACLOUD_API_TOKEN", "LLMPROVIDER_API_KEY", "XAI_API_KEY")
# Without a key, the sandbox.
SANDBOX = {} if any(name in os.environ for name in KEYS) else {"MCP_GROK_PROVIDER": "sandbox"}


async def main(prompt: str, folder: Path) -> None:
    settings = {"MCP_GROK_TOOLSETS": "video", "MCP_GROK_OUTPUT_DIR": str(folder), "MCP_GROK_HANDOFF_AFTER": "2"}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "mcp_grok"], env={**SANDBOX, **os.environ, **settings}
    )

    async def show(progress: float, total: float | None, message: str | None) -> None:
        print(message, end="", file=sys.stderr)

    async with Client(stdio_client(server)) as client:
        tool, arguments = "grok_text_to_video", {"prompt": prompt, "duration": 6}
        while tool:
            result: Any = await client.call_tool(tool, arguments, progress_callback=show)
            answer = json.loads(result.content[0].text)
            if result.is_error:
                sys.exit(answer["error"]["message"])
            # A video that is not made yet says how to go on; asking for a new one would be charged again.
            tool, arguments = (answer["next"]["tool"], answer["next"]["arguments"]) if "next" in answer else ("", {})
            if tool:
                print(f"after {answer['elapsed']:.0f} s: {answer['object']}", file=sys.stderr)
    for video in answer["videos"]:
        print(video.get("file") or f"{video['url']} ({video['file_error']})")
    if cost := result.meta.get("mcp-grok/cost"):
        print(f"cost: {cost['amount']} {cost['currency']}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python main.py PROMPT FOLDER")
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]).absolute()))
