"""The processor's instructions of a server, if Linux's `perf` can count them; many virtual machines do not let it."""

import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from tests.process import ServerProcess, server_process

WARM = 50
COUNTED = 200

EVENT = "instructions:u"
"""Those of the process itself, without the kernel's."""


def can_count() -> bool:
    """Whether `perf` is here and counts instructions of this user's processes."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        try:
            done = subprocess.run([*_perf(report), sys.executable, "--version"], capture_output=True, check=False)
        except FileNotFoundError:
            return False
        return done.returncode == 0 and _count_in(report) is not None


async def instructions_of(
    env: dict[str, str], command: Sequence[str], call: Callable[[ServerProcess], Awaitable[None]]
) -> float:
    """The instructions of a server for one call: those of a process with more calls, less those of one with fewer."""

    async def total(calls: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report"
            async with server_process(env, [*_perf(report), *command]) as server:
                for _ in range(calls):
                    await call(server)
            count = _count_in(report)
        assert count is not None, "perf counted nothing"
        return count

    return (await total(WARM + COUNTED) - await total(WARM)) / COUNTED


def _perf(report: Path) -> list[str]:
    return ["perf", "stat", "-x,", "-e", EVENT, "-o", str(report), "--"]


def _count_in(report: Path) -> float | None:
    """The count in what `perf stat -x,` has written; None if it says that it could not count."""
    lines = [line for line in report.read_text(encoding="utf-8").splitlines() if EVENT in line]
    count = lines[0].split(",")[0] if lines else ""
    return float(count) if count.isdigit() else None
