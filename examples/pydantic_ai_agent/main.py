"""An agent whose model has Grok as a tool."""

import asyncio
import os
import sys

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

KEYS = ("MCP_GROK_PROVIDER", "MCP_GROK_API_KEY", "ACEDATACLOUD_API_TOKEN", "LLMPROVIDER_API_KEY", "XAI_API_KEY")
# Without a key, the sandbox.
SANDBOX = {} if any(name in os.environ for name in KEYS) else {"MCP_GROK_PROVIDER": "sandbox"}

MODEL_URL = os.environ.get("AGENT_MODEL_URL", "http://127.0.0.1:8080/v1")


async def main(wish: str) -> None:
    environment = {**SANDBOX, **os.environ}
    grok = MCPToolset(StdioTransport(command="mcp-grok", args=[], env=environment))
    model = OpenAIChatModel("grok-4", provider=OpenAIProvider(base_url=MODEL_URL, api_key="sandbox-key"))
    async with Agent(model, toolsets=[grok]) as agent:
        result = await agent.run(wish)
    print(result.output)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "Use grok_chat_completions to say hello."))
