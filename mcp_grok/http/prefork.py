"""Several processes on one listening socket: each serves, one watches over them."""

import os
import signal
import sys
from collections.abc import Callable

from mcp_grok.cli.run import USAGE_ERROR, complain

MAX_RESTARTS = 20
"""Processes that may end by themselves and be replaced, before something must be wrong."""


def run_workers(count: int, serve: Callable[[], int]) -> int:
    """Serves in so many processes until a signal comes. One that dies is replaced; what it ran is in the store.

    Args:
        count: How many.
        serve: Serves until a signal comes; called in each process, before which no event loop has run.

    Returns:
        The exit status: 128 + the signal's number.
    """
    if sys.platform == "win32":
        complain("--workers: this system has no processes that share a socket; start several servers instead")
        return USAGE_ERROR
    watch = _Watch(serve)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, watch.pass_on)
    return watch.over(count)


class _Watch:
    def __init__(self, serve: Callable[[], int]) -> None:
        self._serve = serve
        self._workers: set[int] = set()
        self._stopped_by = 0
        self._restarts = 0

    def pass_on(self, number: int, frame: object) -> None:
        """Passes a signal on to every process."""
        self._stopped_by = number
        for worker in self._workers:
            os.kill(worker, number)

    def over(self, count: int) -> int:
        """Starts the processes and waits until all have ended."""
        for _ in range(count):
            self._start()
        while self._workers:
            worker, status = os.wait()
            self._workers.discard(worker)
            if not self._stopped_by and self._may_replace(os.waitstatus_to_exitcode(status)):
                self._start()
        return 128 + self._stopped_by if self._stopped_by else USAGE_ERROR

    def _may_replace(self, status: int) -> bool:
        self._restarts += 1
        # A setting that is wrong will not get better.
        if status == USAGE_ERROR or self._restarts > MAX_RESTARTS:
            self.pass_on(signal.SIGTERM, None)
            self._stopped_by = 0
            return False
        complain(f"a worker ended with status {status}; another one takes its place")
        return True

    def _start(self) -> None:
        worker = os.fork()
        if worker:
            self._workers.add(worker)
            return
        status = USAGE_ERROR
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            status = self._serve()
        finally:
            # What else is on the stack is the parent's.
            os._exit(status)
