"""The function tools of OpenAI's Agents SDK."""

import asyncio
import json
from typing import Any

from agents.mcp import MCPServerStdio, MCPUtil
from agents.tool_context import ToolContext
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, report


async def main() -> None:
    async with MCPServerStdio({"command": COMMAND, "args": ARGUMENTS, "env": ENVIRONMENT}) as server:
        listed = await server.list_tools()
        tools = {tool.name: MCPUtil.to_function_tool(tool, server, True) for tool in listed}

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            given = json.dumps(arguments)
            context = ToolContext(context=None, tool_name=tool, tool_call_id="1", tool_arguments=given)
            output = await tools[tool].on_invoke_tool(context, given)
            return output["text"], False

        await report(tools, call)


asyncio.run(main())
