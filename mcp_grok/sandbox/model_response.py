"""The response to a request of the Responses API: whole, or in the events of a stream.

https://docs.x.ai/docs/api-reference#create-new-response
"""

import json
import re
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterator

from mcp_grok.sandbox.answers import Answer, answer, citation
from mcp_grok.sandbox.api_errors import ApiError
from mcp_grok.sandbox.chat_completion import Json, token_counts, words
from mcp_grok.sandbox.chat_request import Message
from mcp_grok.sandbox.response_request import ResponseRequest

SOURCES = {"web_search": "https://example.com/web", "x_search": "https://example.com/x"}
"""The made-up source that a search finds, by its tool."""

NO_SEARCH = re.compile(r"\b(no|not|without) search", re.IGNORECASE)
"""In a question that is answered without a search."""

NOT_YET: Json = {"summary": [], "content": [], "arguments": "", "input": ""}
"""The fields of an item that are empty when a stream announces it."""

MAX_STORED = 1000

StoredConversations = OrderedDict[str, list[Message]]
"""The conversations that can be continued, by the id of their last response, the oldest first."""


class ModelResponse:
    """The response to one request.

    Args:
        request: The request.
        stored: The conversations that it may continue, and to which it is added.

    Raises:
        ApiError: The conversation to continue is not stored.
    """

    def __init__(self, request: ResponseRequest, stored: StoredConversations) -> None:
        earlier = request.previous_response_id
        if earlier and earlier not in stored:
            raise ApiError(404, "not_found", f"Response with id={earlier} not found.", "previous_response_id")
        chat = request.model_copy(update={"messages": [*stored.get(earlier or "", []), *request.messages]})
        searches = _searches(chat)
        one = answer(chat, 0, [SOURCES[search] for search in searches])
        keeps = request.store is not False
        self._id = str(uuid.uuid4())
        self._head: Json = {
            "id": self._id,
            "object": "response",
            "created_at": int(time.time()),
            "model": request.model,
            "previous_response_id": earlier,
            "store": keeps,
            "parallel_tool_calls": request.parallel_tool_calls is not False,
            "tool_choice": "auto",
            "tools": [{"type": search} for search in request.searches],
        }
        self._items = list(self._output(one, searches, chat.messages[-1].text))
        self._status = "incomplete" if one.finish_reason == "length" else "completed"
        self._usage = _usage(chat, one, searches)
        if keeps:
            stored[self._id] = [*chat.messages, Message(role="assistant", content=one.text)]
            if len(stored) > MAX_STORED:
                stored.popitem(last=False)

    def whole(self) -> Json:
        """The response in one piece."""
        details = {"reason": "max_output_tokens"} if self._status == "incomplete" else None
        end = {"status": self._status, "incomplete_details": details, "output": self._items, "usage": self._usage}
        return {**self._head, **end}

    def chunks(self) -> Iterator[Json]:
        """The events of a stream."""
        yield from ({"sequence_number": number, **event} for number, event in enumerate(self._events()))

    def _events(self) -> Iterator[Json]:
        begun = {**self._head, "status": "in_progress", "output": []}
        yield {"type": "response.created", "response": begun}
        yield {"type": "response.in_progress", "response": begun}
        for index, item in enumerate(self._items):
            empty = {name: NOT_YET[name] for name in NOT_YET.keys() & item.keys()}
            added = {**item, **empty, "status": "in_progress"}
            yield {"type": "response.output_item.added", "output_index": index, "item": added}
            for name, fields in _item_events(item):
                yield {"type": f"response.{name}", "item_id": item["id"], "output_index": index, **fields}
            yield {"type": "response.output_item.done", "output_index": index, "item": item}
        yield {"type": f"response.{self._status}", "response": self.whole()}

    def _output(self, one: Answer, searches: list[str], query: str) -> Iterator[Json]:
        head = {"status": "completed"}
        if one.reasoning:
            summary = [{"type": "summary_text", "text": one.reasoning}]
            yield {**head, "type": "reasoning", "id": f"rs_{self._id}", "summary": summary}
        for search in searches:
            yield {**head, "id": f"{search}_{self._id}", **_search(search, query)}
        for call in one.tool_calls:
            yield {**head, "type": "function_call", "id": f"fc_{call['id']}", "call_id": call["id"], **call["function"]}
        if one.text is not None:
            part = {"type": "output_text", "text": one.text, "annotations": _annotations(one.text, searches)}
            yield {**head, "type": "message", "id": f"msg_{self._id}", "role": "assistant", "content": [part]}


