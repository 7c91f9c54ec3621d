"""The function calls of a process. Unlike times, they do not depend on what else the machine does.

`python -m tests.bench.function_calls MODULE …` runs a module and counts them. A function call is what `sys.setprofile`
reports: of a function in Python or in C, and each time that a coroutine or a generator goes on.
"""

import os
import runpy
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

COUNTS = "FUNCTION_CALLS_FILE"
"""The variable with the path of the file to which the process writes its id, and then its count at each SIGUSR1."""

WARM = 50
COUNTED = 100

_count = 0


def _profile(_frame: FrameType, event: str, _argument: Any) -> None:
    global _count
    if event in ("call", "c_call"):
        _count += 1


async def calls_here(one_call: Callable[[], Awaitable[object]]) -> float:
    """The function calls in this process of one of some calls, made one after the other."""
    began = _count
    sys.setprofile(_profile)
    for _ in range(COUNTED):
        await one_call()
    sys.setprofile(None)
    return (_count - began) / COUNTED


async def calls_of(counts: Path, one_call: Callable[[], Awaitable[object]]) -> float:
    """The same for calls that a process handles which was started with `COUNTS`."""
    pid = int(counts.read_text())
    for _ in range(WARM):
        await one_call()
    os.kill(pid, signal.SIGUSR1)
    for _ in range(COUNTED):
        await one_call()
    os.kill(pid, signal.SIGUSR1)
    # When this one is answered, the signal has been handled.
    await one_call()
    began, ended = map(int, counts.read_text().split()[1:])
    return (ended - began) / COUNTED


def counting(command: Sequence[str]) -> list[str]:
    """The command that does what `python -m MODULE …` does, and counts the function calls."""
    python, option, *module = command
    return [python, option, __name__, *module]


def main() -> None:
    """Runs the module that the arguments name."""
    path = Path(os.environ[COUNTS])
    path.write_text(f"{os.getpid()}\n", encoding="utf-8")

    def write(_number: int, _frame: FrameType | None) -> None:
        with path.open("a", encoding="utf-8") as counts:
            counts.write(f"{_count}\n")

    signal.signal(signal.SIGUSR1, write)
    threading.setprofile(_profile)
    sys.argv = sys.argv[1:]
    sys.setprofile(_profile)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
