"""What went wrong below HTTP → the error that tells so."""

import socket
import ssl

import httpx2

from mcp_grok.errors import BadUpstreamResponse, CallTimeout, ConnectionFailed, GrokError, NotConfigured
from mcp_grok.upstream.providers import Provider


def transport_error(provider: Provider, error: Exception, *, idle_timeout: float) -> GrokError:
    """The error for a request that failed below HTTP, before an answer had begun."""
    name = provider.title
    match error:
        case httpx2.ConnectTimeout():
            failure: GrokError = ConnectionFailed(
                f"No connection to {name} in time; check the network and MCP_GROK_BASE_URL.", billed="no"
            )
        case httpx2.ProxyError():
            failure = ConnectionFailed(
                f"The proxy refused the way to {name}; check HTTPS_PROXY and NO_PROXY.", billed="no"
            )
        case httpx2.ConnectError():
            failure = _not_connected(name, error)
        case httpx2.TimeoutException():
            failure = CallTimeout(
                f"{name} sent nothing for {idle_timeout:g} s (MCP_GROK_IDLE_TIMEOUT); the outcome is unknown and the "
                "call may be billed."
            )
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL() | httpx2.LocalProtocolError():
            failure = NotConfigured("The request cannot be sent as configured; check MCP_GROK_BASE_URL and the key.")
        case httpx2.DecodingError():
            failure = BadUpstreamResponse(f"The answer of {name} is compressed in a way that cannot be read.")
        case _:
            failure = ConnectionFailed(
                f"The connection to {name} broke before an answer; the outcome is unknown and the call may be billed."
            )
    failure.add(provider=provider.name)
    return failure


def _not_connected(name: str, error: BaseException) -> GrokError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "verify_message", "") or cause.reason or "no reason given"
            return ConnectionFailed(
                f"TLS with {name} failed: {reason}. Check MCP_GROK_BASE_URL; behind a company proxy set SSL_CERT_FILE.",
                billed="no",
                retryable=False,
            )
        if isinstance(cause, socket.gaierror):
            return ConnectionFailed(
                f"The host name of {name} cannot be resolved; check the network, DNS and MCP_GROK_BASE_URL.",
                billed="no",
            )
        cause = cause.__cause__ or cause.__context__
    return ConnectionFailed(
        f"{name} refused the connection; check the network, MCP_GROK_BASE_URL and, where one is set, HTTPS_PROXY.",
        billed="no",
    )
