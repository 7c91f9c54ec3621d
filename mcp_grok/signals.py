"""Graceful shutdown on SIGINT and SIGTERM."""

import signal
import sys
from collections.abc import Callable

import anyio


class StoppedBySignal:
    """Calls a function on SIGINT and SIGTERM; not on Windows, where event loops cannot watch for them.

    Args:
        stop: Called with the number of each signal.

    Attributes:
        status: 128 + the number of the last signal; 0 before the first.
        count: The number of signals so far.
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
