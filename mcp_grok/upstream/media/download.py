"""The download of a picture or video from the host that the API names."""

import ssl
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpcore2
import httpx2

from mcp_grok import __version__
from mcp_grok.address import is_loopback
from mcp_grok.endpoint import Endpoint
from mcp_grok.limits import CONNECT_TIMEOUT, MIB
from mcp_grok.upstream.media.bounded_stream import Head
from mcp_grok.upstream.media.download_failed import DownloadFailed
from mcp_grok.upstream.media.media_address import MediaAddress
from mcp_grok.upstream.media.public_network import PublicNetwork, Resolve, resolve

Write = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one download.

    Attributes:
        size: Maximum bytes.
        seconds: Maximum time from the first connection to the last byte written.
    """

    size: int
    seconds: float


PICTURE = Limits(20 * MIB, 60)
VIDEO = Limits(500 * MIB, 300)

IDLE_TIMEOUT = 20.0
"""Seconds without a byte."""

PIECE = 256 * 1024
"""Bytes that are written at once. A host may send them in pieces of one."""

LONGEST_TURN = 0.01
"""Seconds after which other tasks get a turn."""

REDIRECTS = (301, 302, 303, 307, 308)
MAX_REDIRECTS = 3

FIELDS = (
    ("accept", "image/*, video/*"),
    ("accept-encoding", "identity"),
    ("user-agent", f"mcp-grok/{__version__}"),
)


class Downloader:
    """Downloads what the API made, over a new connection each time.

    The host is not trusted. Only https to the public internet is spoken, and http to this machine where the API itself
    is on this machine. No key and no cookie is sent. The proxies of the environment are not used: a proxy would resolve
    the names, and its addresses could not be checked.

    Args:
        endpoint: The API.
        resolve: Finds the addresses of a host.
        certificates: The certificates to trust; those of the system, or of `SSL_CERT_FILE`, by default.
        idle_timeout: Maximum seconds without a byte.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        resolve: Resolve = resolve,
        certificates: ssl.SSLContext | None = None,
        idle_timeout: float = IDLE_TIMEOUT,
    ) -> None:
        self._local = is_loopback(endpoint.url)
        self._resolve = resolve
        self._certificates = certificates
        self._timeouts = {"connect": CONNECT_TIMEOUT, "read": idle_timeout, "write": idle_timeout, "pool": None}

    async def download(self, url: str, write: Write, limits: Limits) -> None:
        """Downloads one file.

        Args:
            url: The address that the API states.
            write: Called with each piece, at least once; it may raise to end the download.
            limits: The limits of size and time.

        Raises:
            DownloadFailed: the file was not received whole, or is not allowed to be; or what `write` raises.
        """
        with anyio.move_on_after(limits.seconds) as scope:
            address = MediaAddress.read(url, local=self._local)
            for _ in range(MAX_REDIRECTS + 1):
                location = await self._get(address, write, limits.size)
                if location is None:
                    return
                address = address.redirected(location)
            raise DownloadFailed("its host redirects too often")
        if scope.cancelled_caught:
            raise DownloadFailed(f"its download took longer than {limits.seconds:g} s")

    async def _get(self, address: MediaAddress, write: Write, max_bytes: int) -> str | None:
        """Receives the file; the address that the host redirects to, if it does so instead."""
        context = await self._trusted() if address.scheme == "https" else None
        url = httpcore2.URL(
            scheme=address.scheme.encode(),
            host=address.host.encode(),
            port=address.port,
            target=address.target.encode(),
        )
        headers = [("host", address.authority), *FIELDS]
        head = Head()
        network = PublicNetwork(self._resolve, local=self._local, head=head)
        try:
            async with (
                httpcore2.AsyncConnectionPool(ssl_context=context, network_backend=network) as pool,
                pool.stream("GET", url, headers=headers, extensions={"timeout": self._timeouts}) as response,
            ):
                fields = {name.lower(): value.decode("latin-1") for name, value in response.headers}
                if response.status in REDIRECTS:
                    return fields.get(b"location", "")
                _check_head(response.status, fields, max_bytes)
                head.end()
                await _receive(response, write, max_bytes)
                return None
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as error:
            raise DownloadFailed(_broken(error)) from None

    async def _trusted(self) -> ssl.SSLContext:
        if self._certificates is None:
            try:
                self._certificates = await anyio.to_thread.run_sync(httpx2.create_ssl_context)
            except OSError:
                raise DownloadFailed("the certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be read") from None
        return self._certificates


def _check_head(status: int, fields: dict[bytes, str], max_bytes: int) -> None:
    if status != 200:
        raise DownloadFailed(f"its host answered with HTTP status {status}")
    if fields.get(b"content-encoding", "identity").strip().lower() != "identity":
        raise DownloadFailed("its host compressed it, though this server asks for no compression")
    length = fields.get(b"content-length")
    if length is None and b"transfer-encoding" not in fields:
        # The end of the connection would be the end of the file, and a broken one looks the same.
        raise DownloadFailed("its host does not state where it ends")
    if length is not None and int(length) > max_bytes:
        raise too_large(max_bytes)


async def _receive(response: httpcore2.Response, write: Write, max_bytes: int) -> None:
    size, piece, turn_began = 0, bytearray(), anyio.current_time()
    async with aclosing(response.aiter_stream()) as stream:
        async for received in stream:
            size += len(received)
            if size > max_bytes:
                raise too_large(max_bytes)
            piece += received
            if len(piece) >= PIECE:
                await write(bytes(piece))
                piece.clear()
            if anyio.current_time() - turn_began > LONGEST_TURN:
                await anyio.lowlevel.checkpoint()
                turn_began = anyio.current_time()
    await write(bytes(piece))


def too_large(max_bytes: int) -> DownloadFailed:
    """The error for a picture or video over the limit."""
    return DownloadFailed(f"it has more than {max_bytes} bytes")


def _broken(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "TLS with its host failed; behind a company proxy set SSL_CERT_FILE"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpcore2.ConnectError | httpcore2.ConnectTimeout):
        return "its host cannot be connected to"
    return "the connection to its host broke or fell silent"
