"""The reader of a stream: decides when an answer is complete."""

from collections.abc import AsyncIterator, Callable

import anyio

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import BadUpstreamResponse, ConnectionFailed, GrokError, StreamTruncated
from mcp_grok.upstream import failures
from mcp_grok.upstream.assemble import Assembler
from mcp_grok.upstream.sse import Event, EventDecoder, parse_json

TRAILER_GRACE = 5.0
"""Maximum seconds to wait for usage and `[DONE]` after every choice has ended."""

DRAIN_GRACE = 0.1
"""Maximum seconds to wait for the end of the body after `[DONE]`, so that the connection can be reused."""

CHUNK_TYPES = ("", "message")
"""Types of events that contain chunks; others, such as `ping`, are read only if they contain an object."""

OnText = Callable[[str], None]


class StreamReader:
    """The reader of one stream; it feeds an assembler.

    Args:
        endpoint: The source of the stream, for errors.
        assembler: Collects the chunks.
        on_text: Called with each piece of the first choice's text; must not block.
        on_reasoning: Called with each piece of the reasoning; must not block.
    """

    def __init__(self, endpoint: Endpoint, assembler: Assembler, on_text: OnText, on_reasoning: OnText) -> None:
        self._endpoint = endpoint
        self._assembler = assembler
        self._on_text = on_text
        self._on_reasoning = on_reasoning
        self._decoder = EventDecoder()
        self._done = False

    @property
    def whole(self) -> bool:
        """Whether every expected choice has ended. Later failures do not affect the answer."""
        return self._assembler.is_complete(done=self._done)

    async def read(self, start: bytes, received: AsyncIterator[bytes]) -> None:
        """Reads until the answer is complete and the body has ended, or a short wait for its end is over.

        Raises:
            StreamTruncated: the stream ended, or its connection broke, before every choice had ended.
            BadUpstreamResponse: a chunk cannot be read.
            UpstreamError: the stream contains an error.
            CallTimeout: the upstream sent nothing for longer than allowed.
        """
        try:
            with anyio.CancelScope() as rest:
                self._take(start, rest)
                async for more in received:
                    self._take(more, rest)
                self._end()
        except GrokError as error:
            if not self.whole:
                raise (self._truncated() if isinstance(error, ConnectionFailed) else error) from error
        if not self.whole:
            raise self._truncated()

    def _take(self, received: bytes, rest: anyio.CancelScope) -> None:
        for event in self._decoder.feed(received):
            self._take_event(event)
        if self._done:
            rest.deadline = min(rest.deadline, anyio.current_time() + DRAIN_GRACE)
        elif self.whole:
            rest.deadline = min(rest.deadline, anyio.current_time() + TRAILER_GRACE)

    def _take_event(self, event: Event) -> None:
        data = event.data.strip()
        if self._done or not data:
            return
        if data == "[DONE]":
            self._done = True
            return
        if event.type == "error":
            raise failures.error_event(self._endpoint, data)
        if event.type not in CHUNK_TYPES and not data.startswith("{"):
            return
        text = self._add_chunk(data)
        if reasoning := self._assembler.take_reasoning():
            self._on_reasoning(reasoning)
        if text:
            self._on_text(text)

    def _add_chunk(self, data: str) -> str:
        try:
            chunk = parse_json(data)
            if error := failures.error_in_answer(self._endpoint, 200, chunk):
                raise error
            return self._assembler.add(chunk)
        except (ValueError, RecursionError) as error:
            raise BadUpstreamResponse(
                f"{self._endpoint.provider.title} sent a chunk that cannot be read; the call may be billed. "
                "The text received so far is in partial."
            ) from error

    def _end(self) -> None:
        try:
            for event in self._decoder.close():
                self._take_event(event)
        except BadUpstreamResponse as error:
            # The last event is incomplete, so the stream was cut.
            raise self._truncated() from error

    def _truncated(self) -> GrokError:
        return StreamTruncated(
            f"The answer of {self._endpoint.provider.title} ended before it was complete; the call may be billed. "
            "The text received so far is in partial."
        )
