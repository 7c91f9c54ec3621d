"""Ending in order when a signal asks for it."""

import signal
import sys
from collections.abc import Callable

import anyio


class StoppedBySignal:
    """Calls a function on SIGINT and SIGTERM, where the platform lets an event loop watch for them.

    Args:
        stop: Called with the number of each signal that comes; `status` is then 128 + it, and 0 until then,
            and `count` says how many have come.
    """

    def __init__(self, stop: Callable[[int], None]) -> None:
        self.status = 0
        self.count = 0
        self._stop = stop

    async def watch(self) -> None:
        """Waits for signals until cancelled."""
        if sys.platform == "win32":
            return
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                self.status = 128 + number
                self.count += 1
                self._stop(number)
