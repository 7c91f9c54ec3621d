"""The errors for failures below HTTP."""

import httpx2
import pytest

from mcp_grok.settings import Settings
from mcp_grok.upstream.transport_failures import transport_error

KINDS = (
    httpx2.ConnectTimeout,
    httpx2.ProxyError,
    httpx2.ConnectError,
    httpx2.ReadTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.DecodingError,
    httpx2.ReadError,
)


@pytest.mark.parametrize("kind", KINDS)
def test_sentence_begins_with_a_capital(kind: type[httpx2.HTTPError]) -> None:
    endpoint = Settings(provider="custom", base_url="https://api.example.com").endpoint
    assert transport_error(endpoint, kind("gzip")).message[0].isupper()
