"""Downloads on real sockets: what is sent, what is received, and each reason for refusing it."""

import asyncio
import gzip
import ssl
from collections.abc import Callable
from typing import Any

import anyio
import pytest
import trustme

from mcp_grok.settings import Settings
from mcp_grok.upstream.media.download import MAX_REDIRECTS, PICTURE, PIECE, Downloader, Limits
from mcp_grok.upstream.media.download_failed import DownloadFailed
from tests.conftest import KEY
from tests.replay import Exchange, Replay
from tests.upstream.media.names import Names
from tests.upstream.media.samples import PNG


class Received(list[bytes]):
    """The pieces of a download."""

    async def write(self, piece: bytes) -> None:
        self.append(piece)


async def received(settings: Settings, url: str, *, limits: Limits = PICTURE, **options: Any) -> list[bytes]:
    """The pieces of a file."""
    pieces = Received()
    await Downloader(settings.endpoint, **options).download(url, pieces.write, limits)
    return pieces


async def reason(settings: Settings, url: str, *, limits: Limits = PICTURE, **options: Any) -> str:
    """Why a file is not received."""
    with pytest.raises(DownloadFailed) as failed:
        await received(settings, url, limits=limits, **options)
    assert "secret" not in failed.value.reason
    return failed.value.reason


def answering(first: Callable[[Exchange], None], upstream: Replay) -> None:
    """Makes an upstream answer one request its own way, and the next ones with a picture."""

    async def behave(exchange: Exchange) -> None:
        upstream.answer(PNG)
        first(exchange)

    upstream.behave = behave


def redirect(upstream: Replay, location: str, status: int = 302) -> None:
    """Makes an upstream redirect one request, with a cookie."""
    head = f"HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"
    answering(lambda exchange: exchange.send(head.encode()), upstream)


async def test_file_is_received(upstream: Replay, settings: Settings) -> None:
    upstream.answer(PNG)
    assert await received(settings, f"{upstream.base_url}/a/b.png?secret=1") == [PNG]
    [request] = upstream.requests
    assert request.path == "/a/b.png?secret=1"


async def test_nothing_is_sent_but_what_a_stranger_may_know(upstream: Replay, settings: Settings) -> None:
    upstream.answer(PNG)
    await received(settings, f"{upstream.base_url}/x")
    [request] = upstream.requests
    assert KEY not in str(request)
    assert set(request.headers) == {"host", "accept", "accept-encoding", "user-agent"}
    assert request.headers["host"] == f"127.0.0.1:{upstream.port}"
    assert request.headers["accept-encoding"] == "identity"


