"""The completion of a request: whole, or in the chunks of a stream."""

import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

from mcp_grok.sandbox.answers import Answer, answer, count_prompt_tokens, count_tokens
from mcp_grok.sandbox.apis import Api
from mcp_grok.sandbox.chat_request import ChatRequest

FINGERPRINT = "mcp-grok-sandbox"

Json = dict[str, Any]


class ChatCompletion:
    """The completion of one request.

    Args:
        request: The request.
        api: The API that is played.
    """

    def __init__(self, request: ChatRequest, api: Api) -> None:
        self._api = api
        self._head = {
            "id": f"chatcmpl-{uuid.uuid4()}",
            "created": int(time.time()),
            "model": request.model,
            "system_fingerprint": FINGERPRINT,
        }
        self._answers = [answer(request, index) for index in range(request.n or 1)]
        self._usage = {**_usage(request, self._answers), **api.cost}
        requested = request.stream_options and request.stream_options.include_usage
        self._streams_usage = bool(requested) or not api.usage_on_request

    def whole(self) -> Json:
        """The completion in one piece."""
        choices = [
            {"index": index, "message": _message(one), "finish_reason": one.finish_reason}
            for index, one in enumerate(self._answers)
        ]
        return {**self._head, "object": "chat.completion", "choices": choices, "usage": self._usage}

    def chunks(self) -> Iterator[Json]:
        """The chunks of a stream: one choice after another, then the usage if it is streamed."""
        for index, one in enumerate(self._answers):
            yield self._chunk(index, {"role": "assistant"})
            for delta in _deltas(one, whole_tool_calls=self._api.whole_tool_calls):
                yield self._chunk(index, delta)
            yield self._chunk(index, {}, one.finish_reason)
        if self._streams_usage:
            yield {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": self._usage}

    def _chunk(self, index: int, delta: Json, finish_reason: str | None = None) -> Json:
        choice = {"index": index, "delta": delta, "finish_reason": finish_reason}
        return {**self._head, "object": "chat.completion.chunk", "choices": [choice]}


def token_counts(request: ChatRequest, answers: list[Answer]) -> tuple[int, int, int]:
    """The tokens of a request, of the reasoning, and of the answers with the reasoning."""
    reasoning = sum(count_tokens(one.reasoning) for one in answers)
    return count_prompt_tokens(request), reasoning, reasoning + sum(map(_answer_tokens, answers))


def _usage(request: ChatRequest, answers: list[Answer]) -> Json:
    prompt, reasoning, completion = token_counts(request, answers)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


def _answer_tokens(one: Answer) -> int:
    return count_tokens(one.text or "") + sum(count_tokens(call["function"]["arguments"]) for call in one.tool_calls)


def _message(one: Answer) -> Json:
    reasoning = {"reasoning_content": one.reasoning} if one.reasoning else {}
    calls = {"tool_calls": one.tool_calls} if one.tool_calls else {}
    return {"role": "assistant", "content": one.text, **reasoning, **calls}


def _deltas(one: Answer, *, whole_tool_calls: bool) -> Iterator[Json]:
    yield from ({"reasoning_content": word} for word in words(one.reasoning))
    yield from ({"content": word} for word in words(one.text or ""))
    for index, call in enumerate(one.tool_calls):
        pieces = [call] if whole_tool_calls else _pieces(call)
        yield from ({"tool_calls": [{"index": index, **piece}]} for piece in pieces)


def _pieces(call: Json) -> Iterator[Json]:
    """A tool call with empty arguments, then its arguments word by word."""
    yield {**call, "function": {**call["function"], "arguments": ""}}
    yield from ({"function": {"arguments": word}} for word in words(call["function"]["arguments"]))


def words(text: str) -> list[str]:
    """The pieces in which a stream sends a text."""
    return re.findall(r"\s*\S+\s*$|\s*\S+", text)
