"""The client of an endpoint: sends a call, with safe retries, and reads the answer within the time limits."""

import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial

import anyio
import httpx2

from mcp_grok import __version__
from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import (
    GrokError,
)
from mcp_grok.json_parser import parse_large_json
from mcp_grok.limits import CONNECT_TIMEOUT, MAX_ERROR_BYTES, MAX_RESPONSE_BYTES
from mcp_grok.offload import offload
from mcp_grok.upstream import failures
from mcp_grok.upstream.api_key import check_key
from mcp_grok.upstream.completion import Completion, is_completion
from mcp_grok.upstream.connection_pool import ConnectionPool
from mcp_grok.upstream.failed_completion import failure_in_completion
from mcp_grok.upstream.json_answer import text_in, whole_body
from mcp_grok.upstream.live_models import advice_on_models, is_about_model
from mcp_grok.upstream.request import ChatRequest
from mcp_grok.upstream.response_body import BoundedBody, first_bytes, read_up_to
from mcp_grok.upstream.responses.chat_form import is_response
from mcp_grok.upstream.responses.payload import no_responses
from mcp_grok.upstream.retry import Backoff, backoff, seconds_before_resend
from mcp_grok.upstream.running_call import RunningCall
from mcp_grok.upstream.slots import Slots
from mcp_grok.upstream.sse import is_event_stream
from mcp_grok.upstream.stream import FINISH_SILENCE, OnText, StreamReader
from mcp_grok.upstream.telemetry import is_observed, observed
from mcp_grok.upstream.transport_failures import timed_out, transport_error

PIECE = 256 * 1024
"""Bytes of a body that are sent at once. The event loop would copy the rest of a longer piece."""

USER_AGENT = f"mcp-grok/{__version__}"

MISSING = (404, 405, 501)
"""Statuses of an address that the API does not have."""

MISSING_SECONDS = 300.0
"""Seconds for which a missing Responses API is remembered, for the caller who met it: the error may be his own."""

MOST_CALLERS = 1000
"""Most callers for whom it is remembered."""

MAX_MODELS = 100
"""Most models remembered for refusing the request for usage."""


