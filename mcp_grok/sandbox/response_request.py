"""The request for a response that the sandbox reads: a chat request under the names of the Responses API."""

from typing import Annotated, Any

from pydantic import AliasPath, BeforeValidator, Field

from mcp_grok.sandbox.chat_request import ChatRequest, Message, ResponseFormat, Tool

SEARCHES = ("web_search", "x_search")
"""The server-side tools that the sandbox plays."""


def _messages(given: Any) -> Any:
    """The input as messages of a chat, without other items of earlier answers."""
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(items, list):
        return items
    messages = [_message(item) if isinstance(item, dict) else item for item in items]
    return [message for message in messages if message is not None]


def _message(item: dict[str, Any]) -> dict[str, Any] | None:
    if item.get("type") == "function_call_output":
        return {"role": "tool", "content": item.get("output")}
    if item.get("type", "message") != "message":
        return None
    content = item.get("content")
    return {**item, "content": [_part(part) for part in content] if isinstance(content, list) else content}


def _part(part: Any) -> Any:
    if isinstance(part, dict) and part.get("type") == "input_image":
        return {"type": "image_url", "image_url": {"url": part.get("image_url")}}
    return {**part, "type": "text"} if isinstance(part, dict) and "text" in part else part


def _tool(given: Any) -> Any:
    return {**given, "function": given} if isinstance(given, dict) and given.get("type") == "function" else given


def _format(given: Any) -> Any:
    return {**given, "json_schema": given} if isinstance(given, dict) else given


FlatTool = Annotated[Tool, BeforeValidator(_tool)]


class ResponseRequest(ChatRequest):
    """The body of a request for a response, with the parameters of xAI's API."""

    messages: Annotated[list[Message], BeforeValidator(_messages)] = Field(min_length=1, alias="input")
    max_tokens: int | None = Field(None, ge=1, alias="max_output_tokens")
    tools: list[FlatTool] | None = None
    tool_choice: str | FlatTool | None = None
    response_format: Annotated[ResponseFormat | None, BeforeValidator(_format)] = Field(
        None, validation_alias=AliasPath("text", "format")
    )
    reasoning_effort: str | None = Field(None, validation_alias=AliasPath("reasoning", "effort"))
    previous_response_id: str | None = None
    store: bool | None = None

    @property
    def searches(self) -> list[str]:
        """The tools with which to search."""
        given = {tool.type for tool in self.tools or []}
        return [search for search in SEARCHES if search in given]
