"""Access tokens of an issuer: a real provider, and one of our own for what no real one does."""

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import anyio
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mcp.server.auth.provider import AccessToken

from mcp_grok.auth.openid import OidcVerifier
from mcp_grok.errors import NotConfigured
from tests.openid_provider import sign_in
from tests.replay import Exchange, Replay

AUDIENCE = "https://grok.example.org/mcp"
OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key that takes long to make."""
    return rsa.generate_private_key(65537, bits)


def curve_key() -> ec.EllipticCurvePrivateKey:
    """A new key."""
    return ec.generate_private_key(ec.SECP256R1())


def jwk(key: PrivateKey, **fields: Any) -> dict[str, Any]:
    """A key as an issuer publishes it."""
    algorithm: Any
    if isinstance(key, rsa.RSAPrivateKey):
        algorithm = jwt.algorithms.RSAAlgorithm
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        algorithm = jwt.algorithms.ECAlgorithm
    else:
        algorithm = jwt.algorithms.OKPAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), **fields}


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Issuer:
    """An issuer on a socket: its documents, its keys, and tokens of it."""

    def __init__(self, replay: Replay, path: str = "") -> None:
        self.replay = replay
        self.url = replay.base_url + path
        self.key = curve_key()
        self.keys: Any = [jwk(self.key, kid="one")]
        self.document: Any = {"issuer": self.url, "jwks_uri": f"{replay.base_url}/keys"}
        self.documents = {f"{path.rstrip('/')}{OPENID}"}
        replay.behave = self._behave

    @property
    def asked(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [request.path for request in self.replay.requests]

    def token(self, key: Any = None, *, algorithm: str = "ES256", kid: str | None = "one", **claims: Any) -> str:
        """A token, good for an hour where nothing else is said; a claim of None is left out."""
        return jwt.encode(
            self.claims(**claims), key or self.key, algorithm=algorithm, headers={} if kid is None else {"kid": kid}
        )

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good token, with some of them changed."""
        now = int(time.time())
        good = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "exp": now + 3600, "iat": now, "scope": "grok read"}
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    async def _behave(self, exchange: Exchange) -> None:
        path = exchange.request.path
        body = {"keys": self.keys} if path == "/keys" else self.document if path in self.documents else None
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        status = b"404 Not Found" if body is None else b"200 OK"
        exchange.send(b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n" % (status, len(content)) + content)


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """An issuer that one can do anything with."""
    async with Replay() as replay:
        yield Issuer(replay)


@pytest.fixture
def clock() -> Clock:
    """The verifier's clock."""
    return Clock()


@pytest.fixture
def verifier(issuer: Issuer, clock: Clock) -> OidcVerifier:
    """A verifier of the issuer's tokens."""
    return OidcVerifier(issuer.url, AUDIENCE, clock=clock)


async def access_to(verifier: OidcVerifier, token: str) -> AccessToken:
    """What a token that must be valid gives access to."""
    access = await verifier.verify_token(token)
    assert access is not None
    return access


def told(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What our own log says; asyncio tells of connections that a server that is stopped cuts."""
    return [record for record in caplog.records if record.name.startswith("mcp_grok")]


async def test_a_real_providers_token_lets_its_user_in(provider: str) -> None:
    tokens = await sign_in(provider, client="grok-app", user="alice@example.org")
    access = await access_to(OidcVerifier(provider, "grok-app"), tokens["id_token"])
    assert (access.subject, access.resource) == ("alice@example.org", "grok-app")
    assert access.claims == {"iss": provider}
    assert access.expires_at is not None
    assert abs(access.expires_at - time.time() - 3600) < 60


async def test_a_real_providers_token_for_somebody_else_lets_nobody_in(provider: str) -> None:
    tokens = await sign_in(provider, client="other-app", user="alice@example.org")
    verifier = OidcVerifier(provider, "grok-app")
    assert await verifier.verify_token(tokens["id_token"]) is None
    # Its access tokens are no JWTs.
    assert await verifier.verify_token(tokens["access_token"]) is None


async def test_a_real_providers_other_name_is_another_issuer(provider: str, caplog: pytest.LogCaptureFixture) -> None:
    tokens = await sign_in(provider, client="grok-app", user="alice@example.org")
    assert await OidcVerifier(f"{provider}/", "grok-app").verify_token(tokens["id_token"]) is None
    assert provider in caplog.text


async def test_a_valid_token_says_who_has_it_and_for_how_long(issuer: Issuer, verifier: OidcVerifier) -> None:
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
async def test_the_client_is_whom_the_token_names_or_its_subject(
    issuer: Issuer, verifier: OidcVerifier, claims: dict[str, Any], client: str
) -> None:
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
async def test_scopes_come_in_every_form_that_issuers_use(
    issuer: Issuer, verifier: OidcVerifier, claims: dict[str, Any], scopes: list[str]
) -> None:
    assert (await access_to(verifier, issuer.token(**claims))).scopes == scopes


async def test_a_token_that_lacks_a_scope_is_refused(issuer: Issuer) -> None:
    verifier = OidcVerifier(issuer.url, AUDIENCE, ["grok", "read"])
    assert (await access_to(verifier, issuer.token(scope="read other grok"))).subject == "alice"
    assert await verifier.verify_token(issuer.token(scope="grok")) is None
    assert await verifier.verify_token(issuer.token(scope="groks read")) is None


async def test_one_audience_of_several_is_enough(issuer: Issuer, verifier: OidcVerifier) -> None:
    access = await access_to(verifier, issuer.token(aud=["https://other.example", AUDIENCE]))
    assert access.resource == AUDIENCE


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.example"},
        {"aud": AUDIENCE + "/"},
        {"aud": [AUDIENCE, 7]},
        {"aud": {"a": AUDIENCE}},
        {"aud": None},
        {"iss": "https://other.example"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "\ud800"},
        {"sub": "alice\nroot"},
        {"exp": None},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": [1]},
        {"exp": 1_700_000_000},
        {"nbf": 4102444800},
        {"iat": 4102444800},
        {"nbf": "soon"},
        {"jti": 7},
    ],
    ids=str,
)
async def test_a_claim_that_is_wrong_or_missing_is_refused(
    issuer: Issuer, verifier: OidcVerifier, claims: dict[str, Any]
) -> None:
    assert await verifier.verify_token(issuer.token(**claims)) is None


@pytest.mark.parametrize("sub", [7, ["alice"], {"a": "alice"}])
async def test_a_subject_that_is_no_text_is_refused(issuer: Issuer, verifier: OidcVerifier, sub: object) -> None:
    assert await verifier.verify_token(issuer.token(sub=sub)) is None


@pytest.mark.parametrize(("seconds", "valid"), [(-10, True), (-60, False)])
async def test_an_expired_token_is_refused_after_the_leeway(
    issuer: Issuer, verifier: OidcVerifier, seconds: int, valid: bool
) -> None:
    access = await verifier.verify_token(issuer.token(exp=int(time.time()) + seconds))
    assert (access is not None) is valid


@pytest.mark.parametrize("claim", ["nbf", "iat"])
@pytest.mark.parametrize(("seconds", "valid"), [(10, True), (60, False)])
async def test_a_token_of_the_future_is_refused_before_the_leeway(
    issuer: Issuer, verifier: OidcVerifier, claim: str, seconds: int, valid: bool
) -> None:
    claims: dict[str, Any] = {claim: int(time.time()) + seconds}
    access = await verifier.verify_token(issuer.token(**claims))
    assert (access is not None) is valid


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        *((name, rsa_key) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
        ("ES256", curve_key),
        ("ES384", lambda: ec.generate_private_key(ec.SECP384R1())),
        ("ES512", lambda: ec.generate_private_key(ec.SECP521R1())),
        ("EdDSA", ed25519.Ed25519PrivateKey.generate),
    ],
)
@pytest.mark.parametrize("named", [True, False])
async def test_every_asymmetric_algorithm_will_do(
    issuer: Issuer, verifier: OidcVerifier, algorithm: str, key: Any, named: bool
) -> None:
    signing = key()
    published = jwk(signing, kid="one")
    published.pop("alg", None)
    issuer.keys = [{**published, "alg": algorithm} if named else published]
    assert (await access_to(verifier, issuer.token(signing, algorithm=algorithm))).subject == "alice"


async def test_a_key_that_names_its_algorithm_signs_with_no_other(issuer: Issuer, verifier: OidcVerifier) -> None:
    issuer.keys = [jwk(rsa_key(), kid="one", alg="RS256")]
    assert await verifier.verify_token(issuer.token(rsa_key(), algorithm="PS256")) is None
    assert await verifier.verify_token(issuer.token(rsa_key(), algorithm="RS256")) is not None


async def test_another_key_under_the_same_name_is_refused(issuer: Issuer, verifier: OidcVerifier) -> None:
    assert await verifier.verify_token(issuer.token(curve_key())) is None
    assert await verifier.verify_token(issuer.token(rsa_key(), algorithm="RS256")) is None


async def test_a_changed_token_is_refused(issuer: Issuer, verifier: OidcVerifier) -> None:
    head, _, signature = issuer.token().split(".")
    _, body, _ = issuer.token(sub="root").split(".")
    assert await verifier.verify_token(f"{head}.{body}.{signature}") is None


async def test_a_token_signed_with_nothing_is_refused(issuer: Issuer, verifier: OidcVerifier) -> None:
    unsigned = jwt.encode(issuer.claims(), "", algorithm="none", headers={"kid": "one"})
    assert await verifier.verify_token(unsigned) is None
    head, body, _ = issuer.token().split(".")
    assert await verifier.verify_token(f"{head}.{body}.") is None
    assert await verifier.verify_token(f"{encoded({'alg': 'None', 'kid': 'one'})}.{body}.") is None


@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(
    issuer: Issuer, verifier: OidcVerifier, form: str
) -> None:
    public = rsa_key().public_key()
    issuer.keys = [jwk(rsa_key(), kid="one")]
    secrets = {
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(issuer.keys[0]).encode(),
    }
    signed = f"{encoded({'alg': 'HS256', 'kid': 'one'})}.{encoded(issuer.claims())}"
    signature = hmac.new(secrets[form], signed.encode(), hashlib.sha256).digest()
    assert await verifier.verify_token(f"{signed}.{base64url(signature)}") is None


async def test_a_secret_that_an_issuer_publishes_is_no_key(issuer: Issuer, verifier: OidcVerifier) -> None:
    secret = b"s" * 32
    issuer.keys.append({"kty": "oct", "k": base64url(secret), "kid": "two", "alg": "HS256"})
    assert await verifier.verify_token(issuer.token(secret, algorithm="HS256", kid="two")) is None
    assert await verifier.verify_token(issuer.token()) is not None


async def test_a_key_that_is_for_encryption_or_known_to_all_is_none(issuer: Issuer, verifier: OidcVerifier) -> None:
    encrypting, private = curve_key(), curve_key()
    private_jwk = jwt.algorithms.ECAlgorithm.to_jwk(private, as_dict=True)
    issuer.keys += [jwk(encrypting, kid="two", use="enc"), {**private_jwk, "kid": "three"}, "four", None]
    assert await verifier.verify_token(issuer.token(encrypting, kid="two")) is None
    assert await verifier.verify_token(issuer.token(private, kid="three")) is None
    assert await verifier.verify_token(issuer.token()) is not None


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_a_key_that_is_too_short_is_none(issuer: Issuer, verifier: OidcVerifier) -> None:
    issuer.keys = [jwk(rsa_key(1024), kid="one")]
    assert await verifier.verify_token(issuer.token(rsa_key(1024), algorithm="RS256")) is None


async def test_a_token_that_names_no_key_is_checked_with_the_only_one(issuer: Issuer, verifier: OidcVerifier) -> None:
    del issuer.keys[0]["kid"]
    assert await verifier.verify_token(issuer.token(kid=None)) is not None


async def test_a_token_that_names_none_of_several_keys_is_refused(issuer: Issuer, verifier: OidcVerifier) -> None:
    issuer.keys.append(jwk(curve_key(), kid="two"))
    assert await verifier.verify_token(issuer.token(kid=None)) is None


def base64url(content: bytes) -> str:
    """Bytes as a part of a token."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def encoded(value: object) -> str:
    """A value as a part of a token."""
    return base64url(json.dumps(value).encode())


HEAD = encoded({"alg": "ES256", "kid": "one"})


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "....",
        "a.b.c",
        "Bearer",
        "mcpgrok_" + "a" * 43,
        "ü.ü.ü",
        "\ud800.\ud800.\ud800",
        "\0",
        f"{encoded([])}.e30.AA",
        f"{encoded('ES256')}.e30.AA",
        f"{encoded({})}.e30.AA",
        f"{encoded({'alg': None})}.e30.AA",
        f"{encoded({'alg': ['ES256']})}.e30.AA",
        f"{encoded({'alg': {'ES256': 1}})}.e30.AA",
        f"{encoded({'alg': 'ES256', 'kid': 7})}.e30.AA",
        f"{encoded({'alg': 'ES256', 'kid': ['one']})}.e30.AA",
        f"{encoded({'alg': 'ES256', 'kid': None})}.e30.AA",
        f"{encoded({'alg': 'ES256', 'kid': 'one', 'crit': ['exp'], 'exp': 1})}.e30.AA",
        f"{encoded({'alg': 'ES256', 'kid': 'one', 'crit': ['b64'], 'b64': False})}..AA",
        f"{base64url(b'[' * 40000)}.e30.AA",
        f"{base64url(b'{')}.e30.AA",
        f"{base64url(bytes(range(128, 256)))}.e30.AA",
        f"{HEAD}.e30.",
        f"{HEAD}.e30.AA",
        f"{HEAD}.{encoded([])}.{'A' * 86}",
        f"{HEAD}.{base64url(b'[' * 40000)}.{'A' * 86}",
    ],
    ids=lambda token: ascii(token[:40]),
)
async def test_what_is_no_token_is_refused(issuer: Issuer, verifier: OidcVerifier, token: str) -> None:
    assert await verifier.verify_token(token) is None
    assert await verifier.verify_token(issuer.token()) is not None