class ChatClient:
    """Posts chat completions to one endpoint over pooled connections.

    Args:
        endpoint: The address for calls, and their limits.
        max_response_bytes: Maximum size of an answer.
        backoff: Returns the seconds to wait before the next attempt, if the upstream does not state them.
        finish_silence: See `StreamReader`.
        shared: Whether the calls are those of several callers; see `Slots`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        backoff: Backoff = backoff,
        finish_silence: float = FINISH_SILENCE,
        shared: bool = False,
    ) -> None:
        self.endpoint = endpoint
        self._provider = endpoint.provider
        self._backoff = backoff
        self._max_response_bytes = max_response_bytes
        self.slots = Slots(endpoint.max_concurrency, shared=shared)
        self._finish_silence = finish_silence
        self._models_without_usage: set[str] = set()
        self.connections = ConnectionPool(endpoint)
        self._url = httpx2.URL(endpoint.url)
        self._responses_url = httpx2.URL(self._provider.responses_url(endpoint.url))
        self._no_responses_until: dict[str, float] = {}
        self._endpoint_id = self._digest(endpoint.key)
        self._headers = httpx2.Headers(
            {
                "host": self._url.netloc.decode("ascii"),
                "accept": "application/json, text/event-stream",
                "accept-encoding": "identity",
                "content-type": "application/json",
                "user-agent": USER_AGENT,
                **_authorization(endpoint.key),
            }
        )
        timeout = httpx2.Timeout(endpoint.idle_timeout, connect=CONNECT_TIMEOUT, pool=None)
        self._extensions = {"timeout": timeout.as_dict()}

    def _url_of(self, request: ChatRequest) -> httpx2.URL:
        return self._responses_url if request.form else self._url

    async def aclose(self) -> None:
        """Closes the pooled connections."""
        await self.connections.aclose()

    async def complete(
        self,
        request: ChatRequest,
        on_text: OnText = lambda text: None,
        on_reasoning: OnText = lambda text: None,
        on_sent: Callable[[], None] = lambda: None,
        *,
        key: str | None = None,
        caller: str = "",
    ) -> Completion:
        """Sends a call and waits for its answer.

        Args:
            request: What to send.
            on_text: Called with each piece of the first choice's text when it arrives; must not block.
            on_reasoning: Called with each piece of the model's reasoning, if the upstream sends it; must not block.
            on_sent: Called whenever an attempt gets a slot and is sent.
            key: Replaces the endpoint's key.
            caller: The name of the caller, for its turn among those that wait for a slot.

        Raises:
            GrokError: the call failed; it contains the provider's name and the text received so far.
        """
        secrets = self._secrets(key)
        headers = {**request.headers, **_authorization(key or "")}
        if not is_observed():
            call = RunningCall(request, on_text, on_reasoning, on_sent, headers, secrets, caller)
            return await self._completed(call, key)
        with observed(self._provider, str(self._url_of(request)), request) as watched:
            headers = {**watched.headers(), **headers}
            call = RunningCall(request, on_text, on_reasoning, on_sent, headers, secrets, caller)
            answer = await self._completed(call, key)
            watched.answered(answer)
        return answer

    async def _completed(self, call: RunningCall, key: str | None) -> Completion:
        try:
            check_key(self.endpoint, key)
            if call.request.form and anyio.current_time() < self._no_responses_until.get(call.caller, 0):
                raise no_responses(self.endpoint)
            with anyio.move_on_after(self.endpoint.timeout):
                return await self._attempts(call)
            whole = call.whole_answer()
            if whole is not None and failure_in_completion(self.endpoint, whole.body) is None:
                return whole
            failure: GrokError = timed_out(self.endpoint, sent=call.sent_at is not None)
        except GrokError as error:
            failure = error
        if failure.type == failures.BAD_KEY.type and not self._secrets(key):
            failure.message = failures.wants_key(self.endpoint)
        if is_about_model(failure):
            failure.message += await advice_on_models(
                replace(self.endpoint, key=key or self.endpoint.key), call.request.model
            )
        call.complete_error(failure)
        failure.provider = self._provider.name
        self.remove_keys(failure, key)
        raise failure

    def endpoint_id(self, key: str | None = None) -> str:
        """A digest, equal for calls that go to the same address with the same key."""
        return self._endpoint_id if key is None else self._digest(key)

    def _digest(self, key: str) -> str:
        return hashlib.sha256(f"{self._url} {key}".encode()).hexdigest()

    def remove_keys(self, failure: GrokError, key: str | None = None) -> None:
        """Removes the endpoint's key and the call's key from an error, which the upstream may have repeated."""
        failure.redact(*self._secrets(key))

    def _secrets(self, key: str | None) -> list[str]:
        return [secret for secret in (self.endpoint.key, key) if secret]

    async def _attempts(self, call: RunningCall) -> Completion:
        if call.request.model in self._models_without_usage:
            call.leave_out_usage_request()
        while True:
            call.sent_at = None
            try:
                await self.slots.acquire(call.caller)
                try:
                    call.begin_attempt()
                    async with self.connections.client() as http:
                        answer = await self._exchange(http, call)
                finally:
                    self.slots.release(call.caller)
                if call.left_out_usage_request and len(self._models_without_usage) < MAX_MODELS:
                    self._models_without_usage.add(call.request.model)
                return answer
            except GrokError as error:
                if call.refuses_usage_request(error):
                    # The error is about this server's addition; the user's own request has not been sent yet.
                    call.leave_out_usage_request()
                    continue
                wait = seconds_before_resend(
                    error,
                    attempt=call.attempts,
                    max_retries=0 if call.assembler.has_begun else self.endpoint.max_retries,
                    waiting=self._backoff,
                )
                call.failed(error)
                if wait is None or anyio.current_time() + wait >= anyio.current_effective_deadline():
                    raise
            await anyio.sleep(wait)

    async def _exchange(self, http: httpx2.AsyncClient, call: RunningCall) -> Completion:
        # http.build_request would parse the address and merge the headers again for each call.
        post = httpx2.Request(
            "POST",
            self._url_of(call.request),
            headers=self._headers,
            stream=PiecedBody(call.body),
            extensions=self._extensions,
        )
        for name, value in (call.headers or {}).items():
            post.headers[name] = value
        post.headers["content-length"] = str(len(call.body))
        call.sent_at = time.monotonic()
        try:
            response = await http.send(post, stream=True)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise transport_error(self.endpoint, error) from error
        try:
            call.answer = await self._read(response, call)
        finally:
            await response.aclose()
        return call.answer

    async def _read(self, response: httpx2.Response, call: RunningCall) -> Completion:
        call.response_body = BoundedBody(
            response, self.endpoint, self._max_response_bytes, "ask for less, for example with max_tokens"
        )
        async with aclosing(call.response_body.pieces()) as received:
            if not response.is_success:
                body = call.refusal = await read_up_to(received, MAX_ERROR_BYTES)
                if self._lacks_responses(call.request, response.status_code, body):
                    self._remember_missing(call.caller)
                    raise no_responses(self.endpoint, response.status_code, body)
                raise failures.http_error(self.endpoint, response.status_code, response.headers, body)
            start = await first_bytes(received)
            streamed = is_event_stream(start, response.headers.get("content-type", ""))
            if streamed is None:
                raise failures.unreadable_answer(self.endpoint, response.status_code, start, "a completion")
            if streamed:
                return await self._read_stream(start, received, call)
            return await self._read_json(start, received, response.status_code, call)

    async def _read_json(
        self, start: bytes, received: AsyncIterator[bytes], status: int, call: RunningCall
    ) -> Completion:
        content, broken = await whole_body(start, received, call.assembler.max_items)
        try:
            body = await parse_large_json(content)
        except ValueError:
            failure = broken or failures.unreadable_answer(self.endpoint, status, content, "a completion")
            failure.partial = await offload(partial(text_in, content), len(content)) or None
            raise failure from None
        if call.request.form and is_response(body):
            body = await offload(partial(call.request.form.completion, body), call.size)
        if error := failures.error_in_answer(self.endpoint, status, body):
            raise error
        if error := failure_in_completion(self.endpoint, body):
            raise error
        if not is_completion(body):
            raise failures.unreadable_answer(self.endpoint, status, content, "a completion")
        answer = call.completion(body, content)
        if answer.text:
            call.on_text(answer.text)
        return answer

    async def _read_stream(self, start: bytes, received: AsyncIterator[bytes], call: RunningCall) -> Completion:
        call.stream = StreamReader(
            self.endpoint,
            call.assembler,
            call.text_streamed,
            call.on_reasoning,
            finish_silence=self._finish_silence,
        )
        await call.stream.read(start, received)
        answer = await offload(call.streamed_completion, call.size)
        if failure := failure_in_completion(self.endpoint, answer.body):
            raise failure
        return answer

    def _remember_missing(self, caller: str) -> None:
        if len(self._no_responses_until) >= MOST_CALLERS:
            self._no_responses_until.clear()
        self._no_responses_until[caller] = anyio.current_time() + MISSING_SECONDS

    def _lacks_responses(self, request: ChatRequest, status: int, body: bytes) -> bool:
        """Whether a refusal means that the API has no Responses API. It may be about a model, or a stored response."""
        is_unknown = request.form is not None and not self._provider.searches and status in MISSING
        return is_unknown and "previous_response_id" not in request.given and b"model" not in body.lower()


class PiecedBody(httpx2.AsyncByteStream):
    """The body of a request, in pieces; its `content-length` must be among the headers."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), PIECE):
            yield self._body[start : start + PIECE]


def _authorization(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"} if key else {}
