"""AutoGen's tools, of one session that stays open."""

import asyncio
import json
from typing import Any

from autogen_core import CancellationToken
from autogen_ext.tools.mcp import StdioServerParams, create_mcp_server_session, mcp_server_tools
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, report


async def main() -> None:
    server = StdioServerParams(command=COMMAND, args=ARGUMENTS, env=ENVIRONMENT, read_timeout_seconds=60)
    async with create_mcp_server_session(server) as session:
        await session.initialize()
        tools = {tool.name: tool for tool in await mcp_server_tools(server, session)}

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            try:
                content = await tools[tool].run_json(arguments, CancellationToken())
            except Exception as error:  # noqa: BLE001
                return json.loads(str(error))[0]["text"], True
            return content[0].text, False

        await report(tools, call)


asyncio.run(main())