@pytest.mark.parametrize("claims", [b"[]", b"7", b"{", b"\xff", b"[" * 40000], ids=str)
async def test_a_signature_makes_no_token_of_what_is_none(
    issuer: Issuer, verifier: OidcVerifier, claims: bytes
) -> None:
    token = jwt.api_jws.encode(claims, issuer.key, algorithm="ES256", headers={"kid": "one"})
    assert await verifier.verify_token(token) is None


async def test_nothing_is_fetched_before_a_token_comes_nor_for_one_that_cannot_be_valid(
    issuer: Issuer, verifier: OidcVerifier
) -> None:
    await verifier.verify_token("garbage")
    await verifier.verify_token(issuer.token("s" * 32, algorithm="HS256"))
    assert issuer.asked == []


async def test_the_keys_are_fetched_once_for_many_tokens_at_once(issuer: Issuer, verifier: OidcVerifier) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(access_to, verifier, issuer.token(sub=f"user-{number}"))
    assert issuer.asked == [OPENID, "/keys"]


async def test_a_key_that_is_new_is_found(issuer: Issuer, verifier: OidcVerifier, clock: Clock) -> None:
    await access_to(verifier, issuer.token())
    old, issuer.key = issuer.key, curve_key()
    issuer.keys = [jwk(issuer.key, kid="two")]
    assert await verifier.verify_token(issuer.token(kid="two")) is None
    clock.now += 30
    await access_to(verifier, issuer.token(kid="two"))
    assert await verifier.verify_token(issuer.token(old)) is None
    assert issuer.asked == [OPENID, "/keys"] * 2


