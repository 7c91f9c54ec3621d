"""The lines of the demo: a call, and the part of its result that matters to a person."""

import json
from typing import Any

Json = dict[str, Any]


def call_line(tool: str, arguments: Json) -> str:
    """A call: its tool, what is said, and each other argument in short."""
    messages = arguments.get("messages", [])
    said = [_said(message) for message in messages]
    if len(messages) > 1:
        said = [f"{message['role']}: {text}" for message, text in zip(messages, said, strict=True)]
    others = [f"{name}={_short(value)}" for name, value in arguments.items() if name != "messages"]
    return " ".join([tool, *said, *others])


def result_line(result: Json) -> str:
    """A result: the answer, the error, or how to fetch the answer."""
    match result:
        case {"error": error}:
            return f"error {error['code']}, billed: {error['billed']}. {error['message']}"
        case {
            "object": "chat.completion.pending" | "video.pending",
            "elapsed": seconds,
            "id": call_id,
            "message": message,
        }:
            return f"pending after {seconds:.0f} s, id={call_id}. {message}"
        case {"videos": [{"url": str(url)}]}:
            return f"video {url.rpartition('/')[2]}"
        case {"choices": [{"message": {"content": str(text)}}]}:
            return text
        case {"choices": [{"message": {"tool_calls": calls}}]}:
            return " ".join(map(_function_call, calls))
    return json.dumps(result, ensure_ascii=False)


def bill_line(result: Json, cost: Json | None) -> str:
    """What an answer used and cost, as far as it is stated.

    Args:
        result: The result.
        cost: The cost in `_meta`, if the provider states it.
    """
    tokens = result.get("usage", {}).get("total_tokens")
    counted = [] if tokens is None else [f"{tokens} tokens"]
    charged = [f"{cost['amount']:g} {cost['currency']}"] if cost else []
    return ", ".join(counted + charged)


def _said(message: Json) -> str:
    if message.get("tool_calls"):
        return " ".join(map(_function_call, message["tool_calls"]))
    content = message["content"]
    return f'"{content}"' if isinstance(content, str) else " ".join(map(_part, content))


def _part(part: Json) -> str:
    if part["type"] == "text":
        return f'"{part["text"]}"'
    kind, _, _ = part["image_url"]["url"].partition(";")
    return f"[{kind.removeprefix('data:')}]"


def _function_call(call: Json) -> str:
    arguments = json.loads(call["function"]["arguments"])
    values = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items()]
    return f"{call['function']['name']}({', '.join(values)})"


def _short(value: Any) -> str:
    match value:
        case str():
            return value
        case [*values]:
            return f"[{', '.join(map(_short, values))}]"
        case {"function": {"name": name}}:
            return str(name)
        case {"json_schema": {"schema": {"properties": properties}}}:
            return f"{{{', '.join(properties)}}}"
    return json.dumps(value, ensure_ascii=False)
