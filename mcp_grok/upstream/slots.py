"""The slots of an endpoint: how many calls run at the API at the same time, in fair turns between callers."""

from collections import deque

import anyio
import anyio.lowlevel


class Slots:
    """The slots. A caller's own calls get them in order; several callers take turns.

    If several callers share the slots, none gets all of them: a caller gets another slot only while it holds fewer than
    are free. So a single busy caller has about half of them, and there is always one for the next caller. This is the
    rule of dynamic thresholds for shared buffers (Choudhury and Hahne, https://doi.org/10.1109/90.664262).

    Args:
        size: The number of slots.
        shared: Whether several callers share them.
    """

    def __init__(self, size: int, *, shared: bool = False) -> None:
        self._free = size
        self._shared = shared
        self._held: dict[str, int] = {}
        self._waiting: dict[str, deque[anyio.Event]] = {}
        """The waiting calls of each caller; the caller whose turn is next comes first."""

    async def acquire(self, caller: str) -> None:
        """Waits for a slot for a call of a caller."""
        await anyio.lowlevel.checkpoint_if_cancelled()
        if caller not in self._waiting and self._may_take(caller):
            self._take(caller)
            return
        turn = anyio.Event()
        self._waiting.setdefault(caller, deque()).append(turn)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():
                self.release(caller)
            else:
                self._forget(caller, turn)
            raise

    def release(self, caller: str) -> None:
        """Returns a slot of a caller, which goes to the next waiting call."""
        self._free += 1
        self._held[caller] -= 1
        if not self._held[caller]:
            del self._held[caller]
        while (following := next(filter(self._may_take, self._waiting), None)) is not None:
            self._take(following)
            turns = self._waiting.pop(following)
            turns.popleft().set()
            if turns:
                self._waiting[following] = turns

    def _may_take(self, caller: str) -> bool:
        return self._free > (self._held.get(caller, 0) if self._shared else 0)

    def _take(self, caller: str) -> None:
        self._free -= 1
        self._held[caller] = self._held.get(caller, 0) + 1

    def _forget(self, caller: str, turn: anyio.Event) -> None:
        self._waiting[caller].remove(turn)
        if not self._waiting[caller]:
            del self._waiting[caller]
