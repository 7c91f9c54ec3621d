"""The workers of one machine: processes that serve one listening socket, and a parent that replaces those that die.

uvicorn's own supervisor is not used: it passes no second signal on while its workers drain, and always ends with 0.
"""

import os
import signal
import sys
from collections.abc import Callable

MAX_RESTARTS = 20
"""Workers that are replaced before the parent gives up."""

SETTING_ERROR = 2
"""The exit status of a worker that cannot start as configured: another one could not either."""


def run_workers(count: int, serve: Callable[[], int], report: Callable[[str], None]) -> int:
    """Serves in several processes until a signal comes. One that dies is replaced; the calls that it ran are lost.

    Args:
        count: The number of processes.
        serve: Serves until a signal comes; called in each process, before an event loop has run.
        report: Writes a line for the operator.

    Returns:
        The exit status: 128 + the signal's number.
    """
    if sys.platform == "win32":
        report("--workers: processes cannot share a socket on this system; start several servers instead")
        return SETTING_ERROR
    parent = _Parent(serve, report)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, parent.pass_on)
    return parent.run(count)


class _Parent:
    def __init__(self, serve: Callable[[], int], report: Callable[[str], None]) -> None:
        self._serve = serve
        self._report = report
        self._workers: set[int] = set()
        self._stopped_by = 0
        self._restarts = 0

    def pass_on(self, number: int, _frame: object) -> None:
        """Passes a signal on to every worker."""
        self._stopped_by = number
        for worker in self._workers:
            os.kill(worker, number)

    def run(self, count: int) -> int:
        """Starts the workers and waits until all have ended."""
        for _ in range(count):
            self._start()
        while self._workers:
            worker, status = os.wait()
            self._workers.discard(worker)
            if not self._stopped_by and self._may_replace(os.waitstatus_to_exitcode(status)):
                self._start()
        return 128 + self._stopped_by if self._stopped_by else SETTING_ERROR

    def _may_replace(self, status: int) -> bool:
        self._restarts += 1
        if status == SETTING_ERROR or self._restarts > MAX_RESTARTS:
            self.pass_on(signal.SIGTERM, None)
            self._stopped_by = 0
            return False
        self._report(f"a worker ended with status {status} and is replaced")
        return True

    def _start(self) -> None:
        worker = os.fork()
        if worker:
            self._workers.add(worker)
            return
        status = SETTING_ERROR
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            status = self._serve()
        finally:
            # The rest of the stack belongs to the parent.
            os._exit(status)
