"""The connections to one endpoint: their reuse, proxies and certificates."""

import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext

import httpx2

from mcp_grok.address import is_loopback
from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import NotConfigured
from mcp_grok.extras import missing_extra
from mcp_grok.limits import KEEPALIVE_EXPIRY


class ConnectionPool:
    """HTTP clients with one connection each; as many as calls run at the same time.

    In one client, every call would look at all connections several times
    (https://github.com/pydantic/httpx2/pull/1169).

    Args:
        endpoint: The address of the calls.
        expiry: Seconds that an idle connection is kept.
    """

    def __init__(self, endpoint: Endpoint, *, expiry: float = KEEPALIVE_EXPIRY) -> None:
        self._expiry = expiry
        self._is_local = is_loopback(endpoint.url)
        self._is_plain = endpoint.url.startswith("http:")
        self._idle: deque[tuple[float, httpx2.AsyncClient]] = deque()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx2.AsyncClient]:
        """The client for one call: the one used last, or a new one.

        Raises:
            NotConfigured: the proxy or certificate settings of the environment cannot be used.
        """
        await self._close_idle(until=time.monotonic() - self._expiry)
        client = self._idle.pop()[1] if self._idle else self._new_client()
        try:
            yield client
        finally:
            self._idle.append((time.monotonic(), client))

    async def aclose(self) -> None:
        """Closes the idle connections."""
        await self._close_idle(until=time.monotonic())

    async def _close_idle(self, until: float) -> None:
        """Closes the connections that have been idle since some time or longer."""
        while self._idle and self._idle[0][0] <= until:
            await self._idle.popleft()[1].aclose()

    def _new_client(self) -> httpx2.AsyncClient:
        try:
            return httpx2.AsyncClient(
                limits=httpx2.Limits(max_keepalive_connections=1, keepalive_expiry=self._expiry),
                follow_redirects=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                trust_env=not self._is_local,
                verify=self._certificates,
            )
        except ImportError:
            raise missing_extra("A SOCKS proxy", "socks") from None
        except (ValueError, OSError, httpx2.InvalidURL):
            # The exception's text may repeat a proxy's password.
            raise NotConfigured(
                "The proxy or certificate settings of the environment cannot be used; check HTTPS_PROXY, ALL_PROXY, "
                "NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR."
            ) from None

    @cached_property
    def _certificates(self) -> SSLContext:
        # Loading the certificate store takes longer than a call to a server on this machine.
        verify = not (self._is_local and self._is_plain)
        return httpx2.create_ssl_context(verify=verify, trust_env=not self._is_local)
