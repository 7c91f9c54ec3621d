"""The reader of a stream: decides when an answer is complete.

An answer ends with `[DONE]`, or with the end of the body after a finish reason. A finish reason alone is not an end:
some servers set one on every chunk, and an error may follow it.
"""

import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import (
    BadUpstreamResponse,
    CallTimeout,
    ConnectionFailed,
    GrokError,
    ResponseTooLarge,
    StreamTruncated,
)
from mcp_grok.json_parser import parse_json
from mcp_grok.upstream import failures
from mcp_grok.upstream.answer_assembler import AnswerAssembler
from mcp_grok.upstream.sse import DONE, Event, EventDecoder

FINISH_SILENCE = 15.0
"""Maximum seconds without a chunk after every choice has a finish reason."""

DRAIN_GRACE = 0.1
"""Maximum seconds to wait for the end of the body after `[DONE]`, so that the connection can be reused."""

FREE_ITEMS = 16
"""Items of all lists and objects in a usual chunk, which leaves nothing but text. Further ones are counted."""

MAX_STRAY = 1000
"""Maximum characters of a line that is not JSON which are kept, for the error if the answer ends early."""

NO_FINISH = "The stream ended with [DONE] but without a finish_reason"
CONTINUED = "The stream ended without [DONE], and an earlier finish_reason in it was not the end"
SILENT = "After the finish_reason came neither [DONE] nor the end of the stream"
BROKEN = "After the finish_reason the connection broke without [DONE]"
FAILED = "After the finish_reason came an error"
"""Why an answer may be incomplete."""

OnText = Callable[[str], None]


class StreamReader:
    """The reader of one stream; it feeds an assembler.

    Args:
        endpoint: The source of the stream, for errors.
        assembler: Collects the chunks.
        on_text: Called with each piece of the first choice's text; must not block.
        on_reasoning: Called with each piece of the reasoning; must not block.
        finish_silence: Maximum seconds without a chunk after every choice has a finish reason.

    Attributes:
        in_doubt: Why the answer may be incomplete, in a sentence; None if its end is certain.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        assembler: AnswerAssembler,
        on_text: OnText,
        on_reasoning: OnText,
        *,
        finish_silence: float = FINISH_SILENCE,
    ) -> None:
        self.in_doubt: str | None = SILENT
        self._endpoint = endpoint
        self._assembler = assembler
        self._on_text = on_text
        self._on_reasoning = on_reasoning
        self._finish_silence = finish_silence
        self._decoder = EventDecoder()
        self._chunks = 0
        self._items = 0
        self._stray = ""
        self._done = False

    @property
    def whole(self) -> bool:
        """Whether every expected choice has finished, or `[DONE]` came after an answer without finish reasons.

        An answer without any choice is whole, too: a refusal by moderation may have none.
        """
        return self._has_finished or (self._done and self._assembler.has_unfinished_answer)

    @property
    def _has_finished(self) -> bool:
        return self._assembler.is_complete(done=self._done)

    async def read(self, start: bytes, received: AsyncIterator[bytes]) -> None:
        """Reads until the answer and the body have ended, and decides `in_doubt`.

        Raises:
            StreamTruncated: the stream ended, or its connection broke, before every choice had finished.
            BadUpstreamResponse: a chunk cannot be read.
            UpstreamError: the stream contains an error.
            CallTimeout: the upstream sent nothing for longer than allowed.
        """
        failure: GrokError | None = None
        try:
            with anyio.CancelScope() as silence:
                self._take(start, silence)
                async for more in received:
                    self._take(more, silence)
                self._end()
        except GrokError as error:
            failure = self._truncated() if isinstance(error, ConnectionFailed) else error
        if not self.whole:
            raise failure or self._truncated()
        if not self._done:
            self.in_doubt = self._doubt_without_done(failure, silent=silence.cancelled_caught)

    def _doubt_without_done(self, failure: GrokError | None, *, silent: bool) -> str | None:
        if failure is not None and self._assembler.continued_after_finish:
            raise failure
        if silent or isinstance(failure, CallTimeout):
            return SILENT
        if isinstance(failure, StreamTruncated):
            return BROKEN
        if failure is not None:
            return f"{FAILED}: {failure.message}"
        return CONTINUED if self._assembler.continued_after_finish else None

    def _take(self, received: bytes, silence: anyio.CancelScope) -> None:
        before = self._chunks
        for event in self._decoder.feed(received):
            self._take_event(event)
        if self._done:
            silence.deadline = min(silence.deadline, anyio.current_time() + DRAIN_GRACE)
        elif self._chunks > before and self._has_finished:
            silence.deadline = anyio.current_time() + self._finish_silence
        elif self._chunks > before and silence.deadline != math.inf:
            # A piece of the answer has taken its finish back.
            silence.deadline = math.inf

    def _take_event(self, event: Event) -> None:
        data = event.data.strip()
        if self._done or not data:
            return
        if data == DONE:
            self._done = True
            self.in_doubt = None if self._has_finished else NO_FINISH
            return
        if event.type == "error":
            raise failures.error_event(self._endpoint, data)
        chunk = self._chunk(event.type, data)
        if chunk is None:
            return
        error = failures.error_in_answer(self._endpoint, 200, chunk)
        if error is None or chunk.get("choices"):
            self._add(chunk)
            if self._assembler.is_closed:
                self._done, self.in_doubt = True, None
        if error is not None:
            raise error

    def _add(self, chunk: Any) -> None:
        self._chunks += 1
        text = self._add_chunk(chunk)
        if reasoning := self._assembler.take_reasoning():
            self._on_reasoning(reasoning)
        if text:
            self._on_text(text)

    def _chunk(self, event_type: str, data: str) -> Any:
        """The chunk in an event; None if the event contains another object, or something that is not an object."""
        if not data.startswith(("{", "[")):
            self._stray = data[:MAX_STRAY]
            return None
        self._items += max(0, data.count("[") + data.count("{") + data.count(",") - FREE_ITEMS)
        if self._items > self._assembler.max_items:
            raise too_many_items(self._assembler.max_items)
        try:
            chunk = parse_json(data)
        except ValueError as error:
            if data.startswith("["):
                return None
            raise self._unreadable() from error
        if isinstance(chunk, list) and len(chunk) == 1:
            chunk = chunk[0]
        if not isinstance(chunk, dict):
            return None
        return chunk if self._assembler.accepts(event_type, chunk) else None

    def _add_chunk(self, chunk: Any) -> str:
        try:
            return self._assembler.add(chunk)
        except ValueError as error:
            raise self._unreadable() from error

    def _end(self) -> None:
        try:
            for event in self._decoder.close():
                self._take_event(event)
        except BadUpstreamResponse as error:
            # The last event is incomplete, so the stream was cut.
            raise self._truncated() from error

    def _unreadable(self) -> GrokError:
        return BadUpstreamResponse(
            f"{self._endpoint.provider.subject} sent a chunk that cannot be read; the call may be billed."
        )

    def _truncated(self) -> GrokError:
        return StreamTruncated(
            f"The answer of {self._endpoint.provider.title} ended before it was complete; the call may be billed.",
            upstream_message=self._stray or None,
        )


def too_many_items(most: int) -> GrokError:
    """The error for an answer of which JSON would take too much memory."""
    return ResponseTooLarge(
        f"The answer has over {most} items of lists and objects; ask for less, such as no logprobs."
    )
