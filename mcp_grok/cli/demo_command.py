"""`mcp-grok demo`: what the tool does, shown on a real server process against the sandbox."""

import argparse
import base64
import json
import os
import struct
import sys
import zlib
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
from mcp_grok.providers import SANDBOX_KEY
from mcp_grok.sandbox.dialects import DIALECTS, Dialect
from mcp_grok.sandbox.serve import running_sandbox
from mcp_grok.tools.chat import NAME

Arguments = dict[str, Any]

WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CITY_FORMAT = {
    "type": "json_schema",
    "json_schema": {
        "name": "greeting",
        "schema": {
            "type": "object",
            "properties": {"text": {"type": "string"}, "language": {"type": "string", "enum": ["en", "de"]}},
            "required": ["text", "language"],
        },
    },
}


VISION_MODELS = {"acedata": "grok-2-vision"}
"""The model for images, where a provider's default model is not documented to read them."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds which API the sandbox plays."""
    text = "the API that the sandbox plays (default: acedata)"
    parser.add_argument("--provider", choices=DIALECTS, default="acedata", help=text)


def run(options: argparse.Namespace) -> int:
    """Shows every scene; returns the exit status."""
    status = 1
    try:
        status = run_async(partial(run_demo, options.provider))
    except* SystemExit:
        # rich raises it when nothing reads its output any more.
        pass
    return status


async def run_demo(provider: str) -> int:
    """Runs every scene; returns 0, or 1 when a scene did not go as it should.

    Args:
        provider: Whose dialect the sandbox speaks, a key of `DIALECTS`.
    """
    console = Console(highlight=False)
    console.print(Rule(f"mcp-grok over stdio, against the sandbox that plays {provider}"))
    async with running_sandbox() as address:
        surprises = await _scenes(console, provider, _server(DIALECTS[provider], address))
    console.print(Rule("done" if not surprises else "not as it should be"))
    for surprise in surprises:
        console.print(surprise)
    return 1 if surprises else 0


def _server(dialect: Dialect, address: str) -> StdioServerParameters:
    # Whatever is configured, the demo calls the sandbox and nothing else.
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith("MCP_GROK_")}
    settings = {
        "MCP_GROK_PROVIDER": dialect.name,
        "MCP_GROK_API_KEY": SANDBOX_KEY,
        "MCP_GROK_BASE_URL": address + dialect.base,
        "MCP_GROK_LOG_LEVEL": "ERROR",
        "MCP_GROK_HANDOFF_AFTER": "2",
    }
    if dialect.name == "custom":
        settings["MCP_GROK_DEFAULT_MODEL"] = dialect.models[0]
    return StdioServerParameters(command=sys.executable, args=["-m", "mcp_grok"], env={**inherited, **settings})


async def _scenes(console: Console, provider: str, server: StdioServerParameters) -> list[str]:
    """Shows the scenes; returns what surprised."""
    async with Client(stdio_client(server)) as client:
        demo = _Demo(console, client)
        await demo.list_tools()
        await demo.plain()
        await demo.streamed()
        await demo.conversation()
        await demo.image(VISION_MODELS.get(provider))
        await demo.tool_call()
        await demo.json_output()
        await demo.hand_off()
        await demo.error()
    return demo.surprises


