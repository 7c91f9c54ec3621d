"""Where ended calls are kept, so that their answers can be fetched: what any such place does, and its bounds."""

from dataclasses import dataclass
from typing import Protocol

from mcp_grok.completions.call import Call, Outcome


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a store keeps.

    Attributes:
        entries: Most ended calls.
        bytes: Most bytes of their outcomes.
        age: Seconds that one is kept after its end.
        idle: Seconds after its end for which an abandoned one may be taken.
    """

    entries: int = 1000
    bytes: int = 256 * 1024 * 1024
    age: float = 24 * 3600
    idle: float = 30 * 60


BOUNDS = Bounds()


class Store(Protocol):
    """Keeps ended calls within bounds; the oldest go first. None of this fails: what cannot be kept is logged."""

    async def begin(self, call: Call) -> None:
        """Notes that a call runs, so that it is known for lost should this process end before it."""

    async def deliver(self, call: Call, outcome: Outcome) -> None:
        """Keeps an outcome that nobody has heard of yet, lest it be lost should this process end just then."""

    async def save(self, call: Call) -> None:
        """Keeps an ended call as it is now."""

    async def forget(self, call: Call) -> None:
        """Keeps nothing of a call."""

    async def find(self, call_id: str) -> Call | None:
        """The ended call of an id."""

    async def take(self, question: str) -> Call | None:
        """An abandoned, ended call that asked this, answered rather than failed; nobody else gets it again."""
