"""The session of mcp-use."""

import asyncio
from typing import Any

from mcp_use import MCPClient
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, report


async def main() -> None:
    client = MCPClient({"mcpServers": {"grok": {"command": COMMAND, "args": ARGUMENTS, "env": ENVIRONMENT}}})
    session = await client.create_session("grok")

    async def call(tool: str, arguments: dict[str, Any]) -> Seen:
        result = await session.call_tool(tool, arguments)
        return result.content[0].text, result.isError

    await report([tool.name for tool in await session.list_tools()], call)
    await client.close_all_sessions()


asyncio.run(main())
