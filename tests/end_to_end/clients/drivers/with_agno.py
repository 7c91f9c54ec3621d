"""Agno's tools."""

import asyncio
from typing import Any

from agno.tools.mcp import MCPTools
from mcp import StdioServerParameters
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, report


async def main() -> None:
    server = StdioServerParameters(command=COMMAND, args=ARGUMENTS, env=ENVIRONMENT)
    async with MCPTools(server_params=server, timeout_seconds=60) as tools:

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            result = await tools.functions[tool].entrypoint(**arguments)
            return result.content, False

        await report(tools.functions, call)


asyncio.run(main())
