"""The keys that an issuer publishes: when they are fetched, and from where."""

import logging
from typing import Any

import anyio
import pytest

from mcp_grok.auth.signing_keys import MAX_DOCUMENT_BYTES, SigningKeys
from tests.auth.issuer import OAUTH, OPENID, Clock, Issuer, curve_key, jwk
from tests.replay import Exchange, Replay


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> SigningKeys:
    """The keys of the issuer."""
    return SigningKeys(issuer.url, clock)


def logged(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What our own loggers wrote; asyncio logs the connections that a stopped server cuts."""
    return [record for record in caplog.records if record.name.startswith("mcp_grok")]


async def test_one_fetch_for_many_tokens_at_once(issuer: Issuer, keys: SigningKeys) -> None:
    assert issuer.fetched == []
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(keys.find, "one")
    assert await keys.find("one") == issuer.keys[0]
    assert issuer.fetched == [OPENID, "/keys"]


async def test_token_without_a_key_id(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    del issuer.keys[0]["kid"]
    assert await keys.find(None) == issuer.keys[0]
    issuer.keys.append(jwk(curve_key(), kid="two"))
    clock.now += 3600
    assert await keys.find(None) is None


async def test_key_rotation(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    assert await keys.find("one")
    issuer.keys = [jwk(curve_key(), kid="two")]
    assert await keys.find("two") is None
    clock.now += 30
    assert await keys.find("two")
    assert await keys.find("one") is None
    assert issuer.fetched == [OPENID, "/keys"] * 2


async def test_unknown_key_ids_fetch_once_in_30_seconds(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(keys.find, f"unknown-{number}")
    clock.now += 29.9
    assert await keys.find("unknown") is None
    assert issuer.fetched.count("/keys") == 1
    clock.now += 0.1
    assert await keys.find("unknown") is None
    assert issuer.fetched.count("/keys") == 2
    assert await keys.find("one")
    assert issuer.fetched.count("/keys") == 2


async def test_withdrawn_key_works_for_an_hour_at_most(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    assert await keys.find("one")
    issuer.keys = [jwk(curve_key(), kid="two")]
    clock.now += 3599
    assert await keys.find("one")
    assert issuer.fetched.count("/keys") == 1
    clock.now += 1
    assert await keys.find("one") is None
    assert issuer.fetched.count("/keys") == 2


async def test_issuer_that_is_down(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    async with Replay() as replay:
        issuer = Issuer(replay)
    keys = SigningKeys(issuer.url, clock)
    for _ in range(3):
        assert await keys.find("one") is None
    [record] = logged(caplog)
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(f"cannot fetch signing keys from {issuer.url}; refusing tokens")
    async with Replay(port=replay.port) as replay:
        replay.behave = issuer.replay.behave
        assert await keys.find("one") is None
        assert replay.requests == []
        clock.now += 30
        assert await keys.find("one")
    assert len(logged(caplog)) == 1


async def test_cached_keys_work_while_the_issuer_is_down(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    async with Replay() as replay:
        keys = SigningKeys(Issuer(replay).url, clock)
        assert await keys.find("one")
    clock.now += 60
    assert await keys.find("two") is None
    assert len(logged(caplog)) == 1
    assert await keys.find("one")


async def test_slow_fetch_delays_no_cached_key(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    assert await keys.find("one")
    clock.now += 60
    held = hold(issuer)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keys.find, "two")
        await held.wait()
        assert await keys.find("one")
        tasks.cancel_scope.cancel()


async def test_cancelled_fetch_does_not_count(issuer: Issuer, keys: SigningKeys) -> None:
    answering, held = issuer.replay.behave, hold(issuer)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keys.find, "one")
        await held.wait()
        tasks.cancel_scope.cancel()
    issuer.replay.behave = answering
    assert await keys.find("one")


def hold(issuer: Issuer) -> anyio.Event:
    """Makes the issuer accept requests and never respond; the event is set when the first request is there."""
    held = anyio.Event()

    async def behave(exchange: Exchange) -> None:
        held.set()
        await anyio.sleep_forever()

    issuer.replay.behave = behave
    return held


@pytest.mark.parametrize("path", ["", "/", "/realms/team", "/realms/team/"])
async def test_issuer_with_a_path(path: str, clock: Clock) -> None:
    async with Replay() as replay:
        issuer = Issuer(replay, path)
        assert await SigningKeys(issuer.url, clock).find("one")
        assert issuer.fetched == [path.rstrip("/") + OPENID, "/keys"]


@pytest.mark.parametrize("path", ["", "/realms/team"])
async def test_oauth_document(path: str, clock: Clock) -> None:
    async with Replay() as replay:
        issuer = Issuer(replay, path)
        issuer.document_path = OAUTH + path
        assert await SigningKeys(issuer.url, clock).find("one")
        assert issuer.fetched == [path + OPENID, OAUTH + path, "/keys"]


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://other.example"},
        {"issuer": "x" * 100_000},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": 7},
        {"jwks_uri": "http://keys.example.org/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://[::1"},
        {"jwks_uri": "https://"},
    ],
    ids=lambda changes: str(changes)[:40],
)
async def test_document_of_another_issuer_or_unsafe_address_of_keys(
    issuer: Issuer, keys: SigningKeys, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    issuer.document = {**issuer.document, **changes}
    assert await keys.find("one") is None
    assert issuer.fetched == [OPENID]
    [record] = logged(caplog)
    assert len(record.getMessage()) < 500


@pytest.mark.parametrize(
    "document", [b"", b"<html>", b"[]", b"\xff", b"[" * 100_000, None], ids=lambda it: repr(it)[:9]
)
async def test_document_that_is_not_json(
    issuer: Issuer, keys: SigningKeys, document: object, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.document = document
    assert await keys.find("one") is None
    [record] = logged(caplog)
    assert "\n" not in record.getMessage()


async def test_document_over_the_limit(issuer: Issuer, keys: SigningKeys, caplog: pytest.LogCaptureFixture) -> None:
    issuer.document["more"] = "x" * MAX_DOCUMENT_BYTES
    assert await keys.find("one") is None
    assert len(logged(caplog)) == 1


async def test_redirect_is_not_followed(issuer: Issuer, keys: SigningKeys) -> None:
    async def redirect(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")

    issuer.replay.behave = redirect
    assert await keys.find("one") is None
    assert issuer.fetched == [OPENID, OAUTH]


@pytest.mark.parametrize("published", [[], None, 7, {}, ["one"], [{"kty": "oct", "k": "AA", "kid": "one"}]], ids=str)
async def test_no_usable_key(
    issuer: Issuer, keys: SigningKeys, published: object, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.keys = published
    assert await keys.find("one") is None
    assert "publishes no key" in caplog.text
