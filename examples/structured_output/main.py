"""Asks for a recipe as JSON that fits a schema."""

import asyncio
import json
import os
import sys
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

KEYS = ("MCP_GROK_PROVIDER", "MCP_GROK_API_KEY", "ACEDATACLOUD_API_TOKEN", "LLMPROVIDER_API_KEY", "XAI_API_KEY")
# Without a key, the sandbox.
SANDBOX = {} if any(name in os.environ for name in KEYS) else {"MCP_GROK_PROVIDER": "sandbox"}

RECIPE = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "minutes": {"type": "integer", "minimum": 1},
        "ingredients": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    },
    "required": ["title", "minutes", "ingredients"],
    "additionalProperties": False,
}


async def main(wish: str) -> None:
    environment = {**SANDBOX, **os.environ}
    server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_grok"], env=environment)
    async with Client(stdio_client(server)) as client:
        result: Any = await client.call_tool(
            "grok_chat_completions",
            {
                "messages": [{"role": "user", "content": wish}],
                "response_format": {"type": "json_schema", "json_schema": {"name": "recipe", "schema": RECIPE}},
            },
        )
    answer = json.loads(result.content[0].text)
    if result.is_error:
        sys.exit(answer["error"]["message"])
    for problem in (result.meta or {}).get("mcp-grok/invalid_json", []):
        sys.exit(f"{problem['path']}: {problem['problem']}")
    recipe = json.loads(answer["choices"][0]["message"]["content"])
    print(f"{recipe['title']}, {recipe['minutes']} minutes: {', '.join(recipe['ingredients'])}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "A recipe for bread"))
