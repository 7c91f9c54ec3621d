"""mcporter's command line."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

from plan import ARGUMENTS, COMMAND, ENVIRONMENT, Seen, report

server = {"command": COMMAND, "args": ARGUMENTS, "env": ENVIRONMENT}
Path("mcporter.json").write_text(json.dumps({"mcpServers": {"grok": server}}), encoding="utf-8")


def mcporter(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["mcporter", "--config", "mcporter.json", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)


async def call(tool: str, arguments: dict[str, Any]) -> Seen:
    ended = mcporter("call", f"grok.{tool}", "--args", json.dumps(arguments), "--output", "text")
    return ended.stdout, ended.returncode != 0


listed = json.loads(mcporter("list", "grok", "--json").stdout)["tools"]
asyncio.run(report([tool["name"] for tool in listed], call))
