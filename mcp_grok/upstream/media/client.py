"""The client of pictures and videos: sends what is paid for once, and follows the job of a video."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2

from mcp_grok.address import is_loopback
from mcp_grok.errors import BadUpstreamResponse, CallTimeout, ConnectionFailed, GrokError, NotFound
from mcp_grok.json_parser import JSONObject, parse_large_json
from mcp_grok.limits import CONNECT_TIMEOUT, JOB_SECONDS, MAX_ERROR_BYTES, MAX_RESPONSE_BYTES, MAX_RESPONSE_ITEMS
from mcp_grok.upstream import failures
from mcp_grok.upstream.api_key import check_key
from mcp_grok.upstream.api_request import OnJob
from mcp_grok.upstream.client import USER_AGENT, ChatClient, PiecedBody
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.cost import stated_cost
from mcp_grok.upstream.json_answer import whole_body
from mcp_grok.upstream.media.answer_files import with_files
from mcp_grok.upstream.media.image_answer import read_images
from mcp_grok.upstream.media.request import MediaRequest
from mcp_grok.upstream.media.video_job import Pending, Poll, VideoJobs
from mcp_grok.upstream.media.video_jobs import video_jobs
from mcp_grok.upstream.response_body import BoundedBody, read_up_to
from mcp_grok.upstream.retry import LONGEST_WAIT, backoff, seconds_before_resend
from mcp_grok.upstream.transport_failures import timed_out, transport_error

OnProgress = Callable[[int | None], None]

LOCAL_INTERVALS = (0.25, 1.0)
"""Least and most seconds between two questions about a job, for an API on this machine."""

POLLS_BY_AGE = 10
"""The interval is this part of the job's age."""

DOUBTS = 3
"""Times in a row that the API may not know a job, which it may just have created, or answer in another form."""

