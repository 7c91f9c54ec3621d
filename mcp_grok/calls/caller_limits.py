"""The limits of each caller of a server."""

from dataclasses import dataclass
from typing import Protocol

from mcp_grok.errors import GrokError, LimitReached

SLOT_RETRY = 1.0
"""Seconds to wait after a limit of running calls was reached."""


class Quotas(Protocol):
    """The quotas of each principal over time."""

    @property
    def counts_tokens(self) -> bool:
        """Whether tokens are limited."""
        ...

    @property
    def outlive_process(self) -> bool:
        """Whether what a process has counted still counts after its end."""
        ...

    async def admit(self, name: str, tokens: int) -> None:
        """Counts a call that begins, and the estimated tokens of its request.

        Args:
            name: The principal's name.
            tokens: The estimate.

        Raises:
            GrokError: a quota is used up, and nothing was counted; or it is not known whether one is.
        """
        ...

    async def count(self, name: str, tokens: int) -> None:
        """Counts further tokens of a principal; fewer than 0 if those of `admit` were too many."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerLimits:
    """The limits of each principal; None for no limit.

    Attributes:
        shared: Whether the server tells callers apart, who then share its slots in turns.
        calls_at_once: Maximum calls that wait or run, on all servers that share a store.
        request_bytes: Maximum size of the requests that this server holds for one of them.
        total_request_bytes: Maximum size of the requests that this server holds for all of them.
        quotas: The quotas over time.
    """

    shared: bool = False
    calls_at_once: int | None = None
    request_bytes: int | None = None
    total_request_bytes: int | None = None
    quotas: Quotas | None = None

    @property
    def counts_tokens(self) -> bool:
        """Whether tokens are limited."""
        return self.quotas is not None and self.quotas.counts_tokens

    def check(self, running: int) -> None:
        """Checks that a principal with some calls that wait or run on this server may begin another one.

        Raises:
            LimitReached: it may not.
        """
        if self.calls_at_once is not None and running >= self.calls_at_once:
            raise self.too_many_calls()

    def too_many_calls(self) -> GrokError:
        """The error for a principal with the maximum number of running calls."""
        return LimitReached(
            f"Limit reached: {self.calls_at_once} running calls per caller. Send the call again when one of yours has "
            "ended.",
            retry_after=SLOT_RETRY,
        )


NO_LIMITS = CallerLimits()
