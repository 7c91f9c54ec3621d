"""`mcp-grok demo`: shows the tools on a real server process with the sandbox."""

import argparse
import json
import os
import sys
from functools import partial
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, TextContent
from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from mcp_grok.cli.startup import run_async
from mcp_grok.cli.terminal import styled_stdout
from mcp_grok.providers import SANDBOX_KEY
from mcp_grok.sandbox.apis import APIS, Api
from mcp_grok.sandbox.serve_sandbox import running_sandbox
from mcp_grok.tools.chat import NAME

Json = dict[str, Any]

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAJCAAAAAAeQfPuAAAAD0lEQVR42mNoQAMMg0QAAIXUSAG1CN3UAAAAAElFTkSuQmCC"
WEATHER_PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER_TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER_PARAMETERS}}
GREETING_SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}, "language": {"enum": ["en", "de"]}}}
GREETING_FORMAT = {"type": "json_schema", "json_schema": {"name": "greeting", "schema": GREETING_SCHEMA}}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the choice of the API that the sandbox simulates."""
    text = "the API that the sandbox simulates (default: acedata)"
    parser.add_argument("--provider", choices=APIS, default="acedata", help=text)


def run(options: argparse.Namespace) -> int:
    """Shows every scene; returns the exit status."""
    status = 1
    try:
        status = run_async(partial(run_demo, options.provider))
    except* SystemExit:
        # rich raises it if the reader of its output has ended.
        pass
    return status


async def run_demo(provider: str) -> int:
    """Runs every scene; returns 0, or 1 if a scene failed.

    Args:
        provider: The provider that the sandbox simulates, a key of `APIS`.
    """
    console = Console(highlight=False, file=styled_stdout())
    console.print(Rule(f"mcp-grok over stdio, with the sandbox that simulates {provider}"))
    async with running_sandbox() as address, Client(stdio_client(_server(APIS[provider], address))) as client:
        demo = _Demo(console, client)
        scenes = (demo.list_tools, demo.plain, demo.streamed, demo.conversation, demo.image, demo.tool_call)
        for scene in (*scenes, demo.json_output, demo.hand_off, demo.error):
            await scene()
    console.print(Rule(f"failed: {', '.join(demo.failed)}" if demo.failed else "done"))
    return 1 if demo.failed else 0


def _server(api: Api, address: str) -> StdioServerParameters:
    # The user's settings are removed, so that the demo calls only the sandbox.
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith("MCP_GROK_")}
    settings = {
        "MCP_GROK_PROVIDER": api.provider.name,
        "MCP_GROK_API_KEY": SANDBOX_KEY,
        "MCP_GROK_BASE_URL": address + api.base,
        "MCP_GROK_LOG_LEVEL": "ERROR",
        "MCP_GROK_HANDOFF_AFTER": "2",
        "MCP_GROK_DEFAULT_MODEL": api.provider.default_model or api.models[0],
    }
    return StdioServerParameters(command=sys.executable, args=["-m", "mcp_grok"], env={**inherited, **settings})


class _Demo:
    """The scenes, and the titles of those that failed."""

    def __init__(self, console: Console, client: Client) -> None:
        self.failed: list[str] = []
        self._console = console
        self._client = client

    async def list_tools(self) -> None:
        table = Table("tool", "parameters", title="tools/list", title_justify="left")
        for tool in (await self._client.list_tools()).tools:
            table.add_row(tool.name, ", ".join(tool.input_schema["properties"]))
        self._console.print(table)

    async def plain(self) -> None:
        answer = await self._scene("A plain call", {"messages": [_user("Hello")], "stream": False})
        self._expect("You said" in _text(answer), "plain")

    async def streamed(self) -> None:
        pieces: list[str] = []

        async def show(progress: float, total: float | None, message: str | None) -> None:
            pieces.append(message or "")
            self._console.print(message or "", end="", style="green", markup=False, soft_wrap=True)

        arguments = {"messages": [_user("Tell me how streaming looks.")], "stream": True}
        self._show_request("A streamed call: the text arrives in progress notifications", arguments)
        result = await self._client.call_tool(NAME, arguments, progress_callback=show)
        self._console.print()
        answer = self._show_result(result, "the result has the whole text")
        self._expect("".join(pieces) == _text(answer) and len(pieces) > 1, "streamed")

    async def conversation(self) -> None:
        messages = [_user("Hello"), {"role": "assistant", "content": "Hi!"}, _user("What did I just say?")]
        answer = await self._scene("Several turns", {"messages": messages})
        self._expect("Hello" in _text(answer), "several turns")

    async def image(self) -> None:
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
        parts = [{"type": "text", "text": "What is this?"}, picture]
        answer = await self._scene("An image", {"messages": [{"role": "user", "content": parts}]})
        self._expect("16 x 9" in _text(answer), "image")

    async def tool_call(self) -> None:
        arguments: Json = {"messages": [_user("What is the weather in Paris?")], "tools": [WEATHER_TOOL]}
        answer = await self._scene("A tool call, first turn", arguments)
        message = answer["choices"][0]["message"]
        [call] = message["tool_calls"]
        self._expect(json.loads(call["function"]["arguments"]) == {"city": "Paris"}, "tool call")
        result = {"role": "tool", "tool_call_id": call["id"], "content": "18 degrees, sunny"}
        arguments["messages"] += [message, result]
        answer = await self._scene("… and the second, with its result", arguments)
        self._expect("18 degrees" in _text(answer), "tool result")

    async def json_output(self) -> None:
        arguments = {"messages": [_user("Greet me.")], "response_format": GREETING_FORMAT}
        answer = await self._scene("JSON by a schema", arguments)
        self._expect(json.loads(_text(answer))["language"] == "en", "JSON")

    async def hand_off(self) -> None:
        arguments = {"messages": [_user("Think hard.")], "model": "sandbox-slow:3"}
        pending = await self._scene("A call that takes longer than the client waits is handed off …", arguments)
        self._expect(pending["object"] == "chat.completion.pending", "hand-off")
        step = pending["next"]
        answer = await self._scene("… and fetched, without paying again", step["arguments"], step["tool"])
        self._expect("Think hard" in _text(answer), "fetching")

    async def error(self) -> None:
        arguments = {"messages": [_user("Hello")], "model": "sandbox-used_up"}
        error = (await self._scene("An error, as the provider reports it", arguments))["error"]
        self._expect((error["code"], error["billed"]) == ("used_up", "no"), "error")

    async def _scene(self, title: str, arguments: Json, tool: str = NAME) -> Json:
        self._show_request(title, arguments, tool)
        return self._show_result(await self._client.call_tool(tool, arguments), "result")

    def _show_request(self, title: str, arguments: Json, tool: str = NAME) -> None:
        self._console.print()
        self._console.print(Text(title, style="bold"))
        self._show(tool, arguments, "default")

    def _show_result(self, result: CallToolResult, title: str) -> Json:
        [content] = [block for block in result.content if isinstance(block, TextContent)]
        answer: Json = json.loads(content.text)
        self._show(title, answer, "red" if result.is_error else "green")
        return answer

    def _show(self, title: str, value: Json, style: str) -> None:
        text = json.dumps(value, ensure_ascii=False, indent=2).replace(PICTURE, PICTURE[:20] + "…")
        if self._console.is_terminal:
            code = Syntax(text, "json", theme="ansi_dark", word_wrap=True)
            self._console.print(Panel(code, title=title, title_align="left", border_style=style))
        else:
            self._console.print(f"{title}: {text}", soft_wrap=True, markup=False)

    def _expect(self, went_well: bool, scene: str) -> None:
        if not went_well:
            self.failed.append(scene)


def _user(text: str) -> Json:
    return {"role": "user", "content": text}


def _text(answer: Json) -> str:
    return str(answer.get("choices", [{}])[0].get("message", {}).get("content"))
