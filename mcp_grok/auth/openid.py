"""Access tokens of an OpenID or OAuth 2 issuer: JWTs that are checked with the keys it publishes."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import httpx2

from mcp_grok.address import is_loopback
from mcp_grok.errors import NotConfigured
from mcp_grok.upstream.sse import parse_json

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken

logger = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""How a token may be signed: never with a secret that is shared, since a key that is published would do for one."""

KEY_TYPES = ("RSA", "EC", "OKP")

LEEWAY = 30
"""Seconds that the issuer's clock and ours may differ."""

KEYS_LAST = 3600.0
"""Seconds after which keys are fetched again: one that is withdrawn opens nothing for longer than this."""

FETCH_INTERVAL = 30.0
"""Seconds between two fetches, so that tokens that are made up cannot have us hammer the issuer."""

FETCH_TIMEOUT = 10.0
"""Seconds that a fetch may take, all of it."""

Key = dict[str, Any]


class OidcVerifier:
    """Lets in whoever has an access token of an issuer for this server; a `TokenVerifier` of the MCP SDK.

    The issuer is found and its keys are fetched when the first token comes. Keys are fetched again after an hour,
    and for a token whose key is unknown, at most once in 30 seconds. Where the issuer does not answer, the log says
    so and nobody gets in whose token needs the fetch.

    Args:
        issuer: Its identifier, exactly as it stands in its documents and tokens: an https URL, or http on loopback.
        audience: What a token must be for, in its `aud`.
        scopes: What a token must all have. Where the SDK's `required_scopes` asks for them, leave them out here: it
            answers 403 to a token that lacks one, and a token that is refused here gets 401.
        clock: Seconds that never go back.

    Raises:
        NotConfigured: the issuer cannot be one, or there is no audience.
    """

    def __init__(
        self, issuer: str, audience: str, scopes: Sequence[str] = (), *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not _can_be_issuer(issuer):
            # A URL with a password in it is one of those that are refused, so it is not repeated.
            raise NotConfigured(
                "The issuer of tokens must be an https URL (http only on this machine) without user, query or fragment."
            )
        if not audience:
            raise NotConfigured("Say which audience a token must be for; else one for any other service would do.")
        self.issuer = issuer
        self.audience = audience
        self.scopes = tuple(scopes)
        self._clock = clock
        self._fetching = anyio.Lock()
        self._keys: list[Key] = []
        self._keys_from = -math.inf
        self._tried_at = -math.inf

    async def verify_token(self, token: str) -> "AccessToken | None":
        """Who has the token, and what for; None where it is not valid, or nobody can say."""
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                return None
            key = await self._key(header.get("kid"))
            return self._access(token, self._claims(token, header["alg"], key)) if key else None
        except (jwt.PyJWTError, ValueError):
            return None

    def _claims(self, token: str, algorithm: str, key: Key) -> dict[str, Any]:
        import jwt

        # Most keys say what they sign with. One that does not signs with whatever suits its kind.
        verifying = jwt.PyJWK(key, key.get("alg") or algorithm)
        return jwt.decode(
            token,
            verifying,
            algorithms=ALGORITHMS,
            audience=self.audience,
            issuer=self.issuer,
            leeway=LEEWAY,
            options={"require": ["exp", "sub"], "enforce_minimum_key_length": True},
        )

    def _access(self, token: str, claims: dict[str, Any]) -> "AccessToken | None":
        from mcp.server.auth.provider import AccessToken

        scopes = _words(claims.get("scope")) or _words(claims.get("scp"))
        if not _is_name(claims["sub"]) or not set(self.scopes) <= set(scopes):
            return None
        clients = (claims.get("azp"), claims.get("client_id"), claims["sub"])
        return AccessToken(
            token=token,
            client_id=next(filter(_is_name, clients)),
            scopes=scopes,
            expires_at=int(claims["exp"]),
            resource=self.audience,
            subject=claims["sub"],
            claims={"iss": self.issuer},
        )

    async def _key(self, kid: str | None) -> Key | None:
        if (key := self._known(kid)) is not None:
            return key
        async with self._fetching:
            # Whoever held the lock may have fetched it.
            if self._known(kid) is None and self._clock() - self._tried_at >= FETCH_INTERVAL:
                await self._fetch()
        return self._known(kid)

    def _known(self, kid: str | None) -> Key | None:
        if self._clock() - self._keys_from >= KEYS_LAST:
            return None
        if kid is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.get("kid") == kid), None)

    async def _fetch(self) -> None:
        try:
            with anyio.fail_after(FETCH_TIMEOUT):
                self._keys = await _published_keys(self.issuer)
            self._keys_from = self._clock()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError, ImportError) as error:
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            logger.warning(
                "the keys of %s cannot be had, and tokens that need them are refused: %s", self.issuer, reason
            )
        # Not where it was cancelled: that says nothing about the issuer, and others wait for the keys.
        self._tried_at = self._clock()


def _can_be_issuer(issuer: str) -> bool:
    try:
        parts = urlsplit(issuer)
        return _is_private(issuer) and not ("@" in parts.netloc or "?" in issuer or "#" in issuer)
    except ValueError:
        return False


def _is_private(url: str) -> bool:
    """Whether nobody on the way can change what is got from there."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)))


async def _published_keys(issuer: str) -> list[Key]:
    async with httpx2.AsyncClient(timeout=FETCH_TIMEOUT, trust_env=not is_loopback(issuer)) as client:
        document = await _document(client, issuer)
        published = (await _get(client, _address_of_keys(document, issuer))).get("keys")
    keys = [key for key in published if _is_for_signatures(key)] if isinstance(published, list) else []
    if not keys:
        raise ValueError("it publishes no key that can be used")
    return keys


def _address_of_keys(document: dict[str, Any], issuer: str) -> str:
    if document.get("issuer") != issuer:
        raise ValueError(f"its document is that of {document.get('issuer')!r}")
    url = document.get("jwks_uri")
    if not isinstance(url, str) or not _is_private(url):
        raise ValueError("its document has no https address of keys")
    return url


async def _document(client: httpx2.AsyncClient, issuer: str) -> dict[str, Any]:
    parts = urlsplit(issuer)
    host, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    try:
        return await _get(client, f"{host}{path}/.well-known/openid-configuration")
    except httpx2.HTTPStatusError:
        # RFC 8414 puts it before the path, where OpenID puts it behind.
        return await _get(client, f"{host}/.well-known/oauth-authorization-server{path}")


async def _get(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    response = await client.get(url)
    response.raise_for_status()
    found = parse_json(response.content)
    if not isinstance(found, dict):
        raise ValueError(f"{url} is not a JSON object")
    return found


def _is_for_signatures(key: Any) -> bool:
    if not isinstance(key, dict) or key.get("kty") not in KEY_TYPES or key.get("use") not in (None, "sig"):
        return False
    # What is signed with a key whose private half is there to read proves nothing.
    return "d" not in key


def _is_name(value: Any) -> bool:
    """Whether it can name somebody, in a log as well."""
    return isinstance(value, str) and value != "" and value.isprintable()


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []
