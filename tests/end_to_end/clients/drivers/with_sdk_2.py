"""The official Python SDK, 2.x."""

import asyncio
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, progress_for, report


async def main() -> None:
    server = StdioServerParameters(command=COMMAND, args=ARGUMENTS, env=ENVIRONMENT)
    async with Client(stdio_client(server)) as client:

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            result = await client.call_tool(tool, arguments, progress_callback=progress_for(arguments))
            return result.content[0].text, result.is_error

        await report([tool.name for tool in (await client.list_tools()).tools], call)


asyncio.run(main())
