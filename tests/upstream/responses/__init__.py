"""Responses of the API as it documents them, and the events that stream them."""

import json
from collections.abc import Iterator
from typing import Any

Response = dict[str, Any]

ECHO = {
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [{"type": "web_search"}],
    "user": None,
    "incomplete_details": None,
    "store": False,
    "metadata": {},
}
"""What a response repeats of its request."""

USAGE = {
    "input_tokens": 1400,
    "input_tokens_details": {"cached_tokens": 900},
    "output_tokens": 300,
    "output_tokens_details": {"reasoning_tokens": 200},
    "total_tokens": 1700,
    "num_sources_used": 2,
    "num_server_side_tools_used": 1,
    "server_side_tool_usage_details": {"web_search_calls": 1, "x_posts_fetched": 0},
    "cost_in_usd_ticks": 76_500_000,
}


def message(*texts: str, annotations: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A message of the assistant with these parts; the annotations are those of the last one."""
    parts: list[dict[str, Any]] = [
        {"type": "output_text", "text": text, "logprobs": [], "annotations": []} for text in texts
    ]
    if annotations:
        parts[-1]["annotations"] = annotations
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": parts}


def reasoning(text: str) -> dict[str, Any]:
    """A reasoning item with a summary."""
    return {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": text}]}


def web_search(query: str, **fields: Any) -> dict[str, Any]:
    """A search on the web in the older form, whose arguments are JSON text."""
    arguments = json.dumps({"query": query, **fields})
    return {
        "type": "web_search_call",
        "id": "ws_1",
        "name": "web_search",
        "arguments": arguments,
        "status": "completed",
    }


def response(*items: dict[str, Any], **fields: Any) -> Response:
    """A response with these output items."""
    return {
        "id": "resp-1",
        "object": "response",
        "created_at": 1780000000,
        "model": "grok-4.7",
        "status": "completed",
        "output": list(items),
        "usage": USAGE,
        **ECHO,
        **fields,
    }


def events(whole: Response) -> Iterator[dict[str, Any]]:
    """The events of a response's stream."""
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(whole["output"]):
        yield from _item_events(index, item)
    yield {"type": f"response.{whole['status']}", "response": whole}


def _item_events(index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    place = {"item_id": item.get("id", ""), "output_index": index}
    started = {**item, "status": "in_progress"} | ({"content": []} if item["type"] == "message" else {})
    yield {"type": "response.output_item.added", "output_index": index, "item": started}
    for part_index, part in enumerate(item.get("content", [])):
        part_place = {**place, "content_index": part_index}
        yield from _deltas("response.output_text", part_place, part.get("text", ""))
        for annotation in part.get("annotations", []):
            yield {"type": "response.output_text.annotation.added", **part_place, "annotation": annotation}
    for part in item.get("summary", []):
        yield from _deltas("response.reasoning_summary_text", {**place, "summary_index": 0}, part["text"])
    if item["type"] == "function_call":
        yield from _deltas("response.function_call_arguments", place, item["arguments"])
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _deltas(kind: str, place: dict[str, Any], text: str) -> Iterator[dict[str, Any]]:
    for word in text.split(" "):
        yield {"type": f"{kind}.delta", **place, "delta": word if text.startswith(word) else f" {word}"}
    yield {"type": f"{kind}.done", **place, "text": text}


def stream(whole: Response) -> bytes:
    """The stream of a response as it comes over the wire."""
    numbered = ({"sequence_number": number, **event} for number, event in enumerate(events(whole)))
    return b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in numbered) + b"data: [DONE]\n\n"
