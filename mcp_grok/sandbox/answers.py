"""What the sandbox says: deterministic, and plain about what it is."""

import base64
import binascii
import json
import re
import struct
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any
from urllib.parse import urlsplit

NOTICE = "This is the mcp-grok sandbox, not Grok."
FINGERPRINT = "mcp-grok-sandbox"
REASONING = "A sandbox does not think; this stands where a model's reasoning would."

PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(slots=True)
class Answer:
    """One choice.

    Attributes:
        content: The text; None for tool calls.
        tool_calls: As the API returns them.
        reasoning: The reasoning text; empty without `reasoning_effort`.
        finish_reason: `stop`, `length` or `tool_calls`.
    """

    content: str | None
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    reasoning: str = ""
    finish_reason: str = "stop"


def answer(body: dict[str, Any], number: int) -> Answer:
    """The answer to a request's body, for its choice of that number (from 0)."""
    reasoning = REASONING if body.get("reasoning_effort") not in (None, "none") else ""
    calls = _tool_calls(body, number)
    if calls:
        return Answer(None, calls, reasoning, "tool_calls")
    text = _json_text(body) or _text(body)
    if number and not body.get("response_format"):
        text += f" (Answer {number + 1}.)"
    content, finish_reason = _limited(text, body)
    return Answer(content, [], reasoning, finish_reason)


def tokens(text: str) -> int:
    """How many tokens a text counts: its words and signs."""
    return len(re.findall(r"\w+|[^\w\s]", text))


def prompt_tokens(body: dict[str, Any]) -> int:
    """How many tokens a request counts: its texts, and 256 an image."""
    return sum(tokens(_said(message)) + 3 + 256 * len(_images(message)) for message in body["messages"])


def _text(body: dict[str, Any]) -> str:
    messages = body["messages"]
    last = messages[-1]
    said = _said(last)
    if last["role"] == "tool":
        return _tool_results(messages)
    earlier = [_said(message) for message in messages[:-1] if message["role"] == "user"]
    if earlier and re.search(r"what did i (just )?say", said, re.IGNORECASE):
        return f'{NOTICE} You said, "{earlier[-1]}."'
    images = _images(last)
    if images:
        return f"{NOTICE} {_received(images)}"
    return f'{NOTICE} It repeats what it is told, so that all but the thinking can be tried. You said: "{said}"'


def _tool_results(messages: list[dict[str, Any]]) -> str:
    """What the tools returned that were called last, all of them at once."""
    results = list(takewhile(lambda message: message["role"] == "tool", reversed(messages)))[::-1]
    text = f"{NOTICE} The tool{'s' * (len(results) > 1)} returned: {'; '.join(map(_said, results))}"
    images = [url for result in results for url in _images(result)]
    return f"{text} {_received(images)}" if images else text


def _received(images: list[str]) -> str:
    seen = "; ".join(map(_seen, images))
    return f"It cannot see, but it received {len(images)} image{'s' * (len(images) > 1)}: {seen}."


def _said(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return " ".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def _images(message: dict[str, Any]) -> list[str]:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return [part["image_url"]["url"] for part in parts if part.get("type") == "image_url"]


def _seen(url: str) -> str:
    if not url.startswith("data:"):
        return f"one at {urlsplit(url).hostname}, which a sandbox does not fetch"
    kind, _, data = url.partition(",")
    try:
        content = base64.b64decode(data, validate=True)
    except (ValueError, binascii.Error):
        return "one whose base64 cannot be read"
    size = ""
    if content.startswith(PNG) and len(content) >= 24:
        size = " of {} x {} pixels".format(*struct.unpack(">II", content[16:24]))
    return f"{kind[5:].partition(';')[0]}{size}, {len(content)} bytes"


def _tool_calls(body: dict[str, Any], number: int) -> list[dict[str, Any]]:
    choice = body.get("tool_choice", "auto")
    functions = [tool["function"] for tool in body.get("tools") or [] if tool.get("type") == "function"]
    if not functions or choice == "none" or body["messages"][-1]["role"] == "tool":
        return []
    said = _said(body["messages"][-1])
    if isinstance(choice, dict):
        wanted = [function for function in functions if function["name"] == choice["function"]["name"]]
    else:
        wanted = [function for function in functions if function["name"] in said] or functions[:1]
        # As many as are named at once, unless the request wants one at a time.
        wanted = wanted[:1] if body.get("parallel_tool_calls") is False else wanted
    return [
        {
            "id": f"call_{number}_{position}",
            "type": "function",
            "function": {
                "name": function["name"],
                "arguments": json.dumps(_arguments(function, said), ensure_ascii=False),
            },
        }
        for position, function in enumerate(wanted)
    ]


def _arguments(function: dict[str, Any], said: str) -> Any:
    # A function without parameters takes an empty object.
    return _instance({"type": "object", **(function.get("parameters") or {})}, said)


def _json_text(body: dict[str, Any]) -> str:
    response_format = body.get("response_format") or {}
    said = _said(body["messages"][-1])
    if response_format.get("type") == "json_object":
        return json.dumps({"note": NOTICE, "you_said": said}, ensure_ascii=False)
    if response_format.get("type") == "json_schema":
        schema = response_format.get("json_schema", {}).get("schema") or {}
        return json.dumps(_instance(schema, NOTICE), ensure_ascii=False)
    return ""


def _instance(schema: dict[str, Any], said: str) -> Any:
    """Something that fits a JSON Schema, with words of what was said where it wants text."""
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        # What a model would give: the required properties, and those of any type, such as a message's content.
        required = schema.get("required")
        properties = schema.get("properties", {}).items()
        return {
            name: _instance(part, said)
            for name, part in properties
            if not required or name in required or "type" not in part
        }
    if kind == "array":
        return [_instance(schema.get("items") or {}, said)] * max(1, schema.get("minItems", 1))
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    if kind in ("boolean", "null"):
        return True if kind == "boolean" else None
    names = re.findall(r"\b[A-Z][a-z]+\b", said)
    return names[-1] if names and said != NOTICE else said


def _limited(text: str, body: dict[str, Any]) -> tuple[str, str]:
    stop = body.get("stop") or []
    for sequence in [stop] if isinstance(stop, str) else stop:
        if sequence and sequence in text:
            return text[: text.index(sequence)], "stop"
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    words = re.findall(r"\s*(?:\w+|[^\w\s])", text)
    if most and len(words) > most:
        return "".join(words[: int(most)]), "length"
    return text, "stop"
