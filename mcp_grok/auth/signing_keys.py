"""The signing keys that an OpenID or OAuth 2 provider publishes, fetched and cached.

PyJWT's `PyJWKClient` is not used. It holds a lock during a fetch, so that one token with an unknown key id would delay
every caller; it asks a provider that is down again for each token; it limits neither the size nor the total time of a
fetch; and it drops keys without an id.
"""

import logging
import math
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2

from mcp_grok.address import is_loopback
from mcp_grok.extras import missing_extra
from mcp_grok.json_parser import parse_json
from mcp_grok.upstream.response_body import read_up_to

logger = logging.getLogger(__name__)

KEY_TYPES = ("RSA", "EC", "OKP")

LIFESPAN = 3600.0
"""Seconds for which fetched keys are used: a key that the issuer withdraws works no longer than this."""

FETCH_INTERVAL = 30.0
"""Seconds between two fetches, failed ones included, however many tokens have made-up key ids."""

FETCH_TIMEOUT = 10.0
"""Seconds for a fetch: the issuer's document and its keys."""

MAX_DOCUMENT_BYTES = 1024 * 1024

Key = dict[str, Any]
"""A public key in JSON (RFC 7517)."""


class SigningKeys:
    """The public keys of an issuer.

    They are fetched for the first token, after an hour, and for a token with an unknown key id. While the issuer is
    down, the log has a warning and the cached keys go on working until their hour is over.

    Args:
        issuer: Its identifier, which is also its URL.
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, issuer: str, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._clock = clock
        self._fetching = anyio.Lock()
        self._keys: list[Key] = []
        self._fetched_at = -math.inf
        self._tried_at = -math.inf

    async def find(self, kid: str | None) -> Key | None:
        """The key with an id; without an id the only key. None if there is no such key, or it cannot be fetched."""
        if (key := self._cached(kid)) is not None:
            return key
        async with self._fetching:
            # The previous holder of the lock may have fetched it.
            if self._cached(kid) is None and self._clock() - self._tried_at >= FETCH_INTERVAL:
                await self._fetch()
        return self._cached(kid)

    def _cached(self, kid: str | None) -> Key | None:
        if self._clock() - self._fetched_at >= LIFESPAN:
            return None
        if kid is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.get("kid") == kid), None)

    async def _fetch(self) -> None:
        try:
            with anyio.fail_after(FETCH_TIMEOUT):
                self._keys = await _published_keys(self._issuer)
            self._fetched_at = self._clock()
        except ImportError:
            self._warn(missing_extra("A SOCKS proxy", "socks").message)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError) as error:
            self._warn(f"{type(error).__name__}: {error}".partition("\n")[0])
        # A cancelled fetch does not count: the next caller tries at once.
        self._tried_at = self._clock()

    def _warn(self, reason: str) -> None:
        logger.warning("cannot fetch signing keys from %s; refusing tokens that need them: %s", self._issuer, reason)


async def _published_keys(issuer: str) -> list[Key]:
    async with httpx2.AsyncClient(timeout=FETCH_TIMEOUT, trust_env=not is_loopback(issuer)) as client:
        document = await _issuer_document(client, issuer)
        if document.get("issuer") != issuer:
            raise ValueError(f"its document names the issuer {document.get('issuer')!r:.200}")
        url = document.get("jwks_uri")
        if not isinstance(url, str) or not _is_secure(url):
            raise ValueError("its document has no https address of keys")
        published = (await _get(client, url)).get("keys")
    keys = [key for key in published if _is_signing_key(key)] if isinstance(published, list) else []
    if not keys:
        raise ValueError("it publishes no key that can be used")
    return keys


async def _issuer_document(client: httpx2.AsyncClient, issuer: str) -> dict[str, Any]:
    parts = urlsplit(issuer)
    host, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    try:
        return await _get(client, f"{host}{path}/.well-known/openid-configuration")
    except httpx2.HTTPStatusError:
        # RFC 8414 puts the well-known part before the path of the issuer, OpenID after it.
        return await _get(client, f"{host}/.well-known/oauth-authorization-server{path}")


async def _get(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    async with client.stream("GET", url) as response:
        response.raise_for_status()
        # A document that is cut off here is no longer JSON.
        found = parse_json(await read_up_to(response.aiter_bytes(), MAX_DOCUMENT_BYTES))
    if not isinstance(found, dict):
        raise ValueError(f"{url} is not a JSON object")
    return found


def _is_secure(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)))


def _is_signing_key(key: Any) -> bool:
    if not isinstance(key, dict) or key.get("kty") not in KEY_TYPES or key.get("use") not in (None, "sig"):
        return False
    # Everyone can sign with a key that is published with its private half.
    return "d" not in key
