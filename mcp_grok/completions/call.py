"""A call under way: waited for, followed, cancelled, each on its own."""

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import anyio

from mcp_grok.errors import CallTimeout, Cancelled, GrokError, InternalError, Lost
from mcp_grok.json_logs import CALL
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.cost import can_estimate, estimate_is_quick, estimated_cost
from mcp_grok.upstream.json_output import violations
from mcp_grok.upstream.request import ChatRequest
from mcp_grok.upstream.stream import OnText

logger = logging.getLogger(__name__)

Outcome = Completion | GrokError
"""How a call ended. An error is a value here: several may wait for one call, and none of them made it."""


class Call:
    """A call under way, or ended. Whoever waits for it may stop waiting; only `cancel` stops the call.

    Attributes:
        id: Names the call, and cannot be guessed.
        model: The model that was asked.
        question: A digest, equal for calls of one caller that ask the same.
        caller: The name of whoever may have its outcome.
        kept: Whether its caller was given the id, so that the outcome can be fetched.
        abandoned: Whether nobody waits for it any more, so that a call that asks the same may take it over.
        notes: What the result says of how its answer came about, under these keys in `_meta`.
        began_at: When it was made, in seconds since 1970.
        ended_at: When it ended; None while it runs.
        sent: Whether it was sent; before that, it waits in line.
        waiting: How many wait for it.
        reached: The outcome before anybody has heard of it.
        is_stopped: Whether it was told to stop, ended or not.
        on_sent: Called whenever it is sent.
    """

    def __init__(
        self,
        model: str,
        question: str,
        caller: str = "",
        *,
        call_id: str | None = None,
        began_at: float | None = None,
    ) -> None:
        self.id = call_id or f"grok-{secrets.token_urlsafe(18)}"
        self.model = model
        self.question = question
        self.caller = caller
        self.kept = False
        self.abandoned = False
        self.notes: dict[str, Any] = {}
        self.began_at = began_at or time.time()
        self.ended_at: float | None = None
        self.sent = False
        self.waiting = 0
        self.reached: Outcome | None = None
        self.is_stopped = False
        self.on_sent: Callable[[], None] = lambda: None
        self._pieces: list[str] = []
        self._scope = anyio.CancelScope()
        self._ended = anyio.Event()
        self._outcome: Outcome | None = None
        self._stopped_by: GrokError | None = None
        self._followers: dict[OnText, OnText] = {}

    async def wait(self) -> Outcome:
        """Waits for the answer, or for the error. Cancelling this wait leaves the call running."""
        self.waiting += 1
        try:
            while self._outcome is None:
                await self._ended.wait()
        finally:
            self.waiting -= 1
        return self._outcome

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return max(0.0, time.time() - self.began_at)

    @property
    def text(self) -> str:
        """The text of the first choice that has come so far; empty for a call that is not streamed."""
        return "".join(self._pieces)

    @property
    def outcome(self) -> Outcome | None:
        """How the call ended; None while it runs."""
        return self._outcome

    @property
    def size(self) -> int:
        """Bytes that keeping the ended call takes, about."""
        return self._outcome.size if isinstance(self._outcome, Completion) else len(self.text)

    def cancel(self, why: GrokError | None = None) -> None:
        """Stops the call and closes its connection to the upstream.

        Args:
            why: Its outcome; `Cancelled` by default.
        """
        self.is_stopped = True
        self._stopped_by = why
        self._scope.cancel()

    def give_up_in(self, seconds: float) -> None:
        """Stops the call when it still runs after that time; replaces a limit set before."""
        self._scope.deadline = anyio.current_time() + seconds

    def follow(self, on_text: OnText, on_reasoning: OnText = lambda text: None) -> None:
        """Has a function called with the text so far and each further piece; it must not block.

        Another one is called with each further piece of what the model thinks.
        """
        if self._pieces:
            on_text(self.text)
        self._followers[on_text] = on_reasoning

    def unfollow(self, on_text: OnText) -> None:
        """Ends `follow`."""
        del self._followers[on_text]

    def end(self, outcome: Outcome) -> None:
        """Says how the call ended, to whoever waits."""
        self._outcome = outcome
        self.ended_at = self.ended_at or time.time()
        self._ended.set()

    async def run(self, client: ChatClient, request: ChatRequest, key: str | None = None) -> None:
        """Sends the call; whatever goes wrong is an outcome, too. `reached` holds it; `end` is still to be called.

        Args:
            client: Sends it.
            request: What to send.
            key: The caller's own for the provider, in place of the settings'.
        """
        outcome: Outcome | None = None
        try:
            with self._scope:
                outcome = await client.complete(request, self._text_came, self._thought_came, self._was_sent, key=key)
                outcome = await _examined(outcome, request)
        except GrokError as error:
            outcome = error
        except Exception as error:  # noqa: BLE001 - the top of a call: whatever it is, its waiter must hear of it
            outcome = InternalError.of(error)
        finally:
            outcome = outcome or self._cut_short()
            if isinstance(outcome, Cancelled | CallTimeout | Lost | InternalError):
                outcome.add(partial=self.text)
                client.remove_keys(outcome, key)
            self.reached = outcome
            self._log(outcome)

    def _cut_short(self) -> GrokError:
        """The outcome of a call that was stopped, or that the server's end cut."""
        if not self.sent:
            return Cancelled("The call was stopped while it waited in line; nothing was sent.", billed="no")
        if self.is_stopped:
            return self._stopped_by or Cancelled("The call was cancelled; it may be billed.")
        if self._scope.cancel_called:
            return CallTimeout("Nobody waited for the call any more, and it took too long; it may be billed.")
        return Lost()

    def _text_came(self, text: str) -> None:
        self._pieces.append(text)
        for follower in self._followers:
            follower(text)

    def _thought_came(self, text: str) -> None:
        for follower in self._followers.values():
            follower(text)

    def _was_sent(self) -> None:
        self.sent = True
        self.on_sent()

    def _log(self, outcome: Outcome) -> None:
        code = outcome.as_dict()["code"] if isinstance(outcome, GrokError) else "answered"
        level = logging.INFO if code in ("answered", "cancelled") else logging.WARNING
        if not logger.isEnabledFor(level):
            return
        known = {
            "caller": self.caller,
            "request_id": self.id,
            "model": self.model,
            "tokens": outcome.tokens["total_tokens"] if isinstance(outcome, Completion) else 0,
            "duration": round(self.elapsed, 3),
            "outcome": code,
        }
        text = "call model=%r outcome=%s seconds=%.3f"
        logger.log(level, text, self.model, code, self.elapsed, extra={CALL: known})


def bearer_of_lost(call: Call) -> Call:
    """A cancelled call that says in place of one that has ended which others were lost: who waited for that one gave up
    as its answer came, and may not have seen it."""
    bearer = Call(call.model, call.question, call.caller)
    bearer.notes["lost"] = call.notes["lost"]
    bearer.abandoned = True
    bearer.end(Cancelled("Nothing was sent.", billed="no"))
    return bearer


async def _examined(completion: Completion, request: ChatRequest) -> Completion:
    """The answer with what is found out about it here: whether it is the JSON asked for, and about what it cost."""
    if request.response_format is not None:
        check = partial(violations, completion.body, request.response_format)
        completion = replace(completion, violations=await anyio.to_thread.run_sync(check))
    if completion.cost is None and can_estimate():
        estimate = partial(estimated_cost, completion.model or request.model, completion.body.get("usage"))
        cost = estimate() if estimate_is_quick() else await anyio.to_thread.run_sync(estimate)
        completion = replace(completion, cost=cost)
    return completion
