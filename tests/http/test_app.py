"""Authentication, keys and quotas of callers, by plain HTTP against server processes."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mcp_grok.auth.tokens import new_token, revoke
from tests.auth.issuer import AUDIENCE, Issuer
from tests.chat import CHAT, HELLO
from tests.conftest import KEY
from tests.http.requests import call, get, post, result_of
from tests.openid_provider import sign_in
from tests.process import modern_call, serving
from tests.replay import COMPLETION, Replay

FOREIGN = "mcpgrok_" + "A" * 43


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """The path of a token file that does not exist yet."""
    return tmp_path / "tokens"


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"authorization": f"Bearer {token}"}


async def test_transports_that_are_served(upstream: Replay) -> None:
    async with (
        serving(upstream, "http") as (url, _),
        httpx2.AsyncClient(trust_env=False) as client,
        client.stream("GET", url.replace("/mcp", "/sse")) as response,
    ):
        assert response.status_code == 200
    async with serving(upstream, "http", "--no-sse") as (url, _):
        assert (await get(url.replace("/mcp", "/sse"))).status_code == 404
    async with serving(upstream, "sse") as (url, _):
        assert (await post(url.replace("/sse", "/mcp"))).status_code == 404


async def test_request_without_a_valid_token_is_refused_on_every_route(upstream: Replay, tokens: Path) -> None:
    token, other = new_token(tokens, "ann"), new_token(tokens, "bob")
    async with serving(upstream, "http", "--token-file", str(tokens)) as (url, _):
        sse, messages = url.replace("/mcp", "/sse"), url.replace("/mcp", "/messages/?session_id=1")
        assert (await call(url, **bearer(token))) == COMPLETION
        revoke(tokens, "bob")
        for headers in ({}, bearer(FOREIGN), bearer(token[:-1]), bearer(other), bearer("x"), {"cookie": token}):
            for refused in (await post(url, **headers), await get(sse, **headers), await post(messages, **headers)):
                assert refused.status_code == 401
                assert refused.headers["www-authenticate"].startswith("Bearer ")
        # Every proxy would log a token in a URL.
        assert (await post(f"{url}?token={token}")).status_code == 401
        assert (await get(url.replace("/mcp", "/healthz"))).status_code == 200
    assert len(upstream.requests) == 1


async def test_token_of_a_caller_is_not_sent_upstream(upstream: Replay, tokens: Path) -> None:
    token = new_token(tokens, "ann")
    async with serving(upstream, "http", "--token-file", str(tokens)) as (url, _):
        await call(url, **bearer(token))
    [request] = upstream.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert token not in json.dumps(request.headers)


async def test_foreign_host_or_origin_is_refused_with_a_token_too(upstream: Replay, tokens: Path) -> None:
    token = new_token(tokens, "ann")
    options = ("--token-file", str(tokens), "--allowed-host", "grok.example.com")
    async with serving(upstream, "http", *options) as (url, _):
        assert (await post(url, host="evil.example", **bearer(token))).status_code == 421
        assert (await post(url, origin="https://evil.example", **bearer(token))).status_code == 403
        assert (await post(url, host="grok.example.com", **bearer(token))).status_code == 200
        assert (await post(url, origin="https://grok.example.com", **bearer(token))).status_code == 200


@pytest.mark.parametrize("path", ["/mcp/", "/sse/", "/messages", "/healthz/", "/mcp//", "//evil.example/mcp/"])
async def test_no_path_is_redirected_to_the_host_that_a_request_names(upstream: Replay, path: str) -> None:
    async with serving(upstream, "http") as (url, _):
        foreign = url.removesuffix("/mcp") + path
        for response in (await get(foreign, host="evil.example"), await post(foreign, host="evil.example")):
            assert response.status_code in (403, 404, 405, 421)
            assert "location" not in response.headers


async def test_path_with_a_slash_is_served_behind_the_same_checks(upstream: Replay, tokens: Path) -> None:
    token = new_token(tokens, "ann")
    async with serving(upstream, "http", "--token-file", str(tokens)) as (url, _):
        for path in ("/mcp/", "/sse/"):
            assert (await get(url.replace("/mcp", path))).status_code == 401
        assert await call(f"{url}/", **bearer(token)) == COMPLETION
        async with (
            httpx2.AsyncClient(trust_env=False) as client,
            client.stream("GET", url.replace("/mcp", "/sse/"), headers=bearer(token)) as response,
        ):
            assert response.status_code == 200


async def test_callers_do_not_see_the_completions_of_others(upstream: Replay, tokens: Path) -> None:
    ann, bob = new_token(tokens, "ann"), new_token(tokens, "bob")
    async with serving(upstream, "http", "--token-file", str(tokens), handoff_after="0.001") as (url, _):
        pending = await call(url, **bearer(ann))
        assert pending["object"] == "chat.completion.pending"
        for tool in ("grok_get_completion", "grok_cancel_completion"):
            error = (await call(url, tool, {"id": pending["id"]}, **bearer(bob)))["error"]
            assert error["code"] == "not_found"
        fetched: Any = {}
        while "choices" not in fetched:
            fetched = await call(url, "grok_get_completion", {"id": pending["id"]}, **bearer(ann))
        assert fetched == COMPLETION


async def test_callers_do_not_share_equal_calls(upstream: Replay, tokens: Path) -> None:
    ann, bob = new_token(tokens, "ann"), new_token(tokens, "bob")
    async with serving(upstream, "http", "--token-file", str(tokens)) as (url, _):
        for token in (ann, bob):
            assert await call(url, **bearer(token)) == COMPLETION
    assert len(upstream.requests) == 2


@pytest.mark.parametrize(("rule", "spent"), [("off", KEY), ("allow", "own-key"), ("require", "own-key")])
async def test_key_that_is_sent_upstream(upstream: Replay, rule: str, spent: str) -> None:
    async with serving(upstream, "http", "--caller-keys", rule) as (url, _):
        assert await call(url, x_grok_api_key="own-key") == COMPLETION
    assert upstream.requests[0].headers["authorization"] == f"Bearer {spent}"


async def test_required_caller_key_that_is_missing_or_wrong_is_refused(upstream: Replay) -> None:
    async with serving(upstream, "http", "--caller-keys", "require") as (url, _):
        error = (await call(url))["error"]
        assert (error["code"], error["billed"]) == ("not_configured", "no")
        assert "X-Grok-Api-Key" in error["message"]
        error = (await call(url, x_grok_api_key="two words"))["error"]
        assert error["code"] == "invalid_request"
    assert upstream.requests == []


async def test_key_of_a_caller_is_removed_from_errors(upstream: Replay) -> None:
    upstream.answer({"error": {"code": "invalid_token", "message": "bad key own-key"}}, 401)
    async with serving(upstream, "http", "--caller-keys", "allow") as (url, _):
        response = await post(url, x_grok_api_key="own-key")
    assert result_of(response)["isError"]
    assert "own-key" not in response.text


async def test_callers_with_different_keys_are_different_principals(upstream: Replay) -> None:
    async with serving(upstream, "http", "--caller-keys", "require", handoff_after="0.001") as (url, _):
        pending = await call(url, x_grok_api_key="one")
        error = (await call(url, "grok_get_completion", {"id": pending["id"]}, x_grok_api_key="two"))["error"]
        assert error["code"] == "not_found"


async def test_requests_a_minute_are_limited_for_each_caller(upstream: Replay, tokens: Path) -> None:
    ann, bob = new_token(tokens, "ann"), new_token(tokens, "bob")
    options = ("--token-file", str(tokens), "--requests-per-minute", "2", "--tokens-per-day", "1000")
    async with serving(upstream, "http", *options) as (url, _):
        for _ in range(2):
            assert await call(url, **bearer(ann)) == COMPLETION
        error = (await call(url, **bearer(ann)))["error"]
        assert (error["code"], error["billed"], error["retryable"]) == ("limit_reached", "no", True)
        assert 0 < error["retry_after"] <= 60
        assert await call(url, **bearer(bob)) == COMPLETION
    assert len(upstream.requests) == 3


async def test_tokens_a_day_are_limited(upstream: Replay) -> None:
    async with serving(upstream, "http", "--tokens-per-day", "15") as (url, _):
        # Each answer has ten tokens.
        for _ in range(2):
            assert await call(url) == COMPLETION
        error = (await call(url))["error"]
        assert error["code"] == "limit_reached"
        assert error["retry_after"] <= 86_400


async def test_foreign_origin_or_long_body_is_refused(upstream: Replay) -> None:
    async with serving(upstream, "http") as (url, _):
        response = await post(url, origin="https://evil.example")
        assert response.status_code == 403
        assert "access-control-allow-origin" not in response.headers
        large = {"messages": [{"role": "user", "content": "x" * 33 * 2**20}]}
        assert (await post(url, CHAT, large)).status_code == 413
        assert (await post(url, CHAT, HELLO)).status_code == 200


async def test_openid_token_is_accepted_and_others_get_the_metadata_url(upstream: Replay, provider: str) -> None:
    answer = await sign_in(provider, client="grok", user="ann@example.com")
    public = "https://grok.example.com/mcp"
    options = ("--oidc-issuer", provider, "--oidc-audience", "grok", "--public-url", public)
    async with serving(upstream, "http", *options) as (url, _):
        assert await call(url, **bearer(answer["id_token"])) == COMPLETION
        refused = await post(url, **bearer(answer["id_token"][:-4] + "AAAA"))
        assert refused.status_code == 401
        where = "https://grok.example.com/.well-known/oauth-protected-resource/mcp"
        assert f'resource_metadata="{where}"' in refused.headers["www-authenticate"]
        metadata = (await get(url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp"))).json()
        assert metadata["authorization_servers"] == [provider]
        assert metadata["resource"] == public
    async with serving(upstream, "http", *options[:3], "another", *options[4:]) as (url, _):
        assert (await post(url, **bearer(answer["id_token"]))).status_code == 401
    assert len(upstream.requests) == 1


async def used(url: str, token: str) -> Any:
    """The totals that a caller sees of their own calls."""
    headers, request = modern_call("grok://usage", {})
    headers["mcp-method"] = request["method"] = "resources/read"
    request["params"] = {"uri": "grok://usage", "_meta": request["params"]["_meta"]}
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        response = await client.post(url, json=request, headers={**headers, **bearer(token)})
    return json.loads(result_of(response)["contents"][0]["text"])


async def test_names_with_spaces_are_different_principals(upstream: Replay) -> None:
    async with Replay() as replay:
        issuer = Issuer(replay)
        public = "https://grok.example.com/mcp"
        options = ("--oidc-issuer", issuer.url, "--oidc-audience", AUDIENCE, "--public-url", public)
        # Joined by spaces, with the issuer between them, the two are one.
        ann = issuer.token(azp="a", sub=f"b {issuer.url} c")
        eve = issuer.token(azp=f"a {issuer.url} b", sub="c")
        async with serving(upstream, "http", *options) as (url, _):
            nothing = await used(url, eve)
            assert await call(url, **bearer(ann)) == COMPLETION
            assert await used(url, eve) == nothing
            assert await used(url, ann) != nothing
