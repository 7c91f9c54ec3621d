"""The request that the sandbox reads: only what shapes its answer. It ignores all other parameters."""

from typing import Any

from pydantic import BaseModel, Field


class ImageUrl(BaseModel):
    """The address of an image, or a `data:` URL with the image."""

    url: str


class Part(BaseModel):
    """A part of a message: a text or an image."""

    type: str
    text: str = ""
    image_url: ImageUrl | None = None


class Message(BaseModel):
    """A message of the conversation."""

    role: str
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """Its text, with all its parts."""
        if isinstance(self.content, list):
            return " ".join(part.text for part in self.content if part.type == "text")
        return self.content or ""

    @property
    def images(self) -> list[str]:
        """The URLs of its images."""
        parts = self.content if isinstance(self.content, list) else []
        return [part.image_url.url for part in parts if part.image_url]


class Function(BaseModel):
    """A function that may be called, or the name of the one that must be."""

    name: str
    parameters: dict[str, Any] | None = None


class Tool(BaseModel):
    """A tool of the caller. Only functions are called."""

    type: str = "function"
    function: Function | None = None


class ResponseFormat(BaseModel):
    """The form that the answer must have: `text`, `json_object` or `json_schema`."""

    type: str
    json_schema: dict[str, Any] | None = None


class StreamOptions(BaseModel):
    """What a stream states besides the answer."""

    include_usage: bool | None = None


class ChatRequest(BaseModel):
    """The body of a request for a chat completion, with the parameters of OpenAI's API."""

    model: str = Field(min_length=1)
    messages: list[Message] = Field(min_length=1)
    n: int | None = Field(None, ge=1, le=128)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    stop: str | list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: str | Tool | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None

    @property
    def functions(self) -> list[Function]:
        """The functions that may be called."""
        return [tool.function for tool in self.tools or [] if tool.function]
