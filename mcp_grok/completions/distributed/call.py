"""A call that may run in another process, as those see it who wait for it here."""

import json
from collections.abc import Callable

from mcp_grok.completions.call import Call
from mcp_grok.completions.distributed.state import Snapshot
from mcp_grok.errors import GrokError

Stop = Callable[["SharedCall"], None]


class SharedCall(Call):
    """A call of this or another process. Its text and its end come as news.

    Args:
        stop: Has it stopped wherever it runs.

    Attributes:
        pieces_known: How many pieces of its text have come.
        suspect_since: When its runner was first found dead; None while it lives.
    """

    def __init__(
        self,
        model: str,
        question: str,
        caller: str,
        stop: Stop,
        *,
        call_id: str | None = None,
        began_at: float | None = None,
    ) -> None:
        super().__init__(model, question, caller, call_id=call_id, began_at=began_at)
        self.pieces_known = 0
        self.suspect_since: float | None = None
        self._stop = stop

    @classmethod
    def of(cls, call_id: str, snapshot: Snapshot, stop: Stop) -> "SharedCall":
        """The call of a snapshot, which may have ended."""
        known = snapshot.known
        call = cls(
            *(known["model"], known["question"], known["caller"], stop),
            call_id=call_id,
            began_at=float(known["began_at"]),
        )
        call.notes = json.loads(known["notes"])
        call.abandoned = known.get("abandoned") == "1"
        call.is_stopped = "stop" in known
        call.take_news(snapshot)
        if (outcome := snapshot.outcome) is not None:
            call.end(outcome)
        return call

    def take_news(self, snapshot: Snapshot) -> None:
        """Takes what a snapshot knows better, but for the end."""
        self.kept = self.kept or snapshot.known.get("kept") == "1"
        self.sent = self.sent or "sent" in snapshot.known
        for piece in snapshot.pieces[self.pieces_known :]:
            self.pieces_known += 1
            self._text_came(piece)

    def text_came(self, number: int, piece: str) -> bool:
        """Takes a piece of the text; whether there is none missing before it."""
        if number > self.pieces_known:
            return False
        if number == self.pieces_known:
            self.pieces_known += 1
            self._text_came(piece)
        return True

    def thought_came(self, piece: str) -> None:
        """Takes a piece of what the model thinks."""
        self._thought_came(piece)

    def cancel(self, why: GrokError | None = None) -> None:
        """Stops the call wherever it runs; its outcome is `Cancelled`."""
        self.is_stopped = True
        self._stop(self)

    def give_up_in(self, seconds: float) -> None:
        """Nothing: whoever runs the call sees whether anybody wants it, and gives up in time."""
