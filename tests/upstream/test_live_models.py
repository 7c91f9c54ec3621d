"""The models that a provider lists now."""

import pytest

from mcp_grok.errors import GrokError
from mcp_grok.settings import Settings
from mcp_grok.upstream.live_models import live_models, no_list
from tests.conftest import KEY, settings_for
from tests.replay import Exchange, Replay

LIST = {"object": "list", "data": [{"id": "grok-4.7", "object": "model"}, {"id": "grok-9"}]}


async def failure(settings: Settings) -> GrokError:
    """How asking fails."""
    with pytest.raises(GrokError) as caught:
        await live_models(settings.endpoint)
    assert KEY not in str(caught.value.as_dict())
    return caught.value


@pytest.mark.parametrize("end", ["", "/v1", "/v1/chat/completions"])
async def test_names_are_in_the_order_of_the_provider(upstream: Replay, end: str) -> None:
    upstream.answer(LIST)
    settings = settings_for(upstream, provider="xai", base_url=upstream.base_url + end)
    assert await live_models(settings.endpoint) == ["grok-4.7", "grok-9"]
    [request] = upstream.requests
    assert (request.path, request.headers["authorization"]) == ("/v1/models", f"Bearer {KEY}")


@pytest.mark.parametrize(
    ("end", "path"),
    [
        ("/inference", "/inference/models"),
        ("/models/chat/completions?api-version=1", "/models/models?api-version=1"),
        ("/v1/models?api-version=1", "/v1/models?api-version=1"),
    ],
)
async def test_list_is_beside_the_completions_of_any_api(upstream: Replay, end: str, path: str) -> None:
    upstream.answer(LIST)
    await live_models(settings_for(upstream, provider="custom", base_url=upstream.base_url + end).endpoint)
    assert [request.path for request in upstream.requests] == [path]


async def test_list_is_requested_without_a_key_where_none_is_set(upstream: Replay) -> None:
    upstream.answer(LIST)
    settings = settings_for(upstream, provider="custom", api_key=None)
    assert await live_models(settings.endpoint) == ["grok-4.7", "grok-9"]
    assert "authorization" not in upstream.requests[0].headers


async def test_provider_without_a_list_gets_no_request(upstream: Replay, settings: Settings) -> None:
    assert await live_models(settings.endpoint) is None
    assert no_list(settings.endpoint) == "AceData lists no models"
    assert upstream.requests == []


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_api_may_have_no_list(upstream: Replay, status: int) -> None:
    upstream.answer({"detail": "Not Found"}, status)
    settings = settings_for(upstream, provider="custom")
    assert await live_models(settings.endpoint) is None
    assert no_list(settings.endpoint) == f"The custom API lists no models at {upstream.base_url}/v1/models"


async def test_api_that_wants_a_key_says_which_to_set(upstream: Replay) -> None:
    upstream.answer({"error": "Unauthorized"}, 401)
    error = await failure(settings_for(upstream, provider="custom", api_key=None))
    assert error.message.startswith("The custom API wants a key: set MCP_GROK_API_KEY ")


async def test_failed_request_for_the_list_is_not_billed(upstream: Replay) -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.hang_up()

    upstream.behave = behave
    error = await failure(settings_for(upstream, provider="xai"))
    assert (error.code, error.billed) == ("connection_failed", "no")
    assert "billed" not in error.message


async def test_refused_key_is_an_error(upstream: Replay) -> None:
    upstream.answer({"code": "x", "error": "Incorrect API key provided"}, 400)
    assert (await failure(settings_for(upstream, provider="xai"))).as_dict()["type"] == "authentication_error"


@pytest.mark.parametrize("body", [b"<html>", {}, {"data": 7}, {"data": [{}]}, [1]])
async def test_answer_that_is_no_list_is_an_error(upstream: Replay, body: object) -> None:
    upstream.answer(body)
    assert (await failure(settings_for(upstream, provider="xai"))).as_dict()["code"] == "bad_upstream_response"


async def test_unreachable_server_is_an_error() -> None:
    settings = Settings(provider="xai", base_url="http://127.0.0.1:1", api_key=KEY)
    assert (await failure(settings)).as_dict()["code"] == "connection_failed"
