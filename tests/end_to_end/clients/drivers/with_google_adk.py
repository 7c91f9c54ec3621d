"""The tools of Google's Agent Development Kit."""

import asyncio
from typing import Any

from google.adk.tools.mcp_tool import McpToolset, StdioConnectionParams
from mcp import StdioServerParameters
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, on_progress, report


async def main() -> None:
    server = StdioServerParameters(command=COMMAND, args=ARGUMENTS, env=ENVIRONMENT)
    parameters = StdioConnectionParams(server_params=server, timeout=60)
    toolset = McpToolset(connection_params=parameters, progress_callback=on_progress)
    tools = {tool.name: tool for tool in await toolset.get_tools()}

    async def call(tool: str, arguments: dict[str, Any]) -> Seen:
        result = await tools[tool].run_async(args=arguments, tool_context=None)
        return result["content"][0]["text"], result["isError"]

    await report(tools, call)
    await toolset.close()


asyncio.run(main())
