"""Bodies compressed although that was not asked for."""

import gzip
import json
import zlib
from collections.abc import Iterable
from functools import partial

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.settings import Settings
from mcp_grok.upstream.compression import inflater_of
from tests.replay import COMPLETION, REST, TEXT, Replay
from tests.upstream.clients import ask, client_for, failure

gzipped = partial(gzip.compress, mtime=0)
"""Compresses to the same bytes at any time, so that every process collects the same tests."""

ANSWER = json.dumps(COMPLETION).encode()
STREAM = TEXT + REST
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
RAW_ANSWER = RAW.compress(ANSWER) + RAW.flush()
BROTLI = bytes.fromhex("0b0580") + b"\xc3\xa1\xfe" * 20
ZSTD = bytes.fromhex("28b52ffd2411890000")


def named(encoding: str) -> str:
    """The header that names a content encoding."""
    return f"content-encoding: {encoding}\r\n" if encoding else ""


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzipped(ANSWER), "gzip"),
        (gzipped(ANSWER), "GZIP"),
        (gzipped(ANSWER), "x-gzip"),
        (gzipped(ANSWER), ""),
        (gzipped(ANSWER), "identity"),
        (gzipped(ANSWER[:9]) + gzipped(ANSWER[9:]), "gzip"),
        (gzipped(ANSWER) + bytes(20), "gzip"),
        (gzipped(gzipped(ANSWER)), "gzip, gzip"),
        (zlib.compress(ANSWER), "deflate"),
        (RAW_ANSWER, "deflate"),
        (ANSWER, "gzip"),
        (ANSWER, "deflate"),
        (ANSWER, "br"),
        (ANSWER, "zstd"),
    ],
)
async def test_answer_is_read_whatever_the_header_says(
    upstream: Replay, settings: Settings, body: bytes, encoding: str
) -> None:
    upstream.answer(body, headers=named(encoding))
    async with client_for(settings) as client:
        assert (await ask(client)).body == COMPLETION


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_compressed_stream_is_read(upstream: Replay, settings: Settings, size: int) -> None:
    body = gzipped(STREAM)
    upstream.stream(*(body[start : start + size] for start in range(0, len(body), size)))
    async with client_for(settings) as client:
        answer = await ask(client, stream=True)
    assert answer.text == "so far, done"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("body", "encoding", "name"),
    [
        (BROTLI, "br", "br"),
        (ZSTD, "zstd", "zstd"),
        (ZSTD, "", "zstd"),
        (b"\x00\x01\x02\x03" * 30, "compress", "compress"),
        (b"\x00\x01\x02\x03" * 30, "gzip", "gzip"),
        (gzipped(ANSWER)[:11] + b"\xff" * 40, "gzip", "gzip"),
        (gzipped(ANSWER)[:11] + b"\xff" * 40, "", "gzip"),
    ],
)
async def test_compression_that_cannot_be_read_is_named(
    upstream: Replay, settings: Settings, body: bytes, encoding: str, name: str, stream: bool
) -> None:
    upstream.answer(body, headers=named(encoding))
    error = await failure(settings, stream=stream)
    assert (error["code"], error["billed"], error["retryable"]) == ("bad_upstream_response", "unknown", False)
    assert f"compressed its answer ({name})" in error["message"]
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(("status", "code"), [(401, "invalid_token"), (400, "bad_request")])
async def test_status_of_an_error_counts_more_than_its_compression(
    upstream: Replay, settings: Settings, status: int, code: str
) -> None:
    upstream.answer(BROTLI, status, headers=named("br"))
    error = await failure(settings)
    assert (error["status"], error["code"], error["billed"]) == (status, code, "no")
    assert "(br)" in error["upstream_message"]


async def test_error_compressed_without_a_header_is_read(upstream: Replay, settings: Settings) -> None:
    upstream.answer(gzipped(b'{"error":{"code":"invalid_token","message":"no such key"}}'), 401)
    assert (await failure(settings))["upstream_message"] == "no such key"


async def test_body_that_inflates_over_the_limit_is_refused(upstream: Replay, settings: Settings) -> None:
    upstream.answer(gzipped(b'{"a":"' + b"x" * 2**24), headers=named("gzip"))
    error = await failure(settings, client_options={"max_response_bytes": 2**20})
    assert error["code"] == "response_too_large"


def inflated(pieces: Iterable[bytes], encoding: str) -> bytes:
    """The decompressed pieces of a body."""
    start, *rest = pieces
    inflater = inflater_of(start, encoding)
    assert inflater is not None
    return b"".join(b"".join(inflater.feed(piece)) for piece in (start, *rest))


@given(st.lists(st.binary(min_size=1), min_size=1, max_size=4), st.integers(4, 40))
def test_gzip_is_read_in_any_pieces(members: list[bytes], size: int) -> None:
    body = b"".join(gzipped(member) for member in members)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    assert inflated(pieces, "gzip") == b"".join(members)


@pytest.mark.parametrize("text", ["余额不足".encode(), b"<html>\xc3\xa9", b": ping\r\n\r\n", b""])
def test_text_is_not_decompressed(text: bytes) -> None:
    assert inflater_of(text, "gzip") is None


def test_binary_data_is_not_text() -> None:
    with pytest.raises(httpx2.DecodingError, match="br"):
        inflater_of(bytes(range(32)), "br")