async def test_tokens_with_keys_made_up_fetch_at_most_once_in_30_seconds(
    issuer: Issuer, verifier: OidcVerifier, clock: Clock
) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(verifier.verify_token, issuer.token(kid=f"made-up-{number}"))
    clock.now += 29.9
    assert await verifier.verify_token(issuer.token(kid="made-up")) is None
    assert issuer.asked.count("/keys") == 1
    clock.now += 0.1
    assert await verifier.verify_token(issuer.token(kid="made-up")) is None
    assert issuer.asked.count("/keys") == 2
    await access_to(verifier, issuer.token())
    assert issuer.asked.count("/keys") == 2


async def test_a_key_that_is_withdrawn_opens_nothing_after_an_hour(
    issuer: Issuer, verifier: OidcVerifier, clock: Clock
) -> None:
    await access_to(verifier, issuer.token())
    issuer.keys = [jwk(curve_key(), kid="two")]
    clock.now += 3599
    await access_to(verifier, issuer.token())
    assert issuer.asked.count("/keys") == 1
    clock.now += 1
    assert await verifier.verify_token(issuer.token()) is None
    assert issuer.asked.count("/keys") == 2


async def test_an_issuer_that_is_down_is_told_once_and_asked_again_after_30_seconds(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async with Replay() as replay:
        issuer = Issuer(replay)
    verifier = OidcVerifier(issuer.url, AUDIENCE, clock=clock)
    token = issuer.token()
    for _ in range(3):
        assert await verifier.verify_token(token) is None
    [record] = told(caplog)
    assert record.levelname == "WARNING"
    assert issuer.url in record.getMessage()
    assert token not in caplog.text
    async with Replay(port=replay.port) as replay:
        replay.behave = issuer.replay.behave
        assert await verifier.verify_token(token) is None
        assert replay.requests == []
        clock.now += 30
        await access_to(verifier, token)
    assert len(told(caplog)) == 1


async def test_keys_that_are_known_open_while_the_issuer_is_down(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async with Replay() as replay:
        issuer = Issuer(replay)
        verifier = OidcVerifier(issuer.url, AUDIENCE, clock=clock)
        await access_to(verifier, issuer.token())
    clock.now += 60
    assert await verifier.verify_token(issuer.token(kid="two")) is None
    assert len(told(caplog)) == 1
    await access_to(verifier, issuer.token())


async def test_a_caller_that_goes_away_while_keys_are_fetched_takes_them_from_nobody(
    issuer: Issuer, verifier: OidcVerifier
) -> None:
    answering, held = issuer.replay.behave, anyio.Event()

    async def hold(exchange: Exchange) -> None:
        held.set()
        await anyio.sleep_forever()

    issuer.replay.behave = hold
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(verifier.verify_token, issuer.token())
        await held.wait()
        tasks.cancel_scope.cancel()
    issuer.replay.behave = answering
    await access_to(verifier, issuer.token())


@pytest.mark.parametrize("path", ["", "/", "/realms/team", "/realms/team/"])
async def test_an_issuer_may_have_a_path_and_a_slash_at_its_end(path: str) -> None:
    async with Replay() as replay:
        issuer = Issuer(replay, path)
        assert (await access_to(OidcVerifier(issuer.url, AUDIENCE), issuer.token())).claims == {"iss": issuer.url}
        assert issuer.asked == [path.rstrip("/") + OPENID, "/keys"]


@pytest.mark.parametrize("path", ["", "/realms/team"])
async def test_an_issuer_without_an_openid_document_is_found_by_its_oauth_document(path: str) -> None:
    async with Replay() as replay:
        issuer = Issuer(replay, path)
        issuer.documents = {OAUTH + path}
        await access_to(OidcVerifier(issuer.url, AUDIENCE), issuer.token())
        assert issuer.asked == [path + OPENID, OAUTH + path, "/keys"]


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://other.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": 7},
        {"jwks_uri": "http://keys.example.org/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://[::1"},
        {"jwks_uri": "https://"},
    ],
    ids=str,
)
async def test_a_document_that_is_another_issuers_or_names_no_safe_keys_is_refused(
    issuer: Issuer, verifier: OidcVerifier, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    issuer.document = {**issuer.document, **changes}
    assert await verifier.verify_token(issuer.token()) is None
    assert issuer.asked == [OPENID]
    assert len(told(caplog)) == 1


@pytest.mark.parametrize(
    "document", [b"", b"<html>", b"[]", b"\xff", b"[" * 100_000, None], ids=lambda it: repr(it)[:9]
)
async def test_what_is_no_document_is_refused(
    issuer: Issuer, verifier: OidcVerifier, document: object, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.document = document
    assert await verifier.verify_token(issuer.token()) is None
    [record] = told(caplog)
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize("keys", [[], None, 7, {}, ["one"], [{"kty": "oct", "k": "AA", "kid": "one"}]], ids=str)
async def test_keys_that_are_none_are_told(
    issuer: Issuer, verifier: OidcVerifier, keys: object, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.keys = keys
    assert await verifier.verify_token(issuer.token()) is None
    assert "publishes no key" in caplog.text


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
def test_an_issuer_that_others_could_stand_in_for_is_refused(url: str) -> None:
    with pytest.raises(NotConfigured, match="https URL"):
        OidcVerifier(url, AUDIENCE)


@pytest.mark.parametrize("url", ["https://login.example.org/tenant", "http://localhost:8080", "http://[::1]:8080"])
def test_an_issuer_over_https_or_on_this_machine_will_do(url: str) -> None:
    assert OidcVerifier(url, AUDIENCE).issuer == url


def test_without_an_audience_every_token_would_do_so_there_must_be_one() -> None:
    with pytest.raises(NotConfigured, match="audience"):
        OidcVerifier("https://login.example.org", "")
