"""How the APIs differ: addresses, keys, models, streams, cost."""

import json
from typing import Any

import httpx2
import openai
import pytest

from mcp_grok.providers import PROVIDERS, SANDBOX_KEY
from mcp_grok.sandbox.apis import APIS, Api
from tests.sandbox.conftest import Poster
from tests.sandbox.streams import chunks_of

COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")

like_openai = pytest.mark.parametrize("api", ["xai", "custom"], indirect=True)
unlike_openai = pytest.mark.parametrize("api", ["acedata", "llmprovider"], indirect=True)


def test_each_provider_has_an_api() -> None:
    assert list(APIS) == [name for name in PROVIDERS if name != "sandbox"]


def test_clients_find_each_api() -> None:
    for name, api in APIS.items():
        assert PROVIDERS[name].completions_url(f"http://sandbox{api.base}") == f"http://sandbox{api.path}"
    paths = ["/grok/chat/completions", "/llmprovider/v1/chat/completions", "/xai/v1/chat/completions"]
    assert [api.path for api in APIS.values()] == [*paths, "/v1/chat/completions"]


@pytest.mark.parametrize(
    ("api", "cost"),
    [
        ("acedata", {"cost": {"amount": 0.0, "currency": "USD", "list_amount": 0.0}}),
        ("llmprovider", {}),
        ("xai", {"cost_in_usd_ticks": 0}),
        ("custom", {}),
    ],
    indirect=["api"],
)
async def test_usage_states_tokens_and_cost(post: Poster, cost: dict[str, Any]) -> None:
    usage = (await post()).json()["usage"]
    assert [usage[count] for count in COUNTS] == [4, 31, 35]
    assert usage.keys() == {*COUNTS, "completion_tokens_details", *cost}
    assert {name: usage[name] for name in cost} == cost


async def test_stream_is_the_plain_answer_in_chunks(post: Poster) -> None:
    plain = (await post()).json()
    options = {"include_usage": True}
    role, *contents, finish, last = chunks_of(await post(stream=True, stream_options=options))
    assert role["choices"] == [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in contents)
    assert text == plain["choices"][0]["message"]["content"]
    assert (finish["choices"][0]["finish_reason"], finish["choices"][0]["delta"]) == ("stop", {})
    assert (last["choices"], last["usage"]) == ([], plain["usage"])
    heads = {(chunk["id"], chunk["object"]) for chunk in (role, *contents, finish, last)}
    assert heads == {(role["id"], "chat.completion.chunk")}


@pytest.mark.parametrize("options", [{}, {"stream_options": {}}, {"stream_options": {"include_usage": False}}])
@like_openai
async def test_usage_is_streamed_only_on_request(post: Poster, options: dict[str, Any]) -> None:
    chunks = chunks_of(await post(stream=True, **options))
    assert not [chunk for chunk in chunks if "usage" in chunk]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


@unlike_openai
async def test_usage_is_streamed_unasked(post: Poster) -> None:
    *_, last = chunks_of(await post(stream=True))
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 35)


async def test_only_xai_streams_tool_calls_whole(post: Poster) -> None:
    parameters = {"type": "object", "properties": {"say": {}}}
    names = ("get_weather", "get_time")
    tools = [{"type": "function", "function": {"name": name, "parameters": parameters}} for name in names]
    messages = [{"role": "user", "content": "get_weather and get_time"}]
    chunks = chunks_of(await post(stream=True, messages=messages, tools=tools))
    deltas = [choice["delta"].get("tool_calls", []) for chunk in chunks for choice in chunk["choices"]]
    pieces = [piece for delta in deltas for piece in delta]
    assert [(piece["index"], piece["function"]["name"]) for piece in pieces if "id" in piece] == [*enumerate(names)]
    for index in (0, 1):
        arguments = [piece["function"]["arguments"] for piece in pieces if piece["index"] == index]
        assert (len(arguments) == 1) == (post.api.provider.name == "xai")
        assert json.loads("".join(arguments)) == {"say": "get_weather and get_time"}


@pytest.mark.parametrize("key", [{"authorization": "Bearer wrong-key"}, {"authorization": SANDBOX_KEY}, {}])
async def test_wrong_or_missing_key_is_refused(sandbox: str, api: Api, key: dict[str, str]) -> None:
    async with httpx2.AsyncClient(headers=key, verify=False) as client:
        response = await client.post(sandbox + api.path, json={})
        models = await client.get(sandbox + api.models_path) if api.models else response
    assert (models.status_code, models.json().keys()) == (response.status_code, response.json().keys())
    if api.provider.name == "xai":
        message = "Incorrect API key provided: ***. You can obtain an API key from https://console.x.ai."
        assert response.json() == {"code": "Client specified an invalid argument", "error": message}
        assert response.status_code == 400
    else:
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (401, "invalid_token")
        assert SANDBOX_KEY in error["message"]


@like_openai
async def test_models_are_listed(api: Api, official: openai.AsyncOpenAI) -> None:
    models = [model async for model in official.models.list()]
    assert [model.id for model in models] == list(api.models)
    assert {(model.object, model.owned_by) for model in models} == {("model", api.provider.name)}


@unlike_openai
async def test_models_are_not_listed(api: Api, http: httpx2.AsyncClient) -> None:
    assert api.models_path == ""
    assert (await http.get(api.path.removesuffix("/chat/completions") + "/models")).status_code == 404
