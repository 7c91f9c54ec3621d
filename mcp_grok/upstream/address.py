"""Addresses: which a provider may have, and where on it calls and models are."""

import ipaddress
from urllib.parse import urlsplit

import httpx2

from mcp_grok.upstream.providers import Provider


def check_base_url(url: str, *, any_http: bool) -> None:
    """Checks a base URL that somebody has set.

    Args:
        url: What stands before the documented path.
        any_http: Whether http may lead to any host, instead of this machine alone.

    Raises:
        ValueError: it cannot be one; the message says what one is like, and does not repeat it.
    """
    if any(sign in url for sign in "@?#"):
        raise ValueError(
            "MCP_GROK_BASE_URL must hold no user, password, query or fragment; the key goes into MCP_GROK_API_KEY"
        )
    try:
        parsed = httpx2.URL(url)
        _ = urlsplit(url).port  # httpx2 does not check its range
    except (httpx2.InvalidURL, ValueError):
        parsed = httpx2.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host or " " in url or not url.isprintable():
        raise ValueError("MCP_GROK_BASE_URL must be a URL like https://api.example.com")
    if parsed.scheme == "http" and not is_loopback(url) and not any_http:
        raise ValueError(
            "MCP_GROK_BASE_URL must be https, or http to a loopback address"
            " (for a model server in the house: MCP_GROK_PROVIDER=custom and MCP_GROK_ALLOW_HTTP=1)"
        )


def completions_url(provider: Provider, base_url: str) -> str:
    """The address to post to, for a base URL that may already carry a part of the documented path."""
    base = base_url.rstrip("/")
    prefix = urlsplit(base).path
    parts = provider.path.split("/")
    for end in range(len(parts), 1, -1):
        if prefix.endswith("/".join(parts[:end])):
            return base + "".join(f"/{part}" for part in parts[end:])
    return base + provider.path


def models_url(provider: Provider, url: str) -> str:
    """Where the models are listed, beside the address that calls are posted to; empty where they are not."""
    if not url or provider.models_path is None:
        return ""
    return url.removesuffix("/chat/completions") + provider.models_path


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
    """Where a URL leads."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
