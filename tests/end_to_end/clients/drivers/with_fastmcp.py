"""FastMCP's client."""

import asyncio
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, progress_for, report


async def main() -> None:
    async with Client(StdioTransport(COMMAND, ARGUMENTS, env=ENVIRONMENT)) as client:

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            result = await client.call_tool(tool, arguments, progress_handler=progress_for(arguments))
            return result.content[0].text, result.is_error

        await report([tool.name for tool in await client.list_tools()], call)


asyncio.run(main())
