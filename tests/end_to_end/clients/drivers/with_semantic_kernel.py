"""Semantic Kernel's plugin."""

import asyncio
from typing import Any

from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, report
from semantic_kernel import Kernel
from semantic_kernel.connectors.mcp import MCPStdioPlugin


async def main() -> None:
    async with MCPStdioPlugin(name="grok", command=COMMAND, args=ARGUMENTS, env=ENVIRONMENT) as plugin:
        kernel = Kernel()
        functions = kernel.add_plugin(plugin).functions

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            result = await functions[tool].invoke(kernel, **arguments)
            return result.value[0].text, False

        await report([name for name in functions if name.startswith("grok_") and "completion" in name], call)


asyncio.run(main())
