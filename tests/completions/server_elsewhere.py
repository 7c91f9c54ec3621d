"""A server over stdio whose calls run in other processes."""

import anyio

from mcp_grok.completions.distributed import open_distributed
from mcp_grok.server import create_server
from mcp_grok.settings import Settings
from mcp_grok.stdio import stdio_streams


async def main() -> None:
    settings = Settings()
    async with open_distributed(settings, run_calls=False) as completions:
        server = create_server(settings, completions)
        async with stdio_streams() as (reader, writer):
            await server.run(reader, writer, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
