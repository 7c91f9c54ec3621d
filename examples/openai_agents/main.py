"""An agent whose model has Grok as a tool."""

import asyncio
import os
import sys

from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from agents.mcp import MCPServerStdio
from openai import AsyncOpenAI

KEYS = ("MCP_GROK_PROVIDER", "MCP_GROK_API_KEY", "ACEDATACLOUD_API_TOKEN", "LLMPROVIDER_API_KEY", "XAI_API_KEY")
# Without a key, the sandbox.
SANDBOX = {} if any(name in os.environ for name in KEYS) else {"MCP_GROK_PROVIDER": "sandbox"}

MODEL_URL = os.environ.get("AGENT_MODEL_URL", "http://127.0.0.1:8080/v1")


async def main(wish: str) -> None:
    set_tracing_disabled(True)
    environment = {**SANDBOX, **os.environ}
    model = OpenAIChatCompletionsModel("grok-4", AsyncOpenAI(base_url=MODEL_URL, api_key="sandbox-key"))
    server = MCPServerStdio({"command": "mcp-grok", "env": environment}, client_session_timeout_seconds=60)
    async with server as grok:
        agent = Agent("Assistant", model=model, mcp_servers=[grok])
        result = await Runner.run(agent, wish)
    print(result.final_output)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "Use grok_chat_completions to say hello."))
