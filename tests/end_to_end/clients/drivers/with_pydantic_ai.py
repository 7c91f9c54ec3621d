"""Pydantic AI's toolset, which gives its model the JSON of a result."""

import asyncio
import json
from typing import Any

from fastmcp.client.transports import StdioTransport
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, on_progress, report
from pydantic_ai.mcp import MCPToolset


async def main() -> None:
    transport = StdioTransport(COMMAND, ARGUMENTS, env=ENVIRONMENT)
    async with MCPToolset(transport, progress_handler=on_progress, init_timeout=60) as toolset:

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            return json.dumps(await toolset.direct_call_tool(tool, arguments)), False

        await report([tool.name for tool in await toolset.list_tools()], call)


asyncio.run(main())
