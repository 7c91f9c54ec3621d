"""Access tokens of an issuer: which are accepted, and what they say about the caller."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mcp.server.auth.provider import AccessToken

from mcp_grok.auth.openid import OidcVerifier
from mcp_grok.errors import NotConfigured
from tests.auth.issuer import AUDIENCE, Issuer, PrivateKey, curve_key, jwk
from tests.openid_provider import sign_in


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key, made once because that takes long."""
    return rsa.generate_private_key(65537, bits)


@pytest.fixture
def verifier(issuer: Issuer) -> OidcVerifier:
    """A verifier of the issuer's tokens."""
    return OidcVerifier(issuer.url, AUDIENCE)


async def access_to(verifier: OidcVerifier, token: str) -> AccessToken:
    """What a valid token says."""
    access = await verifier.verify_token(token)
    assert access is not None
    return access


async def test_token_of_a_real_provider(provider: str) -> None:
    tokens = await sign_in(provider, client="grok-app", user="alice@example.org")
    access = await access_to(OidcVerifier(provider, "grok-app"), tokens["id_token"])
    assert (access.subject, access.resource) == ("alice@example.org", "grok-app")
    assert access.claims == {"iss": provider}
    assert access.expires_at is not None
    assert abs(access.expires_at - time.time() - 3600) < 60


async def test_real_provider_other_audience_and_opaque_token(provider: str) -> None:
    tokens = await sign_in(provider, client="other-app", user="alice@example.org")
    verifier = OidcVerifier(provider, "grok-app")
    assert await verifier.verify_token(tokens["id_token"]) is None
    assert await verifier.verify_token(tokens["access_token"]) is None


async def test_real_provider_with_another_slash(provider: str, caplog: pytest.LogCaptureFixture) -> None:
    tokens = await sign_in(provider, client="grok-app", user="alice@example.org")
    assert await OidcVerifier(f"{provider}/", "grok-app").verify_token(tokens["id_token"]) is None
    assert f"names the issuer '{provider}'" in caplog.text


async def test_valid_token(issuer: Issuer, verifier: OidcVerifier) -> None:
    token = issuer.token(exp=4102444800, client_id="laptop")
    assert await verifier.verify_token(token) == AccessToken(
        token=token,
        client_id="laptop",
        scopes=["grok", "read"],
        expires_at=4102444800,
        resource=AUDIENCE,
        subject="alice",
        claims={"iss": issuer.url},
    )


@pytest.mark.parametrize(
    ("claims", "client"),
    [
        ({"azp": "app", "client_id": "other"}, "app"),
        ({"client_id": "other"}, "other"),
        ({"azp": 7, "client_id": ""}, "alice"),
        ({"azp": "a\nb", "client_id": "other"}, "other"),
        ({}, "alice"),
    ],
)
async def test_client_of_a_token(issuer: Issuer, verifier: OidcVerifier, claims: dict[str, Any], client: str) -> None:
    assert (await access_to(verifier, issuer.token(**claims))).client_id == client


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "a b"}, ["a", "b"]),
        ({"scope": None, "scp": "a b"}, ["a", "b"]),
        ({"scope": None, "scp": ["a", 7, "b"]}, ["a", "b"]),
        ({"scope": "", "scp": ["a"]}, ["a"]),
        ({"scope": 7}, []),
        ({"scope": None}, []),
    ],
)
async def test_forms_of_scopes(
    issuer: Issuer, verifier: OidcVerifier, claims: dict[str, Any], scopes: list[str]
) -> None:
    assert (await access_to(verifier, issuer.token(**claims))).scopes == scopes


async def test_missing_scope_is_refused(issuer: Issuer) -> None:
    verifier = OidcVerifier(issuer.url, AUDIENCE, ["grok", "read"])
    assert (await access_to(verifier, issuer.token(scope="read other grok"))).subject == "alice"
    assert await verifier.verify_token(issuer.token(scope="grok")) is None
    assert await verifier.verify_token(issuer.token(scope="groks read")) is None


async def test_one_audience_of_several(issuer: Issuer, verifier: OidcVerifier) -> None:
    access = await access_to(verifier, issuer.token(aud=["https://other.example", AUDIENCE]))
    assert access.resource == AUDIENCE


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.example"},
        {"aud": None},
        {"iss": "https://other.example"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "alice\nroot"},
        {"exp": None},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": 1_700_000_000},
        {"nbf": 4102444800},
    ],
    ids=str,
)
async def test_wrong_or_missing_claim_is_refused(
    issuer: Issuer, verifier: OidcVerifier, claims: dict[str, Any]
) -> None:
    assert await verifier.verify_token(issuer.token(**claims)) is None


@pytest.mark.parametrize(("seconds", "valid"), [(-10, True), (-60, False)])
async def test_leeway(issuer: Issuer, verifier: OidcVerifier, seconds: int, valid: bool) -> None:
    access = await verifier.verify_token(issuer.token(exp=int(time.time()) + seconds))
    assert (access is not None) is valid


