"""Access tokens of an OpenID or OAuth 2 provider: JWTs that PyJWT verifies."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mcp_grok.address import check_base_url
from mcp_grok.auth.signing_keys import Key, SigningKeys
from mcp_grok.errors import NotConfigured

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""How a token may be signed. HMAC is not among them: its secret would be a key that everyone can read."""

LEEWAY = 30
"""Seconds by which the issuer's clock may differ from ours."""


class OidcVerifier:
    """Accepts access tokens that an issuer made for this server; a `TokenVerifier` of the MCP SDK.

    Args:
        issuer: Its identifier, exactly as in its documents and tokens: an https URL, or http on loopback.
        audience: What `aud` of a token must name.
        scopes: The scopes that a token must have.
        clock: A monotonic clock, in seconds.

    Raises:
        NotConfigured: the issuer's URL cannot be used, or the audience is empty.
    """

    def __init__(
        self, issuer: str, audience: str, scopes: Sequence[str] = (), *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        try:
            check_base_url(issuer, any_http=False, query=False)
        except ValueError:
            raise NotConfigured(
                "The issuer of tokens must be an https URL (http only on this machine) without user, query or fragment."
            ) from None
        if not audience:
            raise NotConfigured("Set the audience of tokens: without it, tokens for any other service would do.")
        self.issuer = issuer
        self.audience = audience
        self.scopes = tuple(scopes)
        self._keys = SigningKeys(issuer, clock)

    async def verify_token(self, token: str) -> "AccessToken | None":
        """The subject, scopes and expiry of a token; None if it is not valid or its key cannot be fetched."""
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                return None
            key = await self._keys.find(header.get("kid"))
            return self._access(token, self._claims(token, header["alg"], key)) if key else None
        except (jwt.PyJWTError, ValueError):
            return None

    def _claims(self, token: str, algorithm: str, key: Key) -> dict[str, Any]:
        import jwt

        return jwt.decode(
            token,
            # A key without `alg` may be used with every algorithm of its type.
            jwt.PyJWK(key, key.get("alg") or algorithm),
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


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable()


def _words(value: Any) -> list[str]:
    """The scopes of a claim: words in one string (RFC 9068), or a list (Azure, Okta)."""
    if isinstance(value, str):
        return value.split()
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []
