"""What one gets in fifteen lines from the SDK: the same call, nothing else."""

import os
import socket
import sys
from typing import Any

import httpx2
from mcp.server.mcpserver import MCPServer

server = MCPServer("bare", log_level="WARNING")
client = httpx2.AsyncClient(timeout=900, headers={"authorization": "Bearer key"})


@server.tool()
async def grok_chat_completions(messages: list[dict[str, Any]], model: str = "grok-4") -> str:
    """Sends messages to a Grok model."""
    body = {"model": model, "messages": messages}
    return (await client.post(os.environ["BENCH_URL"], json=body)).text


if __name__ == "__main__":
    if sys.argv[1:] == ["http"]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        print(f"listening on http://127.0.0.1:{port}/mcp", file=sys.stderr, flush=True)
        server.run(transport="streamable-http", port=port, stateless_http=True)
    else:
        server.run()
