"""CrewAI's tools."""

import asyncio
from typing import Any

from crewai_tools import MCPServerAdapter
from mcp import StdioServerParameters
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, report

with MCPServerAdapter(StdioServerParameters(command=COMMAND, args=ARGUMENTS, env=ENVIRONMENT)) as listed:
    tools = {tool.name: tool for tool in listed}

    async def call(tool: str, arguments: dict[str, Any]) -> Seen:
        return tools[tool].run(**arguments), False

    asyncio.run(report(tools, call))
