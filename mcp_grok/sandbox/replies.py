"""Answers → the JSON and the stream of the documented API (AceData's guide, and where it says nothing, OpenAI's)."""

import itertools
import re
import time
from collections.abc import Iterator
from typing import Any

from mcp_grok.sandbox.answers import FINGERPRINT, Answer, answer, prompt_tokens, tokens
from mcp_grok.sandbox.dialects import Dialect

Chunk = dict[str, Any]


class Reply:
    """The reply to one request.

    Args:
        body: The request's body, checked.
        dialect: The provider that is played.
    """

    def __init__(self, body: dict[str, Any], dialect: Dialect) -> None:
        self._dialect = dialect
        self._head = {
            "id": dialect.new_id(),
            "created": int(time.time()),
            "model": body["model"],
            "system_fingerprint": FINGERPRINT,
        }
        self._answers = [answer(body, number) for number in range(body.get("n") or 1)]
        generated = sum(
            tokens(one.content or "") + sum(tokens(call["function"]["arguments"]) for call in one.tool_calls)
            for one in self._answers
        )
        reasoning = sum(tokens(one.reasoning) for one in self._answers)
        self._usage = dialect.usage(prompt_tokens(body), generated, reasoning)
        asked = (body.get("stream_options") or {}).get("include_usage")
        self._stream_tells_usage = bool(asked) or not dialect.usage_on_request

    def completion(self) -> dict[str, Any]:
        """The plain reply."""
        choices = [
            {"index": index, "message": _message(one), "finish_reason": one.finish_reason}
            for index, one in enumerate(self._answers)
        ]
        return {**self._head, "object": "chat.completion", "choices": choices, "usage": self._usage}

    def chunks(self) -> Iterator[Chunk]:
        """The streamed reply: roles, contents, finish chunks, then the usage where the stream tells it."""
        for index, one in enumerate(self._answers):
            deltas = itertools.chain([{"role": "assistant"}], _deltas(one))
            yield from (self._chunk(index, delta) for delta in deltas)
        for index, one in enumerate(self._answers):
            zeros = {"usage": self._dialect.usage(0, 0, 0)} if self._dialect.zeros_at_finish else {}
            yield {**self._chunk(index, {}, one.finish_reason), **zeros}
        if self._stream_tells_usage:
            yield {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": self._usage}

    def _chunk(self, index: int, delta: dict[str, Any], finish_reason: str | None = None) -> Chunk:
        choice = {"delta": delta, "logprobs": None, "finish_reason": finish_reason, "index": index}
        chunk = {**self._head, "object": "chat.completion.chunk", "choices": [choice]}
        return {**chunk, "usage": None} if self._stream_tells_usage else chunk


def _message(one: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": one.content}
    if one.reasoning:
        message["reasoning_content"] = one.reasoning
    if one.tool_calls:
        message["tool_calls"] = one.tool_calls
    return message


def _deltas(one: Answer) -> Iterator[dict[str, Any]]:
    for word in _words(one.reasoning):
        yield {"reasoning_content": word}
    for word in _words(one.content or ""):
        yield {"content": word}
    for index, call in enumerate(one.tool_calls):
        function = call["function"]
        opening = {"index": index, **call, "function": {"name": function["name"], "arguments": ""}}
        yield {"tool_calls": [opening]}
        for piece in _words(function["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*$|\s*\S+", text)
