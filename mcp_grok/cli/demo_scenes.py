"""The scenes of the demo: what each shows, and whether it went as it should."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from mcp import Client
from mcp.shared.dispatcher import ProgressFnT
from mcp_types import TextContent
from rich.console import Console

from mcp_grok.cli.demo_lines import bill_line, call_line, result_line
from mcp_grok.cli.terminal import wrapped
from mcp_grok.sandbox.apis import Api
from mcp_grok.toolsets import CHAT, TEXT_TO_VIDEO

Json = dict[str, Any]

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAJCAAAAAAeQfPuAAAAD0lEQVR42mNoQAMMg0QAAIXUSAG1CN3UAAAAAElFTkSuQmCC"
WEATHER_PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER_TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER_PARAMETERS}}
GREETING_SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}, "language": {"enum": ["en", "de"]}}}
GREETING_FORMAT = {"type": "json_schema", "json_schema": {"name": "greeting", "schema": GREETING_SCHEMA}}


class Stage:
    """A client of the server, and the console on which its calls are shown."""

    def __init__(self, client: Client, console: Console) -> None:
        self.client = client
        self._console = console

    async def call(self, arguments: Json, tool: str = CHAT, on_progress: ProgressFnT | None = None) -> Json:
        """Calls a tool, shows the call and its result, and returns the result."""
        self.show("  > ", call_line(tool, arguments))
        result = await self.client.call_tool(tool, arguments, progress_callback=on_progress)
        [content] = [block for block in result.content if isinstance(block, TextContent)]
        answer: Json = json.loads(content.text)
        self.show("  < ", result_line(answer), "red" if result.is_error else "green")
        self.show("    ", bill_line(answer, (result.meta or {}).get("mcp-grok/cost")), "dim")
        return answer

    def show(self, begin: str, text: str, style: str = "") -> None:
        """Prints a text, if there is any, wrapped to the width of the console."""
        if text:
            lines = wrapped(begin, text, self._console.width)
            self._console.print(lines, style=style, markup=False, soft_wrap=True)


async def tools(stage: Stage) -> bool:
    names = [tool.name for tool in (await stage.client.list_tools()).tools]
    stage.show("  < ", ", ".join(names), "green")
    return CHAT in names


async def question(stage: Stage) -> bool:
    answer = await stage.call({"messages": [_user("Hello")]})
    return 'You said: "Hello"' in _text(answer)


async def streamed(stage: Stage) -> bool:
    pieces: list[str] = []

    async def show(progress: float, total: float | None, message: str | None) -> None:
        pieces.append(message or "")
        stage.show("  < ", f"progress {json.dumps(message, ensure_ascii=False)}", "cyan")

    answer = await stage.call({"messages": [_user("Hello")], "stream": True}, on_progress=show)
    return "".join(pieces) == _text(answer) and len(pieces) > 1


async def conversation(stage: Stage) -> bool:
    earlier = [_user("Hello"), {"role": "assistant", "content": "Hi!"}]
    answer = await stage.call({"messages": [*earlier, _user("What did I say?")]})
    return "Hello" in _text(answer)


async def image(stage: Stage) -> bool:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
    parts = [{"type": "text", "text": "What is this?"}, picture]
    answer = await stage.call({"messages": [{"role": "user", "content": parts}]})
    return "16 x 9" in _text(answer)


async def function(stage: Stage) -> bool:
    arguments: Json = {"messages": [_user("How is the weather in Paris?")], "tools": [WEATHER_TOOL]}
    message = (await stage.call(arguments))["choices"][0]["message"]
    [call] = message["tool_calls"]
    returned = {"role": "tool", "tool_call_id": call["id"], "content": "18 degrees, sunny"}
    arguments["messages"] += [message, returned]
    answer = await stage.call(arguments)
    return json.loads(call["function"]["arguments"]) == {"city": "Paris"} and "18 degrees" in _text(answer)


async def json_output(stage: Stage) -> bool:
    answer = await stage.call({"messages": [_user("Greet me.")], "response_format": GREETING_FORMAT})
    return bool(json.loads(_text(answer))["language"] == "en")


async def error(stage: Stage) -> bool:
    reported = (await stage.call({"messages": [_user("Hello")], "model": "sandbox-used_up"}))["error"]
    return (reported["code"], reported["billed"]) == ("used_up", "no")


async def hand_off(stage: Stage) -> bool:
    pending = await stage.call({"messages": [_user("Think hard.")], "model": "sandbox-slow:3"})
    step = pending["next"]
    answer = await stage.call(step["arguments"], step["tool"])
    return pending["object"] == "chat.completion.pending" and "Think hard" in _text(answer)


async def video(stage: Stage) -> bool:
    answer = await stage.call({"prompt": "A red fox in the snow", "duration": 6}, TEXT_TO_VIDEO)
    while "next" in answer:
        answer = await stage.call(answer["next"]["arguments"], answer["next"]["tool"])
    return str(answer["videos"][0]["url"]).endswith(".mp4")


Scene = Callable[[Stage], Coroutine[Any, Any, bool]]
"""Makes its calls; returns whether they went as they should."""

SCENES: dict[Scene, str] = {
    tools: "A client finds the tools: to ask, and to get answers that take long.",
    question: "A question gets the whole answer, and what it used and cost.",
    streamed: "A streamed answer comes piece by piece; the result has it whole.",
    conversation: "In a conversation, the client sends all its messages again.",
    image: "A picture goes with the question.",
    function: "The model calls a function of yours, and answers with what it returned.",
    json_output: "An answer can be JSON that follows your schema.",
    error: "An error says what happened, what to do, and whether the call is billed.",
    hand_off: "A long call is handed off, and its answer is fetched: paid for once.",
}
"""The scenes in order, with the point of each."""

VIDEO_SCENES: dict[Scene, str] = {video: "A video is made, for a server that lists the tools for it."}
"""The further scenes of an API that makes videos."""


def scenes_of(api: Api) -> dict[Scene, str]:
    """The scenes that an API can show."""
    return {**SCENES, **(VIDEO_SCENES if api.videos else {})}


def _user(text: str) -> Json:
    return {"role": "user", "content": text}


def _text(answer: Json) -> str:
    return str(answer["choices"][0]["message"]["content"])
