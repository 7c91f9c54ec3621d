"""The tools of smolagents."""

import asyncio
from typing import Any

from mcp import StdioServerParameters
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, report
from smolagents import ToolCollection

server = StdioServerParameters(command=COMMAND, args=ARGUMENTS, env=ENVIRONMENT)
with ToolCollection.from_mcp(server, trust_remote_code=True, structured_output=False) as collection:
    tools = {tool.name: tool for tool in collection.tools}

    async def call(tool: str, arguments: dict[str, Any]) -> Seen:
        return tools[tool](**arguments), False

    asyncio.run(report(tools, call))
