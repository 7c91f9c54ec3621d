"""A candidate: an earlier call with the fingerprint of a new one, which may claim its answer."""

from dataclasses import dataclass

from mcp_grok.calls.call import ENDED, Call, Delivery, Outcome, State
from mcp_grok.calls.store import Bounds
from mcp_grok.errors import GrokError


@dataclass(frozen=True, slots=True)
class Candidate:
    """An earlier call, in a form common to all stores.

    Attributes:
        id: The id of the call.
        state: The state of its work.
        is_orphaned: Whether no request on any server waits for it, and none has received its outcome.
        age: Seconds since it ended; 0 while it runs.
        billed: Whether an error was billed; empty for an answer and while it runs.
    """

    id: str
    state: State
    is_orphaned: bool
    age: float
    billed: str

    def is_claimable(self, bounds: Bounds) -> bool:
        """Whether the new call gets its answer."""
        if not self.is_orphaned:
            return False
        return self.state not in ENDED or (self.state is State.COMPLETED and self.age <= bounds.claimable)

    @property
    def is_lost(self) -> bool:
        """Whether it may be billed and has no answer, which must be reported to its client."""
        failed = self.state is State.FAILED and self.is_orphaned
        return (failed or self.state is State.LOST) and self.billed != "no"


def billed_of(outcome: Outcome) -> str:
    """Whether an error was billed; empty for an answer."""
    return outcome.billed if isinstance(outcome, GrokError) else ""


def lost_of(candidates: list[Candidate]) -> list[dict[str, str]]:
    """The lost calls among candidates, in the form that a result contains."""
    return [{"id": candidate.id, "billed": candidate.billed} for candidate in candidates if candidate.is_lost]


def is_deletable(call: Call) -> bool:
    """Whether the row of a call can be deleted: it has ended, and no request waits for it or may want it later."""
    return call.outcome is not None and call.delivery is not Delivery.ATTACHED and not call.is_wanted
