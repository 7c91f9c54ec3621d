"""The owner of every call of a process: the only code that changes a record."""

import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import anyio
import anyio.abc

from mcp_grok.calls.call import Call, Delivery, Outcome, Reason, Request, State, Work
from mcp_grok.calls.call_log import log_call
from mcp_grok.calls.caller_limits import NO_LIMITS, CallerLimits, Quotas
from mcp_grok.calls.keyed_lock import KeyedLock
from mcp_grok.calls.request_bytes import RequestBytes
from mcp_grok.calls.run_call import cancelled, lost, run_call
from mcp_grok.calls.store import Event, Follow, Interrupted, Poll, Repeated, Stop, Store, uninterrupted
from mcp_grok.calls.token_count import MEDIA_TOKENS, requested_tokens, tokens_of
from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import (
    Cancelled,
    GrokError,
    InternalError,
    Lost,
    NotFound,
    OutOfReach,
    StoreUnreachable,
    Unavailable,
)
from mcp_grok.limits import ORPHAN_TIMEOUT
from mcp_grok.principal import ANONYMOUS, Principal
from mcp_grok.upstream.api_request import ApiRequest
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.completion import Completion

OnInterrupted = Callable[[Interrupted], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Timings:
    """Time limits of `Calls`.

    Attributes:
        disconnect_grace: Seconds that a repeated call over streamable HTTP waits for the earlier one to be orphaned: it
            may arrive before the server detects that the earlier connection closed. A call that is younger than this
            does not count as the earlier one: no client gives up so soon.
        orphan_timeout: Seconds that a call continues while no request waits for it.
        left_jobs: Seconds between two searches for the jobs of processes that have died.
        job_id: Seconds that a server which stops waits for the API to state the job of a video.
    """

    disconnect_grace: float = 0.5
    orphan_timeout: float = ORPHAN_TIMEOUT
    left_jobs: float = 30.0
    job_id: float = 3.0


MOST_RECENT = 100
MOST_RECENT_BYTES = 16 * 1024 * 1024
"""Maximum delivered requests to keep, and bytes of their answers: a cancellation may arrive after the delivery."""


class Calls:
    """The calls of one process; `open_calls` creates it.

    Args:
        client: Sends the calls.
        tasks: Runs them.
        store: Keeps them after their requests, or the process, have ended.
        finish_orphans: Whether a call continues after its client disconnected.
        limits: The limits of each principal.
        timings: Time limits.
    """

    def __init__(
        self,
        client: ChatClient,
        tasks: anyio.abc.TaskGroup,
        store: Store,
        *,
        finish_orphans: bool = True,
        limits: CallerLimits = NO_LIMITS,
        timings: Timings | None = None,
    ) -> None:
        self._client = client
        self._tasks = tasks
        self._store = store
        self._finish_orphans = finish_orphans
        self._limits = limits
        self.request_bytes = RequestBytes(limits.request_bytes, limits.total_request_bytes)
        """The count of the bytes of requests, also of those whose bodies are being read."""
        self._timings = timings or Timings()
        self._closing = False
        self._changed: anyio.Event | None = None
        self._locks = KeyedLock()
        self._running: dict[str, Call] = {}
        self._followed: dict[str, Call] = {}
        self._undelivered: dict[str, Call] = {}
        """Ended calls whose outcome is on its way to a request."""
        self._unwritten: dict[str, Call] = {}
        """Orphans whose row is being written: until then, the store does not give them to a repeated call."""
        # Connections and exchanges hold requests weakly: those here can still be cancelled.
        self._recent: deque[tuple[Request, int]] = deque()
        self._recent_bytes = 0
        self.on_interrupted: OnInterrupted | None = None
        """Called with a cancellation that another server has received."""

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that calls go to."""
        return self._client.endpoint

    def request(self, principal: Principal = ANONYMOUS, connection: object | None = None, session: str = "") -> Request:
        """A client's request, which may then start a call or be attached to one.

        Args:
            principal: The identity that makes it.
            connection: The connection on which its cancellation arrives, in order; None over streamable HTTP.
            session: The session id that its client sends over streamable HTTP; empty without one.
        """
        return Request(self, principal, connection, session)

    async def start(self, api_request: ApiRequest, request: Request) -> Call:
        """The call for a request: an orphan with the same fingerprint, or a new one, which starts now.

        Raises:
            Unavailable: the server is stopping.
            LimitReached: a limit of the principal is reached.
            Cancelled: the request was already cancelled; nothing was sent.
            StoreUnreachable: the shared store does not respond; nothing was sent.
        """
        if self._closing:
            raise Unavailable
        principal = request.principal
        fingerprint = f"{self._client.endpoint_id(principal.secret)} {api_request.fingerprint} {principal.name}"
        await self._disconnects(fingerprint, request)
        # A repeated call must see the end of an interrupted start. Inside, only the store is awaited, uninterrupted.
        async with self._locks.of(fingerprint):
            call = await self._start(api_request, request, fingerprint)
        if request.body is not None:
            request.body.release()
        return call

    async def attach(self, call: Call, request: Request) -> None:
        """Makes a request wait for a call."""
        request.call = call
        call.requests.add(request)
        call.delivery = Delivery.ATTACHED
        self._keep_undelivered(call)
        if call.work:
            call.work.scope.deadline = float("inf")
        # Before anything is awaited: the call may end, or be left to another process, meanwhile.
        if call.outcome is None:
            self._follow(call)
        await self._store.attach(call)
        if request.interrupted:
            await self._detach(call, request, request.interrupted)

    async def give_id(self, request: Request, *, ttl: float = math.inf) -> None:
        """Records that a request's call can be fetched by its id; to be called before the client receives the id.

        Args:
            request: The request for which the id is given out.
            ttl: Seconds that the call continues after this request, and after each `poll`.
        """
        call = request.call
        if call is not None and call.work:
            call.work.ttl = ttl
        if call is not None and not call.id_given:
            call.id_given = True
            await self._store.sync(call)

    async def poll(self, call: Call) -> None:
        """Records that a client still wants a call that was handed off with a ttl."""
        if call.id in self._running:
            self._continue(call)
        elif call.outcome is None:
            await self._store.poll(call)

    async def delivered(self, request: Request) -> None:
        """Records that the result of a request, the outcome or the id, was passed to the transport."""
        call = request.call
        if call is None or request.interrupted:
            return
        self._remember(request, call.size)
        call.requests.discard(request)
        for other in [other for other in call.requests if other.is_doubted and call.outcome is not None]:
            # This request was its repetition, and has the outcome.
            call.requests.discard(other)
            other.call = None
        self._change()
        if told := request.notes.get("lost"):
            await self._store.mark_told(call.fingerprint, told, told=True)
        if call.requests:
            return
        self._unfollow(call)
        if call.delivery is not Delivery.ORPHANED:
            self._let_go(call)
            self._continue(call)
            await self._store.sync(call)
        self._forget_delivered(call)

    async def interrupt(self, request: Request, reason: Reason) -> None:
        """Records that the client will not receive the result of a request, even if it is being sent."""
        if request.interrupted:
            return
        request.interrupted = reason
        if request.call:
            await self._detach(request.call, request, reason)

    async def doubt(self, request: Request) -> None:
        """Records that the client of a request may have timed out: its call can be claimed while it still waits."""
        call = request.call
        if call is None or request.interrupted or call.cut_by:
            return
        restore = call.delivery is Delivery.DELIVERED
        request.is_doubted = True
        call.delivery, call.reason = Delivery.ORPHANED, Reason.CLIENT_TIMEOUT
        self._keep_undelivered(call)
        with self._writing(call):
            await self._store.release(call)
            await self._store.sync(call, restore=restore)
        self._forget_delivered(call)
        self._change()

    async def cancel(self, call: Call) -> None:
        """Stops a call on any server, even if requests wait for it."""
        if call.id in self._running:
            self.stop(call)
        elif call.outcome is None:
            await self._store.stop(call)

    def stop(self, call: Call) -> None:
        """Stops a call that runs in this process."""
        call.reason = Reason.USER
        self._stop(call, State.CANCELLED, cancelled(call))

    async def find(self, call_id: str, principal: Principal = ANONYMOUS) -> Call:
        """The call with an id, which its client has from now on. If its job was left, this process takes it up.

        Raises:
            NotFound: this principal has no such call, or it has expired.
            Unavailable: the server is stopping, and the job of the call was left.
            StoreUnreachable: the shared store does not respond.
        """
        call = self._known_here(call_id)
        if call is None:
            found = await self._store.find(call_id)
            call = self._known_here(call_id) or found
        if call is None or call.principal != principal.name:
            raise no_such_call(call_id)
        call = await self._taken_up(call, principal.secret)
        call.id_given = True
        return call

    async def take_up_left_jobs(self) -> None:
        """Takes up the jobs of processes that have died, until cancelled.

        A job that was made with a caller's own key is taken up when that caller returns.
        """
        while True:
            try:
                for call in await self._store.left_jobs():
                    with suppress(GrokError):
                        await self._taken_up(call, None)
            except GrokError:
                pass  # The store is away.
            except Exception as error:  # noqa: BLE001 - the top of a task: a defect costs one search, not the server
                InternalError.of(error)
            await anyio.sleep(self._timings.left_jobs)

    async def usage(self, principal: Principal = ANONYMOUS) -> dict[str, Any]:
        """The usage of a principal's calls: see `Usage.as_dict`."""
        return await self._store.usage(principal.name)

    def under_way(self, principal: Principal) -> int:
        """The number of a principal's calls that run on this server."""
        return sum(call.principal == principal.name for call in self._running.values())

    async def is_ready(self) -> bool:
        """Whether calls can be made now."""
        return not self._closing and await self._store.is_ready()

    async def interrupted_elsewhere(self, event: Interrupted) -> None:
        """Sends a cancellation to the servers that share the store: its request may be on one of them."""
        await self._store.broadcast(event)

    async def drain(self, seconds: float) -> None:
        """Refuses new calls, waits up to some seconds for the running ones, then stops them; see `end`."""
        self._closing = True
        try:
            with anyio.move_on_after(seconds):
                while self._running or self._followed:
                    await self._next_change()
            await self.end()
        finally:
            self.stop_all()

    async def finish(self, seconds: float) -> None:
        """Refuses new calls, stops the running ones, and waits up to some seconds until their requests have results.

        See `end`.
        """
        self._closing = True
        waiting = [call for call in self._running.values() if call.requests]
        await self.end()
        with anyio.move_on_after(seconds):
            while any(call.requests for call in waiting):
                await self._next_change()

    async def end(self) -> None:
        """Stops every call that runs on this server, because the server ends.

        A video that has been asked for is stopped once the API has stated its job, which can then be followed.
        """
        self._stop_these(call for call in self._running.values() if not call.awaits_job)
        with anyio.move_on_after(self._timings.job_id):
            while any(call.awaits_job for call in self._running.values()):
                await self._next_change()
        self.stop_all()

    def stop_all(self) -> None:
        """Stops every call that runs on this server immediately."""
        self._stop_these(self._running.values())

    def _stop_these(self, calls: Iterable[Call]) -> None:
        for call in calls:
            if call.ended_at is not None:
                # Its answer is being written, and stays that of a repeated call.
                continue
            if call.cut_by is None:
                call.reason = Reason.SHUTDOWN
            self._stop(call, State.LOST, cancelled(call) if call.state is State.QUEUED else lost(call))

    async def serve_events(self) -> None:
        """Handles the events from other servers until cancelled."""
        async for event in self._store.events():
            try:
                await self._serve(event)
            except Exception as error:  # noqa: BLE001 - the top of a task: a defect costs one event, not the server
                InternalError.of(error)

    async def _serve(self, event: Event) -> None:
        match event:
            case Stop(call_id) if call := self._running.get(call_id):
                self.stop(call)
            case Poll(call_id) if call := self._running.get(call_id):
                self._continue(call)
            case Follow(call_id) if call := self._running.get(call_id):
                self._continue(call)
                if call.work:
                    call.work.is_followed = True
                self._tasks.start_soon(self._store.publish, call, event)
            case Interrupted() if self.on_interrupted:
                await self.on_interrupted(event)
            case Repeated(fingerprint, session):
                await self._doubt_earlier(self._duplicates(fingerprint, None), session)

    async def _disconnects(self, fingerprint: str, request: Request) -> None:
        """Waits until a duplicate on another connection, which may be closing, is orphaned.

        Some clients time out without a message and leave their connection open. Therefore, if the duplicate stays
        attached, a repeated call of the same session may claim it, and both requests get the answer.
        """
        grace, connection = self._timings.disconnect_grace, request.connection
        duplicates = self._duplicates(fingerprint, connection)
        if not duplicates:
            if connection is None:
                await self._store.disconnects(fingerprint, grace, request.session)
            return
        with anyio.move_on_after(grace):
            while all(call.delivery is Delivery.ATTACHED for call in duplicates):
                await self._next_change()
        await self._doubt_earlier(duplicates, request.session)

    def _duplicates(self, fingerprint: str, connection: object | None) -> list[Call]:
        """The running calls with a fingerprint whose requests on other connections may have been given up."""
        grace = self._timings.disconnect_grace
        return [
            call
            for call in chain(self._running.values(), self._undelivered.values())
            if call.fingerprint == fingerprint
            and call.elapsed > grace
            and any(other.connection is None or other.connection is not connection for other in call.requests)
        ]

    async def _doubt_earlier(self, duplicates: list[Call], session: str) -> None:
        """Calls `doubt` for the session's request on the oldest duplicate, unless a duplicate is already claimable."""
        if not session or any(call.delivery is not Delivery.ATTACHED for call in duplicates):
            return
        for request in [request for call in duplicates for request in call.requests]:
            if request.session == session:
                await self.doubt(request)
                return

    async def _start(self, api_request: ApiRequest, request: Request, fingerprint: str) -> Call:
        orphan, untold = await self._store.claim(fingerprint, self._running_orphan(fingerprint))
        if untold:
            request.notes["lost"] = untold
        call = orphan and (self._known_here(orphan.id) or orphan)
        if call is not None and call.cut_by is None:
            return await self._claimed(call, request)
        process, kind = self._store.process, api_request.kind
        call = Call(api_request.model, fingerprint, request.principal.name, process=process, work=Work(), kind=kind)
        if self._limits.quotas is None:
            await self._insert(call, api_request, request)
        else:
            await self._insert_counted(call, api_request, request, self._limits.quotas)
        request.call = call
        call.requests.add(request)
        self._tasks.start_soon(self._run, call, api_request, request.principal.secret)
        return call

    async def _claimed(self, call: Call, request: Request) -> Call:
        """The call that a request has claimed, attached to it."""
        request.notes["picked_up"] = round(call.elapsed, 1)
        try:
            call = await self._take_up(call, request.principal.secret)
        except StoreUnreachable:
            # The claim is stored: without this, no later call could claim it while this server lives.
            call.delivery = Delivery.ORPHANED
            await self._store.sync(call)
            raise
        await self.attach(call, request)
        return call

    def _known_here(self, call_id: str) -> Call | None:
        """A call that this process runs, follows or delivers."""
        return self._running.get(call_id) or self._followed.get(call_id) or self._undelivered.get(call_id)

    async def _taken_up(self, call: Call, secret: str | None) -> Call:
        """See `_take_up`. A repeated call that arrives meanwhile waits, and then finds it among the running calls."""
        if not call.job or call.outcome is not None:
            return call
        async with self._locks.of(call.fingerprint):
            return await self._take_up(call, secret)

    async def _take_up(self, call: Call, secret: str | None) -> Call:
        """The call. If its process has died and its job goes on at the API, this process runs it from now on.

        To be called with the lock of the call's fingerprint.

        Args:
            call: A call from the store.
            secret: The key of the principal that returns for it; None for none of its own.

        Raises:
            NotFound: the job was made with another key, or at another address.
            Unavailable: the server is stopping.
        """
        if not call.job or call.outcome is not None:
            return call
        if here := self._known_here(call.id):
            return here
        if self._closing:
            raise Unavailable
        key = self._key_of_job(call, secret)
        if call.process == self._store.process or await self._store.take_up(call):
            self._run_job(call, key)
        return call

    def _key_of_job(self, call: Call, secret: str | None) -> str | None:
        """The principal's own key of a call's job; None for that of the endpoint."""
        endpoint_id = call.fingerprint.partition(" ")[0]
        for key in (None, secret):
            if self._client.endpoint_id(key) == endpoint_id:
                return key
        raise NotFound(
            f"The video of this call is made by the job {call.job} with another API key, or at another address, than "
            "this server has now. Fetch it with the same key and settings; asking again costs again.",
            param="id",
            billed="yes",
        )

    def _run_job(self, call: Call, key: str | None) -> None:
        """Runs the rest of a call: its job at the API is known."""
        followed, call.work = call.work, Work(is_job_stored=True)
        if followed:
            call.work.followers = followed.followers
            followed.ended.set()
        if not call.requests and call.delivery is not Delivery.ORPHANED:
            call.delivery = Delivery.HANDED_OFF if call.id_given else Delivery.ORPHANED
        call.process, call.state = self._store.process, State.RUNNING
        self._running[call.id] = call
        self._tasks.start_soon(self._run, call, None, key)

    def _leave_job(self, call: Call) -> None:
        """Leaves a call to the next process, because this one ends and its job goes on at the API."""
        call.state, call.cut_by = State.RUNNING, None
        self._forget(call)
        self._end_wait(call)

    def _end_wait(self, call: Call) -> None:
        """Ends the wait for a call in this process, because another one will have its outcome."""
        work, call.work = call.work, None
        if work:
            work.ended.set()
        self._change()

    def _running_orphan(self, fingerprint: str) -> Call | None:
        for call in chain(self._running.values(), self._unwritten.values()):
            is_orphan = call.fingerprint == fingerprint and call.delivery is Delivery.ORPHANED
            if is_orphan and not call.cut_by and not isinstance(call.outcome, GrokError):
                return call
        return None

    async def _insert_counted(self, call: Call, api_request: ApiRequest, request: Request, quotas: Quotas) -> None:
        """Like `_insert`, within the quotas of the principal. If the call does not begin, its tokens do not count."""
        tokens = requested_tokens(api_request)
        await quotas.admit(call.principal, tokens)
        try:
            await self._insert(call, api_request, request)
        except BaseException:
            await self._count(quotas, call.principal, -tokens)
            raise

    @uninterrupted
    async def _count(self, quotas: Quotas, principal: str, tokens: int) -> None:
        await quotas.count(principal, tokens)

    async def _insert(self, call: Call, api_request: ApiRequest, request: Request) -> None:
        """Counts the call among the principal's running calls, then stores it."""
        limits = self._limits
        # No other task runs between these checks and the counts.
        if limits.calls_at_once:
            limits.check(self.under_way(request.principal))
        held = self.request_bytes.call(call.principal, len(api_request.body), request.body)
        assert call.work is not None  # noqa: S101 - a call that runs here has its work here
        call.work.request_bytes = held
        self._running[call.id] = call
        inserted = False
        try:
            inserted = await self._store.insert(call, limits.calls_at_once)
        finally:
            if not inserted:
                self._forget(call)
        if not inserted:
            raise limits.too_many_calls()
        if request.interrupted:
            self._forget(call)
            await self._store.discard(call)
            raise Cancelled("The call was cancelled before it began; nothing was sent.", billed="no")

    def _keep_undelivered(self, call: Call) -> None:
        """Keeps an ended call until a request has its outcome: a repeated one may come before its client has gone."""
        if call.outcome is not None and call.id not in self._running:
            self._undelivered[call.id] = call

    def _forget_delivered(self, call: Call) -> None:
        """Ends `_keep_undelivered`, if no request waits for the call."""
        if not call.requests:
            self._undelivered.pop(call.id, None)

    @contextmanager
    def _writing(self, call: Call) -> Iterator[None]:
        """Lets a repeated call find an orphan whose row is being written."""
        self._unwritten[call.id] = call
        try:
            yield
        finally:
            self._unwritten.pop(call.id, None)

    def _forget(self, call: Call) -> None:
        """Counts a call no longer among those that run here."""
        del self._running[call.id]
        if call.work and call.work.request_bytes:
            call.work.request_bytes.release()

    async def _detach(self, call: Call, request: Request, reason: Reason) -> None:
        if untold := request.notes.get("lost"):
            await self._store.mark_told(call.fingerprint, untold, told=False)
        call.requests.discard(request)
        await self._release(call, reason)
        self._forget_delivered(call)

    async def _release(self, call: Call, reason: Reason) -> None:
        """Stops or orphans a call that no request on any server waits for any longer."""
        cancels = reason is Reason.USER or not self._finish_orphans
        if call.requests or await self._store.release(call, cancels=cancels):
            return
        if call.requests:
            await self._store.attach(call)
            return
        call.reason = reason
        self._unfollow(call)
        # A call that the end of the process has cut is reported to the next request.
        if cancels or isinstance(call.cut_by, Cancelled):
            await self._stop_unwanted(call)
        else:
            await self._orphan(call)

    async def _stop_unwanted(self, call: Call) -> None:
        if call.outcome is None and call.id not in self._running:
            await self._store.stop(call)
        self._stop(call, State.CANCELLED, cancelled(call))
        if call.outcome is not None:
            await self._store.sync(call)

    async def _orphan(self, call: Call) -> None:
        restore = call.delivery is Delivery.DELIVERED
        call.delivery = Delivery.ORPHANED
        self._keep_undelivered(call)
        self._continue(call)
        with self._writing(call):
            await self._store.sync(call, restore=restore)
        self._change()

    def _continue(self, call: Call) -> None:
        """Sets the time until which a call runs while no request waits for it."""
        # A job is paid for, and asking for its video is free.
        if call.work and call.outcome is None and not call.requests and not call.job:
            is_orphan = call.delivery is Delivery.ORPHANED and call.work.ttl == math.inf
            seconds = self._timings.orphan_timeout if is_orphan else call.work.ttl
            call.work.scope.deadline = anyio.current_time() + seconds

    def _stop(self, call: Call, state: State, outcome: GrokError) -> None:
        if call.work and call.ended_at is None and call.cut_by is None:
            call.state, call.cut_by = state, outcome
            call.work.scope.cancel()
        if not call.requests:
            self._let_go(call)

    def _let_go(self, call: Call) -> None:
        """Ends the delivery: only a request with the id can get the outcome."""
        call.delivery = Delivery.HANDED_OFF if call.id_given else Delivery.DELIVERED

    async def _job_known(self, call: Call, job: str) -> None:
        """Records the job at the API that makes a call's video. It is paid for from now on."""
        call.job = job
        if call.work:
            call.work.scope.deadline = math.inf
            call.work.is_job_stored = await self._store.record_job(call)
        self._change()

    async def _run(self, call: Call, api_request: ApiRequest | None, key: str | None) -> None:
        """Runs a call; without a request, the rest of one whose job is known."""
        try:
            await self._run_to_end(call, api_request, key)
        except Exception as error:  # noqa: BLE001 - the top of a task: a defect ends one call, not the server
            defect = InternalError.of(error)
            if call.outcome is None:
                call.state, call.ended_at = State.FAILED, time.time()
                self._publish(call, defect)
            if call.id in self._running:
                self._forget(call)
            self._change()

    async def _run_to_end(self, call: Call, api_request: ApiRequest | None, key: str | None) -> None:
        assert call.work is not None  # noqa: S101 - a call that runs here has its work here
        on_job = partial(self._job_known, call)
        outcome = await run_call(call, call.work, self._client, api_request, key, on_job)
        if isinstance(outcome, Lost) and call.work.is_job_stored:
            self._leave_job(call)
            return
        log_call(call, outcome)
        ends_with_process = call.state is State.LOST or isinstance(outcome, Lost)
        if not call.cut_by or isinstance(outcome, Completion):
            # An answer may be there when its call is stopped: only its files are not.
            call.state = _state(outcome)
        if ends_with_process and not call.requests:
            call.delivery = Delivery.ORPHANED
        call.ended_at = time.time()
        await self._store.commit(call, outcome)
        if self._limits.quotas is not None:
            counted = _counted_before(call, api_request, self._limits.quotas)
            await self._count(self._limits.quotas, call.principal, tokens_of(call, outcome) - counted)
        self._publish(call, outcome)
        is_wanted_elsewhere = call.work.is_followed and not ends_with_process and not isinstance(outcome, Cancelled)
        if not is_wanted_elsewhere and (not call.requests or call.id_given or call.delivery is Delivery.ORPHANED):
            # Until the row is written, a repeated call finds the answer among the running calls.
            await self._store.sync(call)
        self._forget(call)
        if call.requests:
            self._keep_undelivered(call)
        self._change()

    def _publish(self, call: Call, outcome: Outcome) -> None:
        """Passes the outcome to the requests that wait for the call."""
        call.outcome = outcome
        if call.work:
            call.work.ended.set()

    def _follow(self, call: Call) -> None:
        """Follows a call that runs on another server, while a request on this one waits for it."""
        if call.id not in self._running and call.id not in self._followed:
            call.work = Work()
            self._followed[call.id] = call
            self._tasks.start_soon(self._run_elsewhere, call, call.work)

    def _unfollow(self, call: Call) -> None:
        if self._followed.pop(call.id, None) and call.work:
            call.work.scope.cancel()
            self._change()

    async def _run_elsewhere(self, call: Call, work: Work) -> None:
        with work.scope:
            try:
                outcome = await self._outcome_elsewhere(call)
            except Exception as error:  # noqa: BLE001 - the top of a task: a defect is the outcome of one call
                outcome = InternalError.of(error)
            if outcome is None:
                return
            if isinstance(outcome, OutOfReach | InternalError):
                # The call may continue on its server: the next call with its fingerprint may find it again.
                call.delivery = Delivery.ORPHANED
                await self._store.sync(call)
            call.state = _state(outcome)
            self._publish(call, outcome)
            self._followed.pop(call.id, None)
            self._change()

    async def _outcome_elsewhere(self, call: Call) -> Outcome | None:
        """The outcome of a call that runs on another server; None once this process runs the rest of it, or ends."""
        while True:
            server = call.process
            outcome = await self._store.follow(call)
            if not isinstance(outcome, Lost):
                return outcome
            try:
                if await self._took_over(call):
                    return None
            except StoreUnreachable as error:
                return OutOfReach(error.message, partial=call.text)
            if self._closing and call.job:
                self._end_wait(call)
                return None
            if call.process == server:
                return outcome
            # A third server was faster.
            self._followed[call.id] = call

    async def _took_over(self, call: Call) -> bool:
        """Takes up the job of a call that this process has followed; returns whether it could."""
        self._followed.pop(call.id, None)
        secret = next((request.principal.secret for request in call.requests if request.principal.secret), None)
        with suppress(NotFound, Unavailable):
            await self._taken_up(call, secret)
        return call.id in self._running

    async def _next_change(self) -> None:
        """Waits until a call of this process has ended, or is orphaned."""
        self._changed = self._changed or anyio.Event()
        await self._changed.wait()

    def _change(self) -> None:
        if self._changed:
            self._changed.set()
            self._changed = None

    def _remember(self, request: Request, size: int) -> None:
        self._recent.append((request, size))
        self._recent_bytes += size
        while len(self._recent) > MOST_RECENT or self._recent_bytes > MOST_RECENT_BYTES:
            _, size = self._recent.popleft()
            self._recent_bytes -= size


def no_such_call(call_id: str) -> NotFound:
    """The error for an unknown id."""
    return NotFound(
        f"This server has no completion with the id {call_id[:80]!r}. The server process that created it may have "
        "ended (some clients start one for each call), it may have expired, or the id is wrong. The call may have "
        "been billed; asking again costs again.",
        param="id",
    )


def _counted_before(call: Call, api_request: ApiRequest | None, quotas: Quotas) -> int:
    """The tokens that a call counted when it began; for a job that is taken up, in the process that has died."""
    if api_request is not None:
        return requested_tokens(api_request)
    return MEDIA_TOKENS[call.kind] if quotas.outlive_process else 0


def _state(outcome: Outcome) -> State:
    if isinstance(outcome, Completion):
        return State.COMPLETED
    return {Lost: State.LOST, Cancelled: State.CANCELLED}.get(type(outcome), State.FAILED)
