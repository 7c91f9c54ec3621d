"""A response of the Responses API in the form of a chat completion."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mcp_grok.json_parser import JSONObject
from mcp_grok.upstream.responses.searches import search_of

BETWEEN_MESSAGES = "\n\n"
"""Separates the texts of several messages, such as one before a search and one after it."""

REQUEST_FIELDS = frozenset(
    {
        *("background", "include", "instructions", "max_output_tokens", "max_tool_calls", "max_turns", "metadata"),
        *(
            "parallel_tool_calls",
            "previous_response_id",
            "prompt",
            "prompt_cache_key",
            "reasoning",
            "safety_identifier",
        ),
        *("store", "stream", "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation"),
        *("user", "debug_output"),
    }
)
"""Fields of a response that repeat the request."""

TRANSLATED = frozenset({"id", "object", "created_at", "model", "status", "output", "usage", "error", "citations"})

OURS = frozenset({"id", "object", "created", "model", "choices", "usage", "citations", "searches", "response_id"})
"""Fields of the completion, which no field and no item of the response replaces."""

CITATION = "url_citation"
POSITIONS = ("start_index", "end_index")

CHAT_USAGE = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}
"""The names of the same counts in the usage of a chat completion."""


@dataclass(frozen=True, slots=True)
class ChatForm:
    """The translation of the responses to one request.

    Attributes:
        searches: Whether the request asked for a search; then the completion says which ones were made, also if none.
        response_id: Makes the id with which the caller can continue a response that stays at the API; None if it does
            not stay there.
    """

    searches: bool = False
    response_id: Callable[[str], str] | None = None

    def completion(self, response: JSONObject) -> JSONObject:
        """The `chat.completion` for a response; items and fields without a counterpart keep their names."""
        items = [item for item in _list(response.get("output")) if isinstance(item, dict)]
        message = _Message()
        for item in items:
            message.add(item)
        identity = {"id": response["id"]} if response.get("id") else {}
        made = {"created": response["created_at"]} if response.get("created_at") is not None else {}
        model = {"model": response["model"]} if response.get("model") else {}
        choice = {"index": 0, "message": message.fields(), "finish_reason": _finish_reason(response, message)}
        if response.get("error") is not None:
            choice["error"] = response["error"]
        body = {**identity, "object": "chat.completion", **made, **model, "choices": [choice]}
        if isinstance(response.get("usage"), dict):
            body["usage"] = chat_usage(response["usage"])
        body |= self._sources(response, message)
        own = {name: value for name, value in response.items() if _is_own(name) and value is not None}
        return body | {name: value for name, value in (own | message.others).items() if name not in OURS}

    def _sources(self, response: JSONObject, message: "_Message") -> JSONObject:
        citations = _distinct([*message.cited(), *_list(response.get("citations"))])
        found: JSONObject = {"citations": citations} if citations or self.searches else {}
        if message.searches or self.searches:
            found["searches"] = message.searches
        if self.response_id is not None and isinstance(response.get("id"), str):
            found["response_id"] = self.response_id(response["id"])
        return found


class _Message:
    """The assistant's message, and what else the items of a response hold."""

    def __init__(self) -> None:
        self.searches: list[JSONObject] = []
        self.others: JSONObject = {}
        self.calls: list[JSONObject] = []
        self._content: list[str] = []
        self._length = 0
        self._refusal: list[str] = []
        self._reasoning: list[str] = []
        self._annotations: list[JSONObject] = []

    def add(self, item: JSONObject) -> None:
        kind = item.get("type")
        if kind == "message":
            self._add_message(item)
        elif kind == "reasoning":
            self._reasoning += reasoning_texts(item)
        elif kind == "function_call":
            self.calls.append(_tool_call(item))
        elif search := search_of(item):
            self.searches.append(search)
        else:
            self.others.setdefault(kind if isinstance(kind, str) else "output", []).append(item)

    def _add_message(self, item: JSONObject) -> None:
        between = BETWEEN_MESSAGES if self._length else ""
        for part in _list(item.get("content")):
            if not isinstance(part, dict):
                continue
            text = part.get("text")
            if isinstance(text, str):
                if text:
                    self._add_text(between)
                    between = ""
                self._add_annotations(part, len(text))
                self._add_text(text)
            elif isinstance(part.get("refusal"), str):
                self._refusal.append(part["refusal"])

    def _add_text(self, text: str) -> None:
        self._content.append(text)
        self._length += len(text)

    def _add_annotations(self, part: JSONObject, length: int) -> None:
        """Adds the annotations of a text, in OpenAI's chat form; positions are in the whole content."""
        for annotation in _list(part.get("annotations")):
            if not isinstance(annotation, dict):
                continue
            kind = annotation.get("type")
            kind = kind if isinstance(kind, str) and kind else CITATION
            fields = {name: value for name, value in annotation.items() if name not in ("type", *POSITIONS)}
            for name in POSITIONS:
                if isinstance(place := annotation.get(name), int):
                    # Beyond the text, an integer could get too long to be written.
                    fields[name] = self._length + min(max(place, 0), length)
            if kind == CITATION:
                # OpenAI's form has all of these. Without a position, it is an empty one.
                fields = {"title": fields.get("url"), **dict.fromkeys(POSITIONS, 0), **fields}
            self._annotations.append({"type": kind, kind: fields})

    def cited(self) -> list[Any]:
        """The addresses in the annotations."""
        return [annotation.get(CITATION, {}).get("url") for annotation in self._annotations]

    def fields(self) -> JSONObject:
        content = "".join(self._content) if self._content or not (self.calls or self._refusal) else None
        message: JSONObject = {"role": "assistant", "content": content}
        if self._reasoning:
            message["reasoning_content"] = "\n\n".join(self._reasoning)
        if self._refusal:
            message["refusal"] = "".join(self._refusal)
        if self._annotations:
            message["annotations"] = self._annotations
        if self.calls:
            message["tool_calls"] = self.calls
        return message


def reasoning_texts(item: JSONObject) -> list[str]:
    """The texts of a reasoning item: its summary, or else its content."""
    for name in ("summary", "content"):
        parts = [part for part in _list(item.get(name)) if isinstance(part, dict)]
        if texts := [text for part in parts if isinstance(text := part.get("text"), str) and text]:
            return texts
    return []


def chat_usage(usage: JSONObject) -> JSONObject:
    """The usage under the names of a chat completion; counts without a counterpart keep their names."""
    return {CHAT_USAGE.get(name, name): value for name, value in usage.items()}


def is_response(body: Any) -> bool:
    """Whether a JSON body has the form of a response."""
    return isinstance(body, dict) and (body.get("object") == "response" or isinstance(body.get("output"), list))


def _tool_call(item: JSONObject) -> JSONObject:
    function = {"name": item.get("name"), "arguments": item.get("arguments") or "{}"}
    return {"id": item.get("call_id") or item.get("id"), "type": "function", "function": function}


def _finish_reason(response: JSONObject, message: _Message) -> str:
    status = response.get("status")
    if status == "incomplete":
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        return "content_filter" if reason == "content_filter" else "length"
    if status not in ("completed", None):
        return "error"
    return "tool_calls" if message.calls else "stop"


def _is_own(name: str) -> bool:
    """Whether a field of a response has no counterpart in a chat completion and does not repeat the request."""
    return name not in TRANSLATED and name not in REQUEST_FIELDS


def _distinct(addresses: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(address for address in addresses if isinstance(address, str) and address))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
