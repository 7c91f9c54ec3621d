"""LangChain's tools, of one session that stays open."""

import asyncio
from typing import Any

from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, on_progress, report


async def main() -> None:
    server = {"transport": "stdio", "command": COMMAND, "args": ARGUMENTS, "env": ENVIRONMENT}
    async with MultiServerMCPClient({"grok": server}).session("grok") as session:
        listed = await load_mcp_tools(session, callbacks=Callbacks(on_progress=on_progress))
        tools = {tool.name: tool for tool in listed}

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            content = await tools[tool].ainvoke(arguments)
            return content[0]["text"], False

        await report(tools, call)


asyncio.run(main())