async def test_proxies_of_the_environment_are_not_used(
    upstream: Replay, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    upstream.answer(PNG)
    assert await received(settings, f"{upstream.base_url}/x") == [PNG]


async def test_large_file_comes_in_pieces(upstream: Replay, settings: Settings) -> None:
    content = bytes(range(256)) * 4096
    upstream.answer(content)
    pieces = await received(settings, f"{upstream.base_url}/x")
    assert b"".join(pieces) == content
    assert all(len(piece) <= PIECE + 64 * 1024 for piece in pieces)


async def test_small_chunks_are_joined(upstream: Replay, settings: Settings) -> None:
    upstream.stream(*(b"%d," % number for number in range(1000)))
    [piece] = await received(settings, f"{upstream.base_url}/x")
    assert piece.split(b",")[:-1] == [b"%d" % number for number in range(1000)]


async def test_connection_is_closed(upstream: Replay, settings: Settings) -> None:
    upstream.answer(PNG)
    await received(settings, f"{upstream.base_url}/x")
    with anyio.fail_after(5):
        while upstream.open_connections:
            await anyio.lowlevel.checkpoint()


async def test_this_machine_is_refused_where_the_api_is_elsewhere(upstream: Replay) -> None:
    port, settings = upstream.port, Settings(provider="acedata", api_key=KEY)
    assert await reason(settings, f"http://127.0.0.1:{port}/x") == "its address is not https"
    assert await reason(settings, f"https://127.0.0.1:{port}/x") == "its host is not on the public internet"
    assert "public internet" in await reason(settings, f"https://localhost:{port}/x")
    assert "public internet" in await reason(settings, f"https://a.com:{port}/", resolve=Names(["10.0.0.1"]))
    assert upstream.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_within_the_host_is_followed_without_cookies(
    upstream: Replay, settings: Settings, status: int
) -> None:
    redirect(upstream, "/elsewhere?x", status)
    assert await received(settings, f"{upstream.base_url}/x") == [PNG]
    assert [request.path for request in upstream.requests] == ["/x", "/elsewhere?x"]
    assert "cookie" not in upstream.requests[1].headers


@pytest.mark.parametrize("location", ["http://127.0.0.1:1/secret", "https://secret.example.com/", "file:///secret"])
async def test_redirect_elsewhere_is_not_followed(upstream: Replay, settings: Settings, location: str) -> None:
    redirect(upstream, location)
    assert await reason(settings, f"{upstream.base_url}/x")
    assert len(upstream.requests) == 1


async def test_redirects_end(upstream: Replay, settings: Settings) -> None:
    upstream.answer(b"", 302, headers="location: /again\r\n")
    assert await reason(settings, f"{upstream.base_url}/x") == "its host redirects too often"
    assert len(upstream.requests) == MAX_REDIRECTS + 1


async def test_redirect_without_a_location_is_refused(upstream: Replay, settings: Settings) -> None:
    upstream.answer(b"", 302)
    assert await reason(settings, f"{upstream.base_url}/x")


async def test_address_is_checked_again_after_a_redirect(upstream: Replay, settings: Settings) -> None:
    redirect(upstream, "/elsewhere")
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    url = f"http://media.localhost:{upstream.port}/x"
    assert await reason(settings, url, resolve=names) == "its host is not on the public internet"
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("status", [201, 204, 206, 304, 403, 404, 500])
async def test_other_status_is_told(upstream: Replay, settings: Settings, status: int) -> None:
    upstream.raw(f"HTTP/1.1 {status} secret\r\ncontent-length: 0\r\n\r\n".encode())
    assert await reason(settings, f"{upstream.base_url}/x") == f"its host answered with HTTP status {status}"


@pytest.mark.parametrize(
    ("size", "is_received"), [(len(PNG), True), (len(PNG) - 1, False), (1, False)], ids=["equal", "over", "far over"]
)
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_size_is_limited(
    upstream: Replay, settings: Settings, size: int, is_received: bool, is_chunked: bool
) -> None:
    if is_chunked:
        upstream.stream(PNG[:100], PNG[100:])
    else:
        upstream.answer(PNG)
    limits, url = Limits(size, 10), f"{upstream.base_url}/x"
    if is_received:
        assert await received(settings, url, limits=limits) == [PNG]
    else:
        assert await reason(settings, url, limits=limits) == f"it has more than {size} bytes"


async def test_stated_size_is_believed_before_anything_is_received(upstream: Replay, settings: Settings) -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")
        await exchange.closed.wait()

    upstream.behave = behave
    assert "more than" in await reason(settings, f"{upstream.base_url}/x")


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "secret"])
async def test_compressed_file_is_refused(upstream: Replay, settings: Settings, encoding: str) -> None:
    upstream.answer(gzip.compress(PNG), headers=f"content-encoding: {encoding}\r\n")
    assert "compressed" in await reason(settings, f"{upstream.base_url}/x")


@pytest.mark.parametrize(
    "answer",
    [
        f"HTTP/1.1 200 OK\r\ncontent-length: {len(PNG) + 1}\r\n\r\n".encode() + PNG,
        b"HTTP/1.1 200 OK\r\n\r\n" + PNG,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1e3\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"secret" * 50_000,
        b"garbage",
        b"",
    ],
)
async def test_file_that_is_not_whole_is_refused(upstream: Replay, settings: Settings, answer: bytes) -> None:
    upstream.raw(answer)
    assert await reason(settings, f"{upstream.base_url}/x")