UNKNOWN = 404


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer with status 200 to 299, or one of a job.

    Attributes:
        status: The HTTP status.
        body: The JSON; None for an empty body.
        size: Its bytes.
    """

    status: int
    body: Any
    size: int


class MediaClient:
    """Makes pictures and videos at the endpoint of a chat client, over its connections and within its slots.

    Args:
        chat: The chat client.
        key: Replaces the endpoint's key.
        caller: The name of the caller, for its turn among those that wait for a slot.
    """

    def __init__(self, chat: ChatClient, key: str | None = None, caller: str = "") -> None:
        self._chat = chat
        self._endpoint = chat.endpoint
        self._key = key
        self._caller = caller
        self._attempts = 0

    async def make(
        self, request: MediaRequest, on_sent: Callable[[], None], on_job: OnJob, on_progress: OnProgress
    ) -> Completion:
        """Sends a request and waits for its pictures or its video.

        Args:
            request: What to send.
            on_sent: Called whenever an attempt gets a slot and is sent.
            on_job: Called with the id of the job that makes the video, before anything else happens.
            on_progress: Called with the percentage that is made, None if the API does not state it; must not block.

        Raises:
            GrokError: the call failed.
        """
        try:
            check_key(self._endpoint, self._key)
            answer = await self._paid(request, on_sent)
            if request.kind == "image":
                return self._completion(
                    read_images(answer.status, answer.body, request, self._endpoint), answer, request.dropped
                )
            job = video_jobs(self._endpoint).job_id(answer.body)
        except GrokError as failure:
            failure.param = request.given.get(failure.param or "", failure.param)
            raise self._told(failure) from None
        await on_job(job)
        return await self.follow(job, request.model, on_progress)

    async def with_files(self, answer: Completion, name: str) -> Completion:
        """The answer with its files; see `answer_files.with_files`."""
        return await with_files(answer, self._endpoint, name)

    async def follow(self, job: str, model: str, on_progress: OnProgress) -> Completion:
        """Waits for the video of a job, which costs nothing.

        Raises:
            GrokError: the job failed, is unknown, or takes too long.
        """
        try:
            return await self._followed(job, model, on_progress)
        except GrokError as failure:
            raise self._told(failure) from None

    async def _followed(self, job: str, model: str, on_progress: OnProgress) -> Completion:
        jobs = video_jobs(self._endpoint)
        poll = jobs.poll(job)
        began, failed, doubted = anyio.current_time(), 0, 0
        while True:
            try:
                answer = await self._free(poll)
            except GrokError as error:
                failed += 1
                if not error.retryable:
                    error.billed = "unknown"
                    error.message += f" The video may still be made: its job is {job}."
                    raise
                # Not longer: an API that is busy for a day may have made the video all the same.
                wait = min(error.retry_after or backoff(failed), LONGEST_WAIT)
            else:
                failed, wait = 0, self._interval(jobs, anyio.current_time() - began)
                state = self._state(jobs, answer, job, is_doubted=doubted < DOUBTS)
                doubted = doubted + 1 if state is None else 0
                if isinstance(state, Pending):
                    on_progress(state.progress)
                elif state is not None:
                    return self._completion({**state, "model": state.get("model") or model}, answer, {})
            if anyio.current_time() + wait > began + JOB_SECONDS:
                raise CallTimeout(
                    f"The video was not made within {JOB_SECONDS / 60:g} minutes. Its job is {job}; it may be billed.",
                    retryable=False,
                )
            await anyio.sleep(wait)

    def _state(self, jobs: VideoJobs, answer: Answered, job: str, *, is_doubted: bool) -> Pending | JSONObject | None:
        """What an answer says of a job; None if it does not know the job, or cannot be read, and that is doubted."""
        try:
            return jobs.read(answer.status, answer.body, job)
        except (NotFound, BadUpstreamResponse) as error:
            if is_doubted:
                return None
            error.message += f" Its job is {job}."
            raise

    def _interval(self, jobs: VideoJobs, age: float) -> float:
        least, most = LOCAL_INTERVALS if is_loopback(self._endpoint.url) else jobs.intervals
        return min(max(age / POLLS_BY_AGE, least), most)

    async def _paid(self, request: MediaRequest, on_sent: Callable[[], None]) -> Answered:
        """The answer to a request that may be billed; it is sent again only if it cannot be billed twice."""
        maybe_billed, sent = False, False
        try:
            with anyio.fail_after(self._endpoint.timeout):
                while True:
                    await self._chat.slots.acquire(self._caller)
                    try:
                        self._attempts += 1
                        sent = True
                        on_sent()
                        return await self._exchange("POST", request.url, request.body)
                    except GrokError as error:
                        error.billed = "unknown" if maybe_billed and error.billed == "no" else error.billed
                        maybe_billed = error.billed != "no"
                        wait = seconds_before_resend(
                            error, attempt=self._attempts, max_retries=self._endpoint.max_retries
                        )
                        if wait is None or anyio.current_time() + wait >= anyio.current_effective_deadline():
                            raise
                    finally:
                        self._chat.slots.release(self._caller)
                    sent = False
                    await anyio.sleep(wait)
        except TimeoutError:
            raise timed_out(self._endpoint, sent=sent or maybe_billed) from None

    async def _free(self, poll: Poll) -> Answered:
        """The answer about a job. Any failure of the connection may pass."""
        try:
            with anyio.fail_after(self._endpoint.idle_timeout):
                return await self._exchange(poll.method, poll.url, poll.body, is_poll=True)
        except (TimeoutError, ConnectionFailed, CallTimeout, BadUpstreamResponse) as error:
            raise ConnectionFailed(f"{self._endpoint.provider.subject} did not tell the state of the job.") from error

    async def _exchange(self, method: str, url: str, body: bytes | None, *, is_poll: bool = False) -> Answered:
        key = self._key or self._endpoint.key
        request = httpx2.Request(
            method,
            url,
            headers={
                "host": httpx2.URL(url).netloc.decode("ascii"),
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": USER_AGENT,
                **({"content-type": "application/json", "content-length": str(len(body))} if body is not None else {}),
                **({"authorization": f"Bearer {key}"} if key else {}),
            },
            stream=None if body is None else PiecedBody(body),
            extensions={
                "timeout": httpx2.Timeout(self._endpoint.idle_timeout, connect=CONNECT_TIMEOUT, pool=None).as_dict()
            },
        )
        async with self._chat.connections.client() as http:
            try:
                response = await http.send(request, stream=True)
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise transport_error(self._endpoint, error) from error
            try:
                return await self._read(response, is_poll=is_poll)
            finally:
                await response.aclose()

    async def _read(self, response: httpx2.Response, *, is_poll: bool) -> Answered:
        status = response.status_code
        response_body = BoundedBody(response, self._endpoint, MAX_RESPONSE_BYTES, "it may be billed")
        async with aclosing(response_body.pieces()) as received:
            if not response.is_success and not (is_poll and status == UNKNOWN):
                refusal = await read_up_to(received, MAX_ERROR_BYTES)
                raise failures.http_error(self._endpoint, status, response.headers, refusal)
            content, broken = await whole_body(b"", received, MAX_RESPONSE_ITEMS)
        if not content.strip() and broken is None:
            return Answered(status, None, 0)
        try:
            body = await parse_large_json(content)
        except ValueError:
            raise broken or failures.unreadable_answer(self._endpoint, status, content, "JSON") from None
        return Answered(status, body, len(content))

    def _completion(self, body: JSONObject, answer: Answered, dropped: dict[str, str]) -> Completion:
        return Completion(body, self._attempts, dropped=dropped, size=answer.size, cost=stated_cost(body.get("usage")))

    def _told(self, failure: GrokError) -> GrokError:
        """The error with what it says about every call."""
        failure.provider = self._endpoint.provider.name
        failure.attempts = self._attempts
        self._chat.remove_keys(failure, self._key)
        return failure
