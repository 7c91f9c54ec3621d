"""A call under way: waited for, followed, cancelled, each on its own."""

import logging
import secrets
import time
from dataclasses import replace
from functools import partial

import anyio

from mcp_grok.errors import Cancelled, GrokError, InternalError
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.json_output import violations
from mcp_grok.upstream.request import ChatRequest
from mcp_grok.upstream.stream import OnText

logger = logging.getLogger(__name__)

Outcome = Completion | GrokError
"""How a call ended. An error is a value here: several may wait for one call, and none of them made it."""


class Call:
    """A call under way. Whoever waits for it may stop waiting; only `cancel` stops the call.

    Attributes:
        id: Names the call, and cannot be guessed.
        request: What is asked.
    """

    def __init__(self, request: ChatRequest) -> None:
        self.id = f"grok-{secrets.token_urlsafe(18)}"
        self.request = request
        self._began = time.monotonic()
        self._pieces: list[str] = []
        self._scope = anyio.CancelScope()
        self._ended = anyio.Event()
        self._outcome: Outcome = Cancelled("The call was cancelled; it may be billed.")
        self._followers: list[OnText] = []

    async def wait(self) -> Outcome:
        """Waits for the answer, or for the error. Cancelling this wait leaves the call running."""
        await self._ended.wait()
        return self._outcome

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    @property
    def text(self) -> str:
        """The text of the first choice that has come so far; empty for a call that is not streamed."""
        return "".join(self._pieces)

    @property
    def outcome(self) -> Outcome | None:
        """How the call ended; None while it runs."""
        return self._outcome if self._ended.is_set() else None

    def cancel(self) -> None:
        """Stops the call and closes its connection to the upstream; its outcome is `Cancelled`."""
        self._scope.cancel()

    def follow(self, on_text: OnText) -> None:
        """Has a function called with the text so far and each further piece; it must not block."""
        if self._pieces:
            on_text(self.text)
        self._followers.append(on_text)

    def unfollow(self, on_text: OnText) -> None:
        """Ends `follow`."""
        self._followers.remove(on_text)

    def _text_came(self, text: str) -> None:
        self._pieces.append(text)
        for follower in self._followers:
            follower(text)

    async def run(self, client: ChatClient) -> None:
        """Sends the call and keeps its outcome; whatever goes wrong is an outcome, too."""
        try:
            with self._scope:
                self._outcome = completion = await client.complete(self.request, self._text_came)
                if self.request.response_format is not None:
                    check = partial(violations, completion.body, self.request.response_format)
                    self._outcome = replace(completion, violations=await anyio.to_thread.run_sync(check))
        except GrokError as error:
            self._outcome = error
        except Exception as error:  # noqa: BLE001 - the top of a call: whatever it is, its waiter must hear of it
            self._outcome = InternalError.of(error)
        finally:
            if isinstance(self._outcome, Cancelled | InternalError):
                self._outcome.add(partial=self.text)
                client.remove_key(self._outcome)
            self._ended.set()
            self._log()

    def _log(self) -> None:
        failed = isinstance(self._outcome, GrokError)
        outcome = self._outcome.as_dict()["code"] if isinstance(self._outcome, GrokError) else "answered"
        level = logging.WARNING if failed and outcome != "cancelled" else logging.INFO
        logger.log(level, "call model=%r outcome=%s seconds=%.3f", self.request.model, outcome, self.elapsed)