@pytest.mark.parametrize("begins", [False, True])
async def test_silence_ends_the_download(upstream: Replay, settings: Settings, begins: bool) -> None:
    async def behave(exchange: Exchange) -> None:
        if begins:
            exchange.head()
            exchange.chunk(PNG)
        await exchange.closed.wait()

    upstream.behave = behave
    assert "fell silent" in await reason(settings, f"{upstream.base_url}/x", idle_timeout=0.1)


@pytest.mark.parametrize("content", [b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"])
async def test_drip_ends_with_the_time_of_the_download(upstream: Replay, settings: Settings, content: bytes) -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.send(content)
        while not exchange.closed.is_set():
            exchange.send(b"x")
            await asyncio.sleep(0.01)

    upstream.behave = behave
    limits, url = Limits(PICTURE.size, 0.3), f"{upstream.base_url}/x"
    with anyio.fail_after(5):
        assert await reason(settings, url, limits=limits) == "its download took longer than 0.3 s"


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 5000, b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5000],
    ids=["fields", "interim answers"],
)
async def test_head_has_a_limit(upstream: Replay, settings: Settings, head: bytes) -> None:
    upstream.raw(head + b"content-length: 5\r\n\r\nabcde")
    assert await reason(settings, f"{upstream.base_url}/x") == "its host sent too much before it"


async def test_interim_answer_is_passed_over(upstream: Replay, settings: Settings) -> None:
    upstream.raw(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde")
    assert await received(settings, f"{upstream.base_url}/x") == [b"abcde"]


async def test_refused_connection_is_told(upstream: Replay, settings: Settings) -> None:
    upstream._server.close()
    await upstream._server.wait_closed()
    assert await reason(settings, f"{upstream.base_url}/x") == "its host cannot be connected to"


@pytest.mark.parametrize("certified", ["media.example.com", "other.example.com", "127.0.0.1"])
async def test_certificate_must_be_for_the_name_and_not_for_the_address(settings: Settings, certified: str) -> None:
    authority, context, trusted = (
        trustme.CA(),
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH),
        ssl.create_default_context(),
    )
    authority.issue_cert(certified).configure_cert(context)
    authority.configure_trust(trusted)
    async with Replay(tls=context) as host:
        host.answer(PNG)
        url, names = f"https://media.example.com:{host.port}/x", Names(["127.0.0.1"])
        if certified == "media.example.com":
            assert await received(settings, url, resolve=names, certificates=trusted) == [PNG]
            assert host.requests[0].headers["host"] == f"media.example.com:{host.port}"
        else:
            assert "TLS" in await reason(settings, url, resolve=names, certificates=trusted)
            assert host.requests == []


async def test_unknown_authority_is_not_trusted(settings: Settings) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with Replay(tls=context) as host:
        assert "TLS" in await reason(settings, f"https://127.0.0.1:{host.port}/x")
        assert host.requests == []


async def test_tls_that_is_never_answered_ends_with_the_time_of_the_download(settings: Settings) -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _reader.read(-1)
        closed.set()
        writer.close()

    closed = asyncio.Event()
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"https://127.0.0.1:{port}/x"
        # Loading the system's certificates could take all of the time.
        options = {"certificates": ssl.create_default_context()}
        assert "longer than" in await reason(settings, url, limits=Limits(PICTURE.size, 0.3), **options)
        await closed.wait()


async def test_what_the_writer_raises_ends_the_download(upstream: Replay, settings: Settings) -> None:
    async def write(_piece: bytes) -> None:
        raise DownloadFailed("no room")

    upstream.answer(PNG)
    with pytest.raises(DownloadFailed, match="no room"):
        await Downloader(settings.endpoint).download(f"{upstream.base_url}/x", write, PICTURE)
