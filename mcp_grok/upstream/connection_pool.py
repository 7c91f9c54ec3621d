"""The pool of connections to one endpoint: their number, proxies and certificates."""

from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from mcp_grok.address import is_loopback
from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import NotConfigured
from mcp_grok.limits import KEEPALIVE_EXPIRY


def pooled_client(endpoint: Endpoint) -> httpx2.AsyncClient:
    """An HTTP client with one connection for each call that may run at the same time.

    Raises:
        NotConfigured: the proxy or certificate settings of the environment cannot be used.
    """
    local = is_loopback(endpoint.url)
    slots = endpoint.max_concurrency
    try:
        return httpx2.AsyncClient(
            limits=httpx2.Limits(
                max_connections=slots, max_keepalive_connections=slots, keepalive_expiry=KEEPALIVE_EXPIRY
            ),
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=not local,
            # Loading the certificate store takes longer than a call to a server on this machine.
            verify=not (local and endpoint.url.startswith("http:")),
        )
    except ImportError:
        raise NotConfigured("A SOCKS proxy is configured; it needs: pip install socksio.") from None
    except (ValueError, OSError, httpx2.InvalidURL):
        # The exception's text may repeat a proxy's password.
        raise NotConfigured(
            "The proxy or certificate settings of the environment cannot be used; check HTTPS_PROXY, ALL_PROXY, "
            "NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR."
        ) from None
