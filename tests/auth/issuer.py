"""An issuer of access tokens on a socket, and a clock, which a test controls."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.replay import Exchange, Replay

AUDIENCE = "https://grok.example.org/mcp"
OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def curve_key() -> ec.EllipticCurvePrivateKey:
    """A new key for ES256."""
    return ec.generate_private_key(ec.SECP256R1())


def jwk(key: PrivateKey, **fields: Any) -> dict[str, Any]:
    """The public half of a key, as an issuer publishes it."""
    algorithm: Any
    if isinstance(key, rsa.RSAPrivateKey):
        algorithm = jwt.algorithms.RSAAlgorithm
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        algorithm = jwt.algorithms.ECAlgorithm
    else:
        algorithm = jwt.algorithms.OKPAlgorithm
    published = algorithm.to_jwk(key.public_key(), as_dict=True)
    published.pop("alg", None)
    return {**published, **fields}


class Clock:
    """A clock that stands still until a test changes `now`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Issuer:
    """An issuer on a socket. A test may change its key, its published keys and its documents."""

    def __init__(self, replay: Replay, path: str = "") -> None:
        self.replay = replay
        self.url = replay.base_url + path
        self.key = curve_key()
        self.keys: Any = [jwk(self.key, kid="one")]
        self.document: Any = {"issuer": self.url, "jwks_uri": f"{replay.base_url}/keys"}
        self.document_path = f"{path.rstrip('/')}{OPENID}"
        replay.behave = self._behave

    @property
    def fetched(self) -> list[str]:
        """The paths that were fetched, in order."""
        return [request.path for request in self.replay.requests]

    def token(self, key: Any = None, *, algorithm: str = "ES256", kid: str | None = "one", **claims: Any) -> str:
        """A token that is valid for an hour, except for the claims given; a claim of None is left out."""
        headers = {} if kid is None else {"kid": kid}
        return jwt.encode(self.claims(**claims), self.key if key is None else key, algorithm, headers)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a valid token, with changes."""
        now = int(time.time())
        valid = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "exp": now + 3600, "scope": "grok read"}
        return {name: value for name, value in {**valid, **changes}.items() if value is not None}

    async def _behave(self, exchange: Exchange) -> None:
        path = exchange.request.path
        body = {"keys": self.keys} if path == "/keys" else self.document if path == self.document_path else None
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        status = b"404 Not Found" if body is None else b"200 OK"
        exchange.send(b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n" % (status, len(content)) + content)
