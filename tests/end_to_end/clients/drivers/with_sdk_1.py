"""The official Python SDK, 1.x."""

import asyncio
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, progress_for, report


async def main() -> None:
    server = StdioServerParameters(command=COMMAND, args=ARGUMENTS, env=ENVIRONMENT)
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            result = await session.call_tool(tool, arguments, progress_callback=progress_for(arguments))
            return result.content[0].text, result.isError

        await report([tool.name for tool in (await session.list_tools()).tools], call)


asyncio.run(main())
