"""URLs of endpoints: validation, host and port."""

import ipaddress
import re
from urllib.parse import parse_qsl, urlsplit

import httpx2

SECRET_NAME = re.compile("key|token|secret|passw|auth|^sig|^code$", re.IGNORECASE)
"""The names of a query's values that are secrets. Addresses are shown to users; keys must not be in them."""


def check_base_url(url: str, *, any_http: bool, query: bool = True) -> None:
    """Checks a base URL.

    Args:
        url: The base URL, or a whole address.
        any_http: Whether http is allowed to any host; otherwise only to this machine.
        query: Whether a query is allowed; its values must not be secrets.

    Raises:
        ValueError: the URL is not allowed; the message states the expected form and does not repeat the URL.
    """
    address, _, values = url.partition("?")
    if "@" in address or "#" in url or (values and not query):
        raise ValueError("must not contain a user, password or fragment; put the key into MCP_GROK_API_KEY")
    if any(SECRET_NAME.search(name) for name, _ in parse_qsl(values, keep_blank_values=True)):
        raise ValueError("must not contain a key in its query; put the key into MCP_GROK_API_KEY")
    try:
        parsed = httpx2.URL(url)
        _ = urlsplit(url).port  # httpx2 does not check its range
    except (httpx2.InvalidURL, ValueError):
        parsed = httpx2.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host or " " in url or not url.isprintable():
        raise ValueError("must be a URL like https://api.example.com")
    if parsed.scheme == "http" and not is_loopback(url) and not any_http:
        raise ValueError(
            "must be https, or http to a loopback address"
            " (for a model server on your local network: MCP_GROK_PROVIDER=custom and MCP_GROK_ALLOW_HTTP=1)"
        )


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_and_port(url: str) -> tuple[str, int]:
    """The host and port of a URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
