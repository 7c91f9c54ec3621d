"""Which addresses are public, and that no others are connected to."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

import anyio
import httpcore2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.upstream.media.bounded_stream import Head
from mcp_grok.upstream.media.download_failed import DownloadFailed
from mcp_grok.upstream.media.public_network import PublicNetwork, Resolve, is_public, resolve
from tests.replay import Replay
from tests.upstream.media.names import Names

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "223.255.255.255", "2606:4700::1", "64:ff9b::8.8.8.8"]


def network(resolve: Resolve, *, local: bool) -> PublicNetwork:
    """The network of one request."""
    return PublicNetwork(resolve, local=local, head=Head())


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_address_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_address_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses())
def test_no_more_is_public_than_the_registries_allow(address: IPv4Address | IPv6Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=4))
def test_ipv4_address_inside_an_ipv6_address_is_not_a_way_around(address: IPv4Address) -> None:
    number = int(address)
    assert not is_public(IPv6Address(0xFFFF << 32 | number))
    assert not is_public(IPv6Address(number))
    assert not is_public(IPv6Address(0x2002 << 112 | number << 80))
    assert is_public(IPv6Address(0x64FF9B << 96 | number)) == is_public(address)


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1", "8.8.8.8"]])
async def test_host_with_a_private_address_is_not_connected_to(addresses: list[str]) -> None:
    with pytest.raises(DownloadFailed, match="not on the public internet"):
        await network(Names(addresses), local=False).connect_tcp("media.example.com", 443)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "2130706433", "0x7f000001", "127.1", "0"])
async def test_other_spellings_of_this_machine_are_not_connected_to(upstream: Replay, host: str) -> None:
    with pytest.raises(DownloadFailed, match=r"not on the public internet|cannot be resolved"):
        await network(resolve, local=False).connect_tcp(host, upstream.port)
    assert upstream.connections == 0


@pytest.mark.parametrize("address", [address for address in NOT_PUBLIC if not ip_address(address).is_loopback])
async def test_only_this_machine_itself_is_allowed_where_the_api_is_on_it(address: str) -> None:
    with pytest.raises(DownloadFailed, match="not on the public internet"):
        await network(Names([address]), local=True).connect_tcp("media.example.com", 443)


async def test_connection_goes_to_the_address_that_was_checked(upstream: Replay) -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    stream = await network(names, local=True).connect_tcp("media.example.com", upstream.port)
    assert stream.get_extra_info("server_addr") == ("127.0.0.1", upstream.port)
    assert names.asked == 1
    await stream.aclose()


async def test_next_address_is_tried(upstream: Replay) -> None:
    names = Names(["::1", "127.0.0.1"])
    stream = await network(names, local=True).connect_tcp("media.example.com", upstream.port, timeout=10)
    assert stream.get_extra_info("server_addr") == ("127.0.0.1", upstream.port)
    await stream.aclose()


async def test_address_that_accepts_no_connection_is_an_error_of_the_connection(upstream: Replay) -> None:
    upstream._server.close()
    await upstream._server.wait_closed()
    with pytest.raises(httpcore2.ConnectError):
        await network(Names(["127.0.0.1"]), local=True).connect_tcp("media.example.com", upstream.port)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "-", "x" * 300])
async def test_name_without_an_address_is_told(host: str) -> None:
    with pytest.raises(DownloadFailed, match="cannot be resolved"):
        await network(resolve, local=False).connect_tcp(host, 443)


async def test_name_server_that_is_silent_is_not_waited_for() -> None:
    async def silent(_host: str, _port: int) -> Sequence[str]:
        await anyio.sleep_forever()
        return []

    with pytest.raises(DownloadFailed, match="cannot be resolved"):
        await network(silent, local=False).connect_tcp("media.example.com", 443, timeout=0.05)
