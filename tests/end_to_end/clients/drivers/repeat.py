"""Makes a call that times out, and the same call again, with the Python SDK 1.x: repeat.py URL SECONDS"""

import asyncio
import json
import sys
from datetime import timedelta

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from mcp.shared.exceptions import McpError

CALL = ("grok_chat_completions", {"messages": [{"role": "user", "content": "Hello"}]})


async def main(url: str, patience: str) -> None:
    async with streamablehttp_client(url) as (read, write, _), ClientSession(read, write) as session:
        await session.initialize()
        timed_out = ""
        try:
            await session.call_tool(*CALL, read_timeout_seconds=timedelta(seconds=float(patience)))
        except McpError as error:
            timed_out = str(error)
        result = await session.call_tool(*CALL, read_timeout_seconds=timedelta(seconds=30))
        print(json.dumps({"timedOut": timed_out, "meta": result.meta, "text": result.content[0].text}))


asyncio.run(main(*sys.argv[1:]))
