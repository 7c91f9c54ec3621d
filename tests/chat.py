"""What a call of the chat tool is given, and what its result holds."""

import json
from typing import Any

from mcp import Client
from mcp_types import CallToolResult

from tests.replay import COMPLETION

CHAT = "grok_chat_completions"
GET = "grok_get_completion"
CANCEL = "grok_cancel_completion"
SEARCH = "grok_search"

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
"""The arguments of a call."""


LIMIT = 2000
"""Bytes of a result, for calls with a result that is cut."""


def completion(*contents: str, **fields: Any) -> dict[str, Any]:
    """A completion with a choice for each content; `fields` go into each message."""
    choices = [
        {"index": index, "message": {"role": "assistant", "content": content, **fields}, "finish_reason": "stop"}
        for index, content in enumerate(contents)
    ]
    return {**COMPLETION, "choices": choices}


def text_of(result: CallToolResult | dict[str, Any]) -> str:
    """The text of a result, as the SDK's client gives it or as it came over the wire."""
    raw = result if isinstance(result, dict) else result.model_dump(by_alias=True)
    return str(raw["content"][0]["text"])


def body_of(result: CallToolResult | dict[str, Any]) -> Any:
    """The JSON of a result's text."""
    return json.loads(text_of(result))


def content_of(result: CallToolResult | dict[str, Any]) -> str:
    """The answer of a completion's first choice."""
    return str(body_of(result)["choices"][0]["message"]["content"])


async def use(client: Client, tool: str, arguments: dict[str, Any], **options: Any) -> tuple[Any, bool]:
    """The JSON of a call's result, and whether it is an error."""
    result = await client.call_tool(tool, arguments, **options)
    return body_of(result), bool(result.is_error)
