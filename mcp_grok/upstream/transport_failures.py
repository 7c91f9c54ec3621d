"""The errors for failures below HTTP."""

import socket
import ssl

import httpx2

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import BadUpstreamResponse, CallTimeout, ConnectionFailed, GrokError, NotConfigured


def transport_error(endpoint: Endpoint, error: Exception) -> GrokError:
    """The error for a request that failed below HTTP, before the answer began."""
    name, subject, base_url = endpoint.provider.title, endpoint.provider.subject, endpoint.names.base_url
    match error:
        case httpx2.ConnectTimeout():
            return _failed(endpoint, f"No connection to {name} in time; check the network and {base_url}.")
        case httpx2.ProxyError():
            return _failed(endpoint, f"The proxy refused the connection to {name}; check HTTPS_PROXY and NO_PROXY.")
        case httpx2.ConnectError():
            return _not_connected(endpoint, error)
        case httpx2.TimeoutException():
            return CallTimeout(
                f"{subject} sent nothing for {endpoint.idle_timeout:g} s ({endpoint.names.idle_timeout}); the outcome "
                "is unknown and the call may be billed.",
                provider=endpoint.provider.name,
            )
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL() | httpx2.LocalProtocolError():
            return NotConfigured(
                f"The request cannot be sent as configured; check {base_url} and {endpoint.names.api_key}.",
                provider=endpoint.provider.name,
            )
        case httpx2.DecodingError():
            return BadUpstreamResponse(
                f"{subject} compressed its answer ({error}), though this server asks for none, and it cannot be read; "
                f"the call may be billed. Turn compression off in the server or proxy at {base_url}.",
                provider=endpoint.provider.name,
            )
        case _:
            return ConnectionFailed(
                f"The connection to {name} broke before an answer; the outcome is unknown and the call may be billed.",
                provider=endpoint.provider.name,
            )


def timed_out(endpoint: Endpoint, *, sent: bool) -> CallTimeout:
    """The error for a call that took longer than its limit.

    Args:
        endpoint: Where it went.
        sent: Whether it was sent.
    """
    limit = f"{endpoint.timeout:g} s ({endpoint.names.timeout})"
    if not sent:
        return CallTimeout(f"The call was still waiting to be sent when its limit of {limit} passed.", billed="no")
    return CallTimeout(
        f"The call took longer than {limit}; the outcome is unknown and it may be billed.", billed="unknown"
    )


def free_request_error(endpoint: Endpoint, error: Exception) -> GrokError:
    """The same for a request that costs nothing, such as the one for the list of models."""
    failure = transport_error(endpoint, error)
    if failure.billed == "no":
        return failure
    subject, base_url = endpoint.provider.subject, endpoint.names.base_url
    return _failed(endpoint, f"{subject} gave no answer that can be read; check the network and {base_url}.")


def _not_connected(endpoint: Endpoint, error: BaseException) -> GrokError:
    name, subject, base_url = endpoint.provider.title, endpoint.provider.subject, endpoint.names.base_url
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "verify_message", "") or cause.reason or "no reason given"
            return _failed(
                endpoint,
                f"TLS with {name} failed: {reason}. Check {base_url}; behind a company proxy set SSL_CERT_FILE.",
                retryable=False,
            )
        if isinstance(cause, socket.gaierror):
            return _failed(
                endpoint, f"The host name of {name} cannot be resolved; check the network, DNS and {base_url}."
            )
        cause = cause.__cause__ or cause.__context__
    return _failed(
        endpoint,
        f"{subject} refused the connection; check the network, {base_url} and, if it is set, HTTPS_PROXY.",
    )


def _failed(endpoint: Endpoint, message: str, *, retryable: bool = True) -> GrokError:
    """The error for a failed connection, over which nothing was sent."""
    return ConnectionFailed(message, billed="no", retryable=retryable, provider=endpoint.provider.name)