def _searches(request: ResponseRequest) -> list[str]:
    """The searches before the answer: one with each tool, unless the question says otherwise."""
    last = request.messages[-1]
    is_unwanted = request.tool_choice == "none" or last.role == "tool" or NO_SEARCH.search(last.text)
    return [] if is_unwanted else request.searches


def _search(tool: str, query: str) -> Json:
    """What tells an item of a search from others."""
    if tool == "web_search":
        sources = [{"type": "url", "url": SOURCES[tool]}]
        return {"type": "web_search_call", "action": {"type": "search", "query": query, "sources": sources}}
    given = json.dumps({"query": query}, ensure_ascii=False)
    return {"type": "custom_tool_call", "call_id": "xs_call", "name": "x_keyword_search", "input": given}


def _annotations(text: str, searches: list[str]) -> list[Json]:
    links = [(str(number), SOURCES[search]) for number, search in enumerate(searches, 1)]
    places = [(number, url, citation(number, url), text.rfind(citation(number, url))) for number, url in links]
    return [
        {"type": "url_citation", "url": url, "start_index": start, "end_index": start + len(link), "title": number}
        for number, url, link, start in places
        if start >= 0
    ]


def _usage(request: ResponseRequest, one: Answer, searches: list[str]) -> Json:
    prompt, reasoning, completion = token_counts(request, [one])
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": prompt + completion,
        "num_sources_used": 0,
        "num_server_side_tools_used": len(searches),
        "server_side_tool_usage_details": {f"{tool}_calls": searches.count(tool) for tool in SOURCES},
        "cost_in_usd_ticks": 0,
    }


def _item_events(item: Json) -> Iterator[tuple[str, Json]]:
    """The events between an item's announcement and its end: the name after `response.`, and the fields."""
    if item["type"] == "reasoning":
        yield from _part_events("reasoning_summary", "reasoning_summary_text", {"summary_index": 0}, item["summary"][0])
    elif item["type"] == "message":
        yield from _part_events("content", "output_text", {"content_index": 0}, item["content"][0])
    elif item["type"] == "function_call":
        yield from _text_events("function_call_arguments", "arguments", item["arguments"])
    elif item["type"] == "custom_tool_call":
        yield from _text_events("custom_tool_call_input", "input", item["input"])
    else:
        yield from ((f"{item['type']}.{state}", {}) for state in ("in_progress", "searching", "completed"))


def _part_events(kind: str, text: str, place: Json, part: Json) -> Iterator[tuple[str, Json]]:
    annotations = part.get("annotations", [])
    yield f"{kind}_part.added", {**place, "part": {**part, "text": "", **({"annotations": []} if annotations else {})}}
    *deltas, end = ((name, {**place, **fields}) for name, fields in _text_events(text, "text", part["text"]))
    yield from deltas
    for index, annotation in enumerate(annotations):
        yield f"{text}.annotation.added", {**place, "annotation_index": index, "annotation": annotation}
    yield end
    yield f"{kind}_part.done", {**place, "part": part}


def _text_events(kind: str, field: str, text: str) -> Iterator[tuple[str, Json]]:
    yield from ((f"{kind}.delta", {"delta": word}) for word in words(text))
    yield f"{kind}.done", {field: text}
