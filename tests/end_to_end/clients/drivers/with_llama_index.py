"""LlamaIndex's function tools. Their model gets the result as Python shows it, with the text in it."""

import asyncio
from typing import Any

from llama_index.tools.mcp import BasicMCPClient, McpToolSpec
from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, report


async def main() -> None:
    listed = await McpToolSpec(BasicMCPClient(COMMAND, ARGUMENTS, env=ENVIRONMENT)).to_tool_list_async()
    tools = {tool.metadata.name: tool for tool in listed}

    async def call(tool: str, arguments: dict[str, Any]) -> Seen:
        output = await tools[tool].acall(**arguments)
        return output.raw_output.content[0].text, output.is_error

    await report(tools, call)


asyncio.run(main())
