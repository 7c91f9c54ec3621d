"""The upstream of the bench: answers at once, in its own process, and counts its connections."""

import asyncio
import json
import re
import sys
import time

COMPLETION = {
    "id": "foaicmpl-13936918-cb99-49e1-b94c-bde98b482ed4",
    "model": "grok-3",
    "object": "chat.completion",
    "created": 1755839683,
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Yo! What's up? Ready to dive into whatever? " * 4},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 8, "completion_tokens": 20, "total_tokens": 28},
}
BODY = json.dumps(COMPLETION).encode()
PLAIN = (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)) + BODY
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def _event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"delta": delta, "finish_reason": finish_reason, "index": 0}
    data = json.dumps({"id": "foaicmpl-1", "object": "chat.completion.chunk", "created": 1, "choices": [choice]})
    return b"data: " + data.encode() + b"\n\n"


def _chunked(content: bytes) -> bytes:
    return b"%x\r\n" % len(content) + content + b"\r\n"


class Upstream(asyncio.Protocol):
    """Speaks just enough HTTP: one request after the other on a connection.

    The model's name says what is wanted: `chunks-N` streams N chunks, `slow-S` waits S seconds, `stamp-0` streams the
    time at which it does so, `ticks-S` streams a chunk every S seconds until its client goes.
    """

    connections = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        type(self).connections += 1
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if not separator or (length and len(body) < int(length[1])):
            return
        self.received = b""
        if head.startswith(b"GET"):
            self._send_json(json.dumps({"connections": type(self).connections}).encode())
        elif wanted := re.search(rb'"model": ?"(chunks|slow|stamp|ticks)-([\d.]+)"', body):
            behaviours = {b"chunks": self._stream, b"slow": self._slow, b"stamp": self._stamp, b"ticks": self._ticks}
            asyncio.get_running_loop().create_task(behaviours[wanted[1]](float(wanted[2])))
        else:
            self.transport.write(PLAIN)

    def _send_json(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    async def _slow(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.transport.write(PLAIN)

    async def _stamp(self, pause: float) -> None:
        self.transport.write(STREAM_HEAD + _chunked(_event({"content": str(time.perf_counter())})))
        await asyncio.sleep(pause)
        self.transport.write(_chunked(_event({}, "stop")) + _chunked(b"data: [DONE]\n\n") + b"0\r\n\r\n")

    async def _ticks(self, pause: float) -> None:
        self.transport.write(STREAM_HEAD + _chunked(_event({"role": "assistant"})))
        while not self.transport.is_closing():
            self.transport.write(_chunked(_event({"content": "word "})))
            await asyncio.sleep(pause)

    async def _stream(self, size: float) -> None:
        count = int(size)
        self.transport.write(STREAM_HEAD + _chunked(_event({"role": "assistant"})))
        event = _chunked(_event({"content": "word "}))
        for start in range(0, count, 100):
            self.transport.write(event * min(100, count - start))
            await asyncio.sleep(0)
        self.transport.write(_chunked(_event({}, "stop")) + _chunked(b"data: [DONE]\n\n") + b"0\r\n\r\n")


async def main() -> None:
    """Serves on a free port, printed as the first line, until stdin closes."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
