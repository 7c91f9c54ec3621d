"""The tools of Strands Agents."""

import asyncio
from typing import Any

from mcp import StdioServerParameters
from mcp.client.stdio import stdio_client
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, on_progress, report
from strands.tools.mcp import MCPClient

server = StdioServerParameters(command=COMMAND, args=ARGUMENTS, env=ENVIRONMENT)
with MCPClient(lambda: stdio_client(server), progress_callback=on_progress) as client:
    tools = {tool.tool_name: tool for tool in client.list_tools_sync()}

    async def call(tool: str, arguments: dict[str, Any]) -> Seen:
        use = {"toolUseId": "1", "name": tool, "input": arguments}
        events = [event async for event in tools[tool].stream(use, {})]
        result = events[-1]["tool_result"]
        return result["content"][0]["text"], result["status"] == "error"

    asyncio.run(report(tools, call))
