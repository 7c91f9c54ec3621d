"""The Inspector's command line."""

import asyncio
import json
import subprocess
from typing import Any

from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, report

VARIABLES = [part for name, value in ENVIRONMENT.items() for part in ("-e", f"{name}={value}")]


def inspect(*arguments: str) -> Any:
    command = ["mcp-inspector", "--cli", COMMAND, *ARGUMENTS, *VARIABLES, *arguments, "--format", "json"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout)["result"]


async def call(tool: str, arguments: dict[str, Any]) -> Seen:
    result = inspect("--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))
    return result["content"][0]["text"], result.get("isError", False)


asyncio.run(report([tool["name"] for tool in inspect("--method", "tools/list")["tools"]], call))
