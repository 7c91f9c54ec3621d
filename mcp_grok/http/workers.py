"""The workers of one machine: processes that serve one listening socket, and a parent that replaces those that die.

uvicorn's own supervisor is not used: it passes no second signal on while its workers drain, and always ends with 0.
"""

import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable

MAX_RESTARTS = 20
RESTART_PERIOD = 3600.0
"""Workers that are replaced in so many seconds before the parent gives up."""

STOPPING = (signal.SIGTERM, signal.SIGINT)

SETTING_ERROR = 2
"""The exit status of a worker that cannot start as configured: another one could not either."""


def run_workers(count: int, serve: Callable[[], int], report: Callable[[str], None]) -> int:
    """Serves in several processes until a signal comes. One that dies is replaced; the calls that it ran are lost.

    Args:
        count: The number of processes.
        serve: Serves until a signal comes; called in each process, before an event loop has run.
        report: Writes a line for the operator.

    Returns:
        The exit status: 128 + the signal's number; 2 if workers cannot start, or keep ending.
    """
    if sys.platform == "win32":
        report("--workers: processes cannot share a socket on this system; start several servers instead")
        return SETTING_ERROR
    parent = _Parent(serve, report)
    for number in STOPPING:
        signal.signal(number, parent.pass_on)
    return parent.run(count)


class _Parent:
    def __init__(self, serve: Callable[[], int], report: Callable[[str], None]) -> None:
        self._serve = serve
        self._report = report
        self._workers: set[int] = set()
        self._restarts: deque[float] = deque(maxlen=MAX_RESTARTS)
        self._status = 0
        """The exit status, once no worker is replaced any longer."""

    def pass_on(self, number: int, _frame: object) -> None:
        """Passes a signal on to every worker."""
        self._stop(128 + number, number)

    def run(self, count: int) -> int:
        """Starts the workers and waits until all have ended."""
        for _ in range(count):
            self._start()
        while self._workers:
            worker, status = os.wait()
            self._workers.discard(worker)
            if not self._status:
                self._replace(os.waitstatus_to_exitcode(status))
        return self._status

    def _stop(self, status: int, number: int) -> None:
        self._status = status
        for worker in self._workers:
            os.kill(worker, number)

    def _replace(self, status: int) -> None:
        """Starts a worker in the place of one that has ended, or stops the others."""
        now = time.monotonic()
        if status == SETTING_ERROR:
            self._stop(SETTING_ERROR, signal.SIGTERM)
        elif len(self._restarts) == MAX_RESTARTS and now - self._restarts[0] < RESTART_PERIOD:
            self._report(f"a worker ended with status {status}, after {MAX_RESTARTS} others within an hour; giving up")
            self._stop(SETTING_ERROR, signal.SIGTERM)
        else:
            self._restarts.append(now)
            self._report(f"a worker ended with status {status} and is replaced")
            self._start()

    def _start(self) -> None:
        # A signal that comes now waits: in the new process, the parent's handler would stop the other workers.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        if self._status:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
            return
        worker = os.fork()
        if worker:
            self._workers.add(worker)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
            return
        status = SETTING_ERROR
        try:
            for number in STOPPING:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
            status = self._serve()
        finally:
            # The rest of the stack belongs to the parent.
            os._exit(status)
