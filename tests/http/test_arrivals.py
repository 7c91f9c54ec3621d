"""The order in which requests that have arrived are parsed."""

import asyncio
from functools import partial
from itertools import chain

import anyio
import pytest

from mcp_grok.http.arrivals import AT_ONCE, HEAD_BYTES, Arrivals, credentials_in
from mcp_grok.request_principal import KEY_HEADER


async def rounds_of(arrived: list[bytes]) -> list[list[bytes]]:
    """The credentials of the requests that are parsed in each round, if all arrive in the first."""
    parsed: list[bytes] = []
    arrivals = Arrivals()
    for credentials in arrived:
        arrivals.add(credentials, partial(parsed.append, credentials))
    rounds: list[list[bytes]] = []
    while sum(map(len, rounds)) < len(arrived):
        rounds.append(parsed.copy())
        parsed.clear()
        await anyio.lowlevel.checkpoint()
    return rounds


async def test_lone_request_is_parsed_immediately() -> None:
    assert await rounds_of([b"ann"]) == [[b"ann"]]


async def test_requests_of_one_caller_are_parsed_one_in_a_round() -> None:
    assert await rounds_of([b"ann"] * 3) == [[b"ann"]] * 3


async def test_caller_does_not_wait_for_another_ones_requests() -> None:
    assert await rounds_of([b"ann"] * 3 + [b"bob"]) == [[b"ann", b"bob"], [b"ann"], [b"ann"]]


async def test_made_up_callers_have_a_bound_and_take_turns() -> None:
    strangers = [str(number).encode() for number in range(AT_ONCE + 2)]
    rounds = await rounds_of(strangers * 2)
    assert rounds[0] == strangers[:AT_ONCE]
    assert {len(each) for each in rounds[:2]} == {AT_ONCE}
    assert set(strangers[AT_ONCE:]) < set(rounds[1])
    assert sorted(chain.from_iterable(rounds)) == sorted(strangers * 2)


async def test_request_that_arrives_later_is_parsed_immediately() -> None:
    assert await rounds_of([b"ann"] * 2) == [[b"ann"]] * 2
    arrivals, parsed = Arrivals(), list[int]()
    for number in range(3):
        arrivals.add(b"ann", partial(parsed.append, number))
        assert parsed == list(range(number + 1))
        for _ in range(2):
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize(
    ("head", "credentials"),
    [
        (b"POST /mcp HTTP/1.1\r\nhost: x\r\nauthorization: Bearer abc\r\n\r\n", b"Bearer abc"),
        (b"POST /mcp HTTP/1.1\r\nAuthorization:\tBearer abc\r\n\r\n", b"Bearer abc"),
        (b"POST /mcp HTTP/1.1\r\nauthorization: Bearer ab", b"Bearer ab"),
        (b"POST /mcp HTTP/1.1\r\n" + KEY_HEADER.encode() + b": xai-key\r\n\r\n", b"xai-key"),
        (b"POST /mcp HTTP/1.1\r\nauthorization:\r\n\r\n", b""),
        (b"POST /mcp HTTP/1.1\r\nx-authorization: Bearer abc\r\n\r\n", b""),
        (b"POST /mcp HTTP/1.1\r\nx: " + b"y" * HEAD_BYTES + b"\r\nauthorization: Bearer abc\r\n\r\n", b""),
        (b"", b""),
    ],
)
def test_credentials_are_read_from_the_first_bytes(head: bytes, credentials: bytes) -> None:
    assert credentials_in(head) == credentials


async def test_request_that_cannot_be_parsed_does_not_keep_others_waiting() -> None:
    parsed: list[bytes] = []
    failed: list[object] = []

    def fail() -> None:
        raise ValueError

    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context["exception"]))
    arrivals = Arrivals()
    for credentials in (b"ann", b"bob"):
        arrivals.add(credentials, lambda: None)
        arrivals.add(credentials, fail)
        arrivals.add(credentials, partial(parsed.append, credentials))
    for _ in range(4):
        await anyio.lowlevel.checkpoint()
    assert sorted(parsed) == [b"ann", b"bob"]
    assert [type(error) for error in failed] == [ValueError]