class _Demo:
    def __init__(self, console: Console, client: Client) -> None:
        self.surprises: list[str] = []
        self._console = console
        self._client = client

    async def list_tools(self) -> None:
        listing = await self._client.list_tools()
        table = Table("tool", "parameters", title="tools/list", title_justify="left")
        for tool in listing.tools:
            table.add_row(tool.name, ", ".join(tool.input_schema["properties"]))
        self._console.print(table)

    async def plain(self) -> None:
        answer = await self._scene("A plain call", {"messages": [_user("Hello")], "stream": False})
        self._expect("plain", "You said" in _content(answer))

    async def streamed(self) -> None:
        pieces: list[str] = []

        async def show(progress: float, total: float | None, message: str | None) -> None:
            pieces.append(message or "")
            self._console.print(message or "", end="", style="green", markup=False, soft_wrap=True)

        arguments = {"messages": [_user("Tell me how streaming looks.")], "stream": True}
        self._show_request("A streamed call: the text as it comes, as progress notifications", arguments)
        result = await self._client.call_tool(NAME, arguments, progress_callback=show)
        self._console.print()
        answer = self._show_result(result, "and the whole as the result")
        self._expect("streamed", "".join(pieces) == _content(answer) and len(pieces) > 1)

    async def conversation(self) -> None:
        messages = [
            _user("Hello"),
            {"role": "assistant", "content": "What model are you?"},
            _user("What did I just say?"),
        ]
        answer = await self._scene("Several turns", {"messages": messages})
        self._expect("several turns", "Hello" in _content(answer))

    async def image(self, model: str | None) -> None:
        url = "data:image/png;base64," + base64.b64encode(_png(16, 9)).decode()
        parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
        arguments: Arguments = {"messages": [{"role": "user", "content": parts}]}
        answer = await self._scene("An image", {"model": model, **arguments} if model else arguments)
        self._expect("image", "16 x 9" in _content(answer))

    async def tool_call(self) -> None:
        messages = [_user("What is the weather in Paris?")]
        asked = await self._scene("A tool call, first turn", {"messages": messages, "tools": [WEATHER_TOOL]})
        message = asked["choices"][0]["message"]
        call = message["tool_calls"][0]
        self._expect("tool call", json.loads(call["function"]["arguments"]) == {"city": "Paris"})
        messages += [message, {"role": "tool", "tool_call_id": call["id"], "content": "18 degrees, sunny"}]
        answer = await self._scene("… and the second, with its result", {"messages": messages, "tools": [WEATHER_TOOL]})
        self._expect("tool result", "18 degrees" in _content(answer))

    async def json_output(self) -> None:
        answer = await self._scene(
            "JSON by a schema", {"messages": [_user("Greet me.")], "response_format": CITY_FORMAT}
        )
        self._expect("JSON", json.loads(_content(answer))["language"] == "en")

    async def hand_off(self) -> None:
        arguments = {"messages": [_user("Think hard.")], "model": "sandbox-slow:3"}
        pending = await self._scene("A call that takes longer than the client waits is handed off …", arguments)
        self._expect("hand-off", pending.get("object") == "chat.completion.pending")
        step = pending["next"]
        answer = await self._scene("… and fetched, without paying again", step["arguments"], step["tool"])
        self._expect("fetching", "Think hard" in _content(answer))

    async def error(self) -> None:
        answer = await self._scene(
            "An error, told as it is", {"messages": [_user("Hello")], "model": "sandbox-used_up"}
        )
        self._expect("error", answer["error"]["code"] == "used_up" and answer["error"]["billed"] == "no")

    async def _scene(self, title: str, arguments: Arguments, tool: str = NAME) -> dict[str, Any]:
        self._show_request(title, arguments, tool)
        return self._show_result(await self._client.call_tool(tool, arguments), "result")

    def _show_request(self, title: str, arguments: Arguments, tool: str = NAME) -> None:
        self._console.print()
        self._console.print(Text(title, style="bold"))
        self._show(tool, _shortened(arguments), "default")

    def _show_result(self, result: CallToolResult, title: str) -> dict[str, Any]:
        texts = [block.text for block in result.content if isinstance(block, TextContent)]
        answer: dict[str, Any] = json.loads(texts[0])
        shown = {**answer, "usage": _counts(answer["usage"])} if "usage" in answer else answer
        self._show(title, shown, "red" if result.is_error else "green")
        return answer

    def _show(self, title: str, value: Any, style: str) -> None:
        text = json.dumps(value, ensure_ascii=False, indent=2)
        if self._console.is_terminal:
            code = Syntax(text, "json", theme="ansi_dark", word_wrap=True)
            self._console.print(Panel(code, title=title, title_align="left", border_style=style))
        else:
            self._console.print(f"{title}: {text}", soft_wrap=True, markup=False)

    def _expect(self, scene: str, as_it_should: bool) -> None:
        if not as_it_should:
            self.surprises.append(f"the scene {scene!r} did not go as it should")


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def _content(answer: dict[str, Any]) -> str:
    return str(answer.get("choices", [{}])[0].get("message", {}).get("content"))


def _counts(usage: dict[str, Any]) -> dict[str, Any]:
    return {name: usage[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")}


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 80:
        return value[:60] + "…"
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    return value


def _png(width: int, height: int) -> bytes:
    """A plain grey picture."""
    rows = (b"\0" + b"\x80" * width) * height
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
