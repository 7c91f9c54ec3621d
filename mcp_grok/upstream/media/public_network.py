"""Connections to the public internet only: each address is checked when it is connected to."""

import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import anyio
import httpcore2

from mcp_grok.upstream.media.bounded_stream import BoundedStream, Head
from mcp_grok.upstream.media.download_failed import DownloadFailed

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the IP addresses of a host, the best first."""

MAX_ADDRESSES = 4
"""Addresses of a host that are tried."""

# The tables are ours because those of `ipaddress` differ between Python's versions. Sources:
# https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
NOT_PUBLIC_IPV4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            # Azure's services for its machines: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
            "168.63.129.16/32",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast, reserved and broadcast
        ),
    )
)
PUBLIC_IPV6 = IPv6Network("2000::/3")
NOT_PUBLIC_IPV6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # Teredo and other protocols
            "2001:db8::/32",
            "2002::/16",  # 6to4: an IPv4 address inside
            "3fff::/20",
        ),
    )
)
NAT64 = IPv6Network("64:ff9b::/96")
"""Addresses with an IPv4 address inside, which a network without IPv4 gives to every IPv4 host (RFC 6052)."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_IPV4)
    if address in NAT64:
        return is_public(IPv4Address(address.packed[-4:]))
    return address in PUBLIC_IPV6 and not any(address in network for network in NOT_PUBLIC_IPV6)


async def resolve(host: str, port: int) -> Sequence[str]:
    """The IP addresses of a host, as the system finds them."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(where[0]) for *_, where in found]


class PublicNetwork(httpcore2.AsyncNetworkBackend):
    """Makes the connection of one request for `httpcore2`.

    The host's name is resolved once for a connection, and the connection is made to an address that was checked, so
    that a second answer of the name server changes nothing. TLS verifies the name all the same.

    Args:
        resolve: Finds the addresses of a host.
        local: Whether this machine may be connected to, too.
        head: The limit of the answer's head.
    """

    def __init__(self, resolve: Resolve, *, local: bool, head: Head) -> None:
        self._resolve = resolve
        self._local = local
        self._connector = httpcore2.AnyIOBackend()
        self._head = head

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to the host's first address that accepts one.

        Raises:
            DownloadFailed: the name cannot be resolved, or one of its addresses is not public.
            httpcore2.ConnectError, httpcore2.ConnectTimeout: no address accepts a connection.
        """
        addresses = (await self._checked(host, port, timeout))[:MAX_ADDRESSES]
        share = timeout and timeout / len(addresses)
        for number, address in enumerate(addresses, 1):
            try:
                stream = await self._connector.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                break
        return BoundedStream(stream, self._head)

    async def _checked(self, host: str, port: int, timeout: float | None) -> Sequence[str]:
        try:
            with anyio.fail_after(timeout):
                addresses = await self._resolve(host, port)
        except (OSError, UnicodeError):  # a `TimeoutError` is an `OSError`
            addresses = []
        if not addresses:
            raise DownloadFailed("the name of its host cannot be resolved")
        if not all(map(self._is_allowed, addresses)):
            raise DownloadFailed("its host is not on the public internet")
        return addresses

    def _is_allowed(self, text: str) -> bool:
        address = ip_address(text)
        return is_public(address) or (self._local and address.is_loopback)
