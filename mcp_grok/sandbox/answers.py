"""What the sandbox answers: the same to the same request, and clear about being a sandbox."""

import base64
import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any
from urllib.parse import urlsplit

from mcp_grok.sandbox.chat_request import ChatRequest, Function, Message, Tool
from mcp_grok.sandbox.schema_example import schema_example

NOTICE = "This is the mcp-grok sandbox, not Grok."
REASONING = "A sandbox does not think. A model's reasoning would be here."

IMAGE_TOKENS = 256
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
WORD = r"\w+|[^\w\s]"


@dataclass(slots=True)
class Answer:
    """One choice of a completion.

    Attributes:
        text: The text; None with tool calls.
        tool_calls: The tool calls, as the API returns them.
        reasoning: The reasoning; empty unless the request has a `reasoning_effort`.
        finish_reason: `stop`, `length` or `tool_calls`.
    """

    text: str | None
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    reasoning: str = ""
    finish_reason: str = "stop"


def answer(request: ChatRequest, index: int, sources: Sequence[str] = ()) -> Answer:
    """The answer to a request.

    Args:
        request: The request.
        index: The index of the choice.
        sources: The addresses that a text cites.
    """
    reasoning = REASONING if request.reasoning_effort not in (None, "none") else ""
    calls = _tool_calls(request, index)
    if calls:
        return Answer(None, calls, reasoning, "tool_calls")
    cited = "".join(f" {citation(str(number), url)}" for number, url in enumerate(sources, 1))
    text = _json(request) or _text(request.messages) + (f" (Answer {index + 1}.)" if index else "") + cited
    text, finish_reason = _shortened(text, request)
    return Answer(text, [], reasoning, finish_reason)


def citation(number: str, url: str) -> str:
    """A link to a source inside a text, as xAI writes it."""
    return f"[[{number}]]({url})"


def count_tokens(text: str) -> int:
    """The tokens of a text: its words and punctuation marks."""
    return len(re.findall(WORD, text))


def count_prompt_tokens(request: ChatRequest) -> int:
    """The tokens of a request: its texts and images, and three a message."""
    return sum(count_tokens(message.text) + IMAGE_TOKENS * len(message.images) + 3 for message in request.messages)


def _text(messages: list[Message]) -> str:
    last = messages[-1]
    if last.role == "tool":
        return f"{NOTICE} {_tool_results(messages)}"
    earlier = [message.text for message in messages[:-1] if message.role == "user"]
    if earlier and re.search(r"what did i (just )?say", last.text, re.IGNORECASE):
        return f'{NOTICE} You said, "{earlier[-1]}."'
    if last.images:
        return f"{NOTICE} {_images(last.images)}"
    return f'{NOTICE} It repeats your message, so you can try everything except the model. You said: "{last.text}"'


def _tool_results(messages: list[Message]) -> str:
    """The results of the last turn's tool calls."""
    results = list(takewhile(lambda message: message.role == "tool", reversed(messages)))[::-1]
    text = f"The tool{'s' * (len(results) > 1)} returned: {'; '.join(result.text for result in results)}"
    urls = [url for result in results for url in result.images]
    return f"{text} {_images(urls)}" if urls else text


def _images(urls: list[str]) -> str:
    images = "; ".join(map(_image, urls))
    return f"It cannot see, but it received {len(urls)} image{'s' * (len(urls) > 1)}: {images}."


def _image(url: str) -> str:
    if not url.startswith("data:"):
        return f"one at {urlsplit(url).hostname}, which a sandbox does not fetch"
    head, _, data = url.partition(",")
    try:
        content = base64.b64decode(data, validate=True)
    except ValueError:
        return "one whose base64 cannot be read"
    size = ""
    if content.startswith(PNG_SIGNATURE) and len(content) >= 24:
        size = " of {} x {} pixels".format(*struct.unpack(">II", content[16:24]))
    return f"{head[5:].partition(';')[0]}{size}, {len(content)} bytes"


def _tool_calls(request: ChatRequest, index: int) -> list[dict[str, Any]]:
    text = request.messages[-1].text
    return [
        {
            "id": f"call_{index}_{position}",
            "type": "function",
            "function": {"name": function.name, "arguments": _arguments(function, text)},
        }
        for position, function in enumerate(_called_functions(request, text))
    ]


def _called_functions(request: ChatRequest, text: str) -> list[Function]:
    """The functions named in the text, or else the first one."""
    if request.tool_choice == "none" or request.messages[-1].role == "tool":
        return []
    if isinstance(request.tool_choice, Tool):
        forced = request.tool_choice.function
        return [function for function in request.functions if forced and function.name == forced.name]
    named = [function for function in request.functions if function.name in text]
    most = 1 if request.parallel_tool_calls is False or not named else None
    return (named or request.functions)[:most]


def _arguments(function: Function, text: str) -> str:
    """Arguments as JSON, with the last name in the text, or the whole text, as every string."""
    names = re.findall(r"\b[A-Z][a-z]+\b", text)
    schema = {"type": "object", **(function.parameters or {})}
    return json.dumps(schema_example(schema, names[-1] if names else text), ensure_ascii=False)


def _json(request: ChatRequest) -> str:
    """The answer as JSON; empty if the request asks for text."""
    wanted = request.response_format
    if wanted and wanted.type == "json_object":
        return json.dumps({"note": NOTICE, "you_said": request.messages[-1].text}, ensure_ascii=False)
    if wanted and wanted.type == "json_schema":
        schema = (wanted.json_schema or {}).get("schema") or {}
        return json.dumps(schema_example(schema, NOTICE), ensure_ascii=False)
    return ""


def _shortened(text: str, request: ChatRequest) -> tuple[str, str]:
    """The text up to a stop sequence or the limit of tokens, and its finish reason."""
    stop = request.stop or []
    for sequence in [stop] if isinstance(stop, str) else stop:
        if sequence and sequence in text:
            return text[: text.index(sequence)], "stop"
    most = request.max_completion_tokens or request.max_tokens
    words = re.findall(rf"\s*(?:{WORD})", text)
    return ("".join(words[:most]), "length") if most and len(words) > most else (text, "stop")
