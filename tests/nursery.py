"""Servers that are forked from a process that has imported the package: a start then takes a twentieth of the time.

That process, the nursery, has imported and done nothing else: no thread, no event loop, no setting. So what is forked
from it is as a process that was started, but for the options of the interpreter itself.
"""

import asyncio
import atexit
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

IMPORTED = (
    *("mcp_grok.cli.main", "mcp_grok.cli.serve_command", "mcp_grok.serve_stdio", "mcp_grok.http.serve_http"),
    *("mcp_grok.tools.chat", "mcp_grok.tools.get_completion", "mcp_grok.tools.cancel_completion"),
    *("anyio._backends._asyncio", "genai_prices.data", "httpcore2", "truststore", "uvicorn.lifespan.on"),
)
"""What a server imports before it has answered a call."""


class ForkedProcess:
    """A process of the nursery, as `asyncio.subprocess.Process` describes its own.

    Attributes:
        pid: Its id.
        returncode: Its exit status, or the negative number of the signal that ended it; None while it runs.
        stdin, stdout, stderr: Pipes; None where it has the stream of the tests.
    """

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: asyncio.StreamWriter | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self._ended = asyncio.create_task(self._end(reader, writer))

    async def wait(self) -> int:
        """Its exit status, once it has ended."""
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        """Sends it a signal, if it still runs."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Asks it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it."""
        self.send_signal(signal.SIGKILL)

    async def _end(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        self.returncode = int(await reader.readline())
        writer.close()
        return self.returncode


async def fork(arguments: Sequence[str], environment: dict[str, str], *, piped: tuple[int, ...]) -> ForkedProcess:
    """A process that runs the command.

    Args:
        arguments: The options of the command.
        environment: All of its environment.
        piped: Which of its standard streams are pipes: 0, 1, 2.
    """
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address_of_nursery())
    ends = {number: os.pipe() for number in piped}
    streams = [ends[number][0 if number == 0 else 1] if number in ends else number for number in range(3)]
    request = json.dumps({"arguments": list(arguments), "environment": environment, "folder": str(Path.cwd())})
    socket.send_fds(connection, [b"%10d" % len(request)], streams)
    connection.sendall(request.encode())
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    for number in ends:
        os.close(streams[number])
    process = ForkedProcess(int(await reader.readline()), reader, writer)
    if 0 in ends:
        process.stdin = await written(ends[0][1])
    if 1 in ends:
        process.stdout = await read(ends[1][0])
    if 2 in ends:
        process.stderr = await read(ends[2][0])
    return process


async def read(descriptor: int) -> asyncio.StreamReader:
    """The side of a pipe that is read."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb"))
    return reader


async def written(descriptor: int) -> asyncio.StreamWriter:
    """The side of a pipe that is written."""
    loop = asyncio.get_running_loop()
    protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    transport, _ = await loop.connect_write_pipe(lambda: protocol, os.fdopen(descriptor, "wb"))
    return asyncio.StreamWriter(transport, protocol, None, loop)


@functools.cache
def address_of_nursery() -> str:
    """The socket of the nursery, which is started by the first use, and ends with the process of the tests."""
    folder = tempfile.TemporaryDirectory(prefix="nursery")
    address = str(Path(folder.name) / "socket")
    nursery = subprocess.Popen([sys.executable, "-m", __name__, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    assert nursery.stdout.readline() == b"ready\n"

    def end() -> None:
        nursery.communicate()
        folder.cleanup()

    atexit.register(end)
    return address


def main(address: str) -> None:
    """Runs the nursery until its stdin is closed."""
    for name in IMPORTED:
        import_module(name)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(100)
        os.write(1, b"ready\n")
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while sys.stdin not in select.select([sys.stdin, listener], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                guard(connection)
            connection.close()


def guard(connection: socket.socket) -> NoReturn:
    """Forks a process that runs the command, and tells its id, and then its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, _, _ = socket.recv_fds(connection, 10, 3)
    request = json.loads(connection.recv(int(size), socket.MSG_WAITALL))
    pid = os.fork()
    if pid == 0:
        connection.close()
        become(streams, **request)
    for descriptor in (0, 1, 2, *streams):
        os.close(descriptor)
    connection.sendall(b"%d\n" % pid)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def become(streams: list[int], arguments: list[str], environment: dict[str, str], folder: str) -> NoReturn:
    """Runs the command in this process."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin, sys.stdout, sys.stderr = map(os.fdopen, range(3), "rww")
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.exit(sys.modules["mcp_grok.cli.main"].main(arguments))


if __name__ == "__main__":
    main(sys.argv[1])