@pytest.mark.parametrize(
    ("algorithm", "make_key"),
    [
        ("RS512", rsa_key),
        ("PS256", rsa_key),
        ("ES384", lambda: ec.generate_private_key(ec.SECP384R1())),
        ("EdDSA", ed25519.Ed25519PrivateKey.generate),
    ],
)
@pytest.mark.parametrize("has_alg", [True, False])
async def test_asymmetric_algorithms(
    issuer: Issuer, verifier: OidcVerifier, algorithm: str, make_key: Callable[[], PrivateKey], has_alg: bool
) -> None:
    key = make_key()
    issuer.keys = [jwk(key, kid="one", **({"alg": algorithm} if has_alg else {}))]
    assert (await access_to(verifier, issuer.token(key, algorithm=algorithm))).subject == "alice"


async def test_key_with_alg_verifies_no_other(issuer: Issuer, verifier: OidcVerifier) -> None:
    issuer.keys = [jwk(rsa_key(), kid="one", alg="RS256")]
    assert await verifier.verify_token(issuer.token(rsa_key(), algorithm="PS256")) is None
    assert await verifier.verify_token(issuer.token(rsa_key(), algorithm="RS256")) is not None


async def test_another_key_is_refused(issuer: Issuer, verifier: OidcVerifier) -> None:
    assert await verifier.verify_token(issuer.token(curve_key())) is None
    assert await verifier.verify_token(issuer.token(rsa_key(), algorithm="RS256")) is None


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256"])
async def test_unsigned_and_hmac_tokens_are_refused(issuer: Issuer, verifier: OidcVerifier, algorithm: str) -> None:
    issuer.keys = [jwk(rsa_key(), kid="one")]
    # A verifier that takes the public key for a secret accepts this signature.
    secret = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{encoded({'alg': algorithm, 'kid': 'one'})}.{encoded(issuer.claims())}"
    signature = base64url(hmac.new(secret, signed.encode(), hashlib.sha256).digest()) if algorithm == "HS256" else ""
    assert await verifier.verify_token(f"{signed}.{signature}") is None
    assert issuer.fetched == []


async def test_published_keys_that_are_not_for_signatures(issuer: Issuer, verifier: OidcVerifier) -> None:
    encrypting, private, secret = curve_key(), curve_key(), b"s" * 32
    issuer.keys += [
        jwk(encrypting, kid="encrypting", use="enc"),
        {**jwt.algorithms.ECAlgorithm.to_jwk(private, as_dict=True), "kid": "private"},
        {"kty": "oct", "k": base64url(secret), "kid": "secret", "alg": "HS256"},
        *("text", None),
    ]
    assert await verifier.verify_token(issuer.token(encrypting, kid="encrypting")) is None
    assert await verifier.verify_token(issuer.token(private, kid="private")) is None
    assert await verifier.verify_token(issuer.token(secret, kid="secret", algorithm="HS256")) is None
    assert await verifier.verify_token(issuer.token()) is not None


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_short_key_is_refused(issuer: Issuer, verifier: OidcVerifier) -> None:
    issuer.keys = [jwk(rsa_key(1024), kid="one")]
    assert await verifier.verify_token(issuer.token(rsa_key(1024), algorithm="RS256")) is None


def base64url(content: bytes) -> str:
    """Bytes as a part of a token."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def encoded(value: object) -> str:
    """A value as a part of a token."""
    return base64url(json.dumps(value).encode())


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "mcpgrok_" + "a" * 43,
        "\ud800.\ud800.\ud800",
        f"{encoded([])}.e30.AA",
        f"{encoded({})}.e30.AA",
        f"{encoded({'alg': ['ES256']})}.e30.AA",
        f"{encoded({'alg': 'ES256', 'kid': 7})}.e30.AA",
        f"{encoded({'alg': 'ES256', 'kid': ['one']})}.e30.AA",
        f"{base64url(b'[' * 40000)}.e30.AA",
        f"{encoded({'alg': 'ES256', 'kid': 'one'})}.{base64url(b'[' * 40000)}.{'A' * 86}",
    ],
    ids=lambda token: ascii(token[:40]),
)
async def test_text_that_is_not_a_token_is_refused(issuer: Issuer, verifier: OidcVerifier, token: str) -> None:
    assert await verifier.verify_token(token) is None
    assert await verifier.verify_token(issuer.token()) is not None


async def test_log_without_the_token(verifier: OidcVerifier, issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    issuer.document = b"down"
    token = issuer.token()
    assert await verifier.verify_token(token) is None
    assert issuer.url in caplog.text
    assert token not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "login.example.org",
        "http://login.example.org",
        "http://127.0.0.1.example.org",
        "ftp://127.0.0.1",
        "https://",
        "https://[::1",
        "https://user:pass@login.example.org",
        "https://login.example.org/?tenant=a",
        "https://login.example.org/#a",
    ],
)
def test_unsafe_issuer_is_refused(url: str) -> None:
    with pytest.raises(NotConfigured, match="https URL") as caught:
        OidcVerifier(url, AUDIENCE)
    assert "pass@" not in caught.value.message


@pytest.mark.parametrize("url", ["https://login.example.org/tenant", "http://localhost:8080", "http://[::1]:8080"])
def test_safe_issuer(url: str) -> None:
    assert OidcVerifier(url, AUDIENCE).issuer == url


def test_audience_is_required() -> None:
    with pytest.raises(NotConfigured, match="audience"):
        OidcVerifier("https://login.example.org", "")
