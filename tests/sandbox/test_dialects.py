"""How the dialects differ: ids, usage, streams, keys, models, and what counts."""

import json
import re
from typing import Any

import httpx2
import openai
import pytest

from mcp_grok.providers import PROVIDERS, SANDBOX_KEY
from mcp_grok.sandbox.dialects import DIALECTS, Dialect
from tests.sandbox.conftest import Poster

IDS = {
    "acedata": r"foaicmpl-[0-9a-f]{8}-[0-9a-f-]{27}",
    "llmprovider": r"cmpl-[0-9a-f]{32}",
    "xai": r"[0-9a-f]{8}-[0-9a-f-]{27}",
    "custom": r"chatcmpl-[0-9a-f]{32}",
}
COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")

openai_like = pytest.mark.parametrize("dialect", ["xai", "custom"], indirect=True)


def chunks_of(response: httpx2.Response) -> list[dict[str, Any]]:
    """The chunks of a stream that ends as it should."""
    assert response.headers["content-type"].startswith("text/event-stream")
    *events, done, after = response.text.split("\n\n")
    assert (done, after) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def test_there_is_a_dialect_for_each_provider_at_the_address_where_a_client_looks_for_it() -> None:
    assert set(DIALECTS) == set(PROVIDERS) - {"sandbox"}
    for name, dialect in DIALECTS.items():
        assert PROVIDERS[name].completions_url(f"http://sandbox{dialect.base}") == f"http://sandbox{dialect.path}"
    paths = ["/grok/chat/completions", "/llmprovider/v1/chat/completions", "/xai/v1/chat/completions"]
    assert [dialect.path for dialect in DIALECTS.values()] == [*paths, "/v1/chat/completions"]


async def test_ids_look_like_the_providers(post: Poster) -> None:
    plain = (await post()).json()
    assert re.fullmatch(IDS[post.dialect.name], plain["id"])
    ids = {chunk["id"] for chunk in chunks_of(await post(stream=True))}
    assert len(ids) == 1
    assert re.fullmatch(IDS[post.dialect.name], ids.pop())


@pytest.mark.parametrize(
    ("dialect", "extra"),
    [
        ("acedata", {"cost": {"amount": 0.0, "currency": "USD", "list_amount": 0.0}, "input_tokens": 0}),
        ("llmprovider", {}),
        ("xai", {"cost_in_usd_ticks": 0, "num_sources_used": 0}),
        ("custom", {"completion_tokens_details": {"reasoning_tokens": 0}}),
    ],
    indirect=["dialect"],
)
async def test_usage_counts_and_adds_what_the_provider_adds(post: Poster, extra: dict[str, Any]) -> None:
    usage = (await post()).json()["usage"]
    assert [usage[count] for count in COUNTS] == [4, 34, 38]
    assert {name: usage[name] for name in extra} == extra
    if post.dialect.name in ("llmprovider", "custom"):
        assert usage.keys() == {*COUNTS, *extra}


@pytest.mark.parametrize(
    ("dialect", "generated", "total"), [("acedata", 34, 38), ("xai", 34, 54), ("custom", 50, 54)], indirect=["dialect"]
)
async def test_reasoning_is_counted_where_the_provider_counts_it(post: Poster, generated: int, total: int) -> None:
    usage = (await post(reasoning_effort="high")).json()["usage"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 16
    assert [usage[count] for count in COUNTS] == [4, generated, total]


async def test_a_stream_has_the_documented_shape_and_says_what_the_plain_answer_says(post: Poster) -> None:
    plain = (await post()).json()
    options = {"include_usage": True}
    role, *contents, finish, last = chunks_of(await post(stream=True, stream_options=options))
    assert role["choices"] == [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None, "logprobs": None}]
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in contents)
    assert text == plain["choices"][0]["message"]["content"]
    assert (finish["choices"][0]["finish_reason"], finish["choices"][0]["delta"]) == ("stop", {})
    assert (last["choices"], last["usage"]) == ([], plain["usage"])
    heads = {(chunk["id"], chunk["object"]) for chunk in (role, *contents, finish, last)}
    assert heads == {(role["id"], "chat.completion.chunk")}


async def test_only_acedata_sends_zeros_with_the_finish(post: Poster) -> None:
    options = {"include_usage": True}
    *_, finish, _ = chunks_of(await post(stream=True, stream_options=options))
    zeros = [finish["usage"][count] for count in COUNTS] if finish["usage"] else None
    assert zeros == ([0, 0, 0] if post.dialect.name == "acedata" else None)


@pytest.mark.parametrize("options", [{}, {"stream_options": {}}, {"stream_options": {"include_usage": False}}])
@openai_like
async def test_usage_that_nobody_asks_for_is_not_streamed(post: Poster, options: dict[str, Any]) -> None:
    chunks = chunks_of(await post(stream=True, **options))
    assert not [chunk for chunk in chunks if "usage" in chunk]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("dialect", ["acedata", "llmprovider"], indirect=True)
async def test_usage_is_streamed_unasked_where_nobody_needs_to_ask(post: Poster) -> None:
    *_, last = chunks_of(await post(stream=True))
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 38)


async def test_two_calls_at_once_are_streamed_in_pieces_with_their_indices(post: Poster) -> None:
    parameters = {"type": "object", "properties": {"say": {}}}
    names = ("get_weather", "get_time")
    tools = [{"type": "function", "function": {"name": name, "parameters": parameters}} for name in names]
    messages = [{"role": "user", "content": "get_weather and get_time"}]
    chunks = chunks_of(await post(stream=True, messages=messages, tools=tools, tool_choice="required"))
    deltas = [choice["delta"].get("tool_calls", []) for chunk in chunks for choice in chunk["choices"]]
    pieces = [piece for delta in deltas for piece in delta]
    assert [(piece["index"], piece["function"]["name"]) for piece in pieces if "id" in piece] == [*enumerate(names)]
    for index in (0, 1):
        arguments = [piece["function"]["arguments"] for piece in pieces if piece["index"] == index]
        assert len(arguments) > 2
        assert json.loads("".join(arguments)) == {"say": "get_weather and get_time"}


@pytest.mark.parametrize("key", [{"authorization": "Bearer wrong-key"}, {"authorization": SANDBOX_KEY}, {}])
async def test_a_wrong_or_missing_key_is_refused(sandbox: str, dialect: Dialect, key: dict[str, str]) -> None:
    async with httpx2.AsyncClient(headers=key, verify=False) as client:
        response = await client.post(sandbox + dialect.path, json={})
        models = await client.get(sandbox + dialect.models_path) if dialect.models else response
    assert (models.status_code, models.json().keys()) == (response.status_code, response.json().keys())
    if dialect.name == "xai":
        masked = {"Bearer wrong-key": "wr***ey", SANDBOX_KEY: "sa***ey"}.get(key.get("authorization", ""), "***")
        said = f"Incorrect API key provided: {masked}. You can obtain an API key from https://console.x.ai."
        assert response.json() == {"code": "Client specified an invalid argument", "error": said}
        assert response.status_code == 400
    else:
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (401, "invalid_token")
        assert SANDBOX_KEY in error["message"]


@openai_like
async def test_models_are_listed_for_the_official_client(dialect: Dialect, official: openai.AsyncOpenAI) -> None:
    models = [model async for model in official.models.list()]
    assert [model.id for model in models] == list(dialect.models)
    owners = {"xai": "xai", "custom": "mcp-grok-sandbox"}
    assert {(model.object, model.owned_by) for model in models} == {("model", owners[dialect.name])}


@pytest.mark.parametrize("dialect", ["acedata", "llmprovider"], indirect=True)
async def test_models_are_not_listed_where_that_is_not_documented(http: httpx2.AsyncClient, dialect: Dialect) -> None:
    assert (await http.get(dialect.models_path)).status_code == 404


@pytest.mark.parametrize("dialect", ["custom"], indirect=True)
@pytest.mark.parametrize("model", ["grok-local", "llama", "sandbox"])
async def test_a_custom_server_has_any_model(post: Poster, model: str) -> None:
    assert (await post(model=model)).json()["model"] == model


@pytest.mark.parametrize("dialect", ["llmprovider"], indirect=True)
@pytest.mark.parametrize(
    "ignored",
    [
        {"n": 500},
        {"n": 3},
        {"max_completion_tokens": 1},
        {"reasoning_effort": "high"},
        {"top_logprobs": 99, "seed": "x", "logit_bias": []},
        {"stream_options": {"include_usage": True}},
    ],
    ids=json.dumps,
)
async def test_llmprovider_ignores_what_it_does_not_document(post: Poster, ignored: dict[str, Any]) -> None:
    first, second = (await post()).json(), (await post(**ignored)).json()
    assert (second["choices"], second["usage"]) == (first["choices"], first["usage"])


@pytest.mark.parametrize("dialect", ["acedata", "custom"], indirect=True)
async def test_a_stop_sequence_may_stand_alone(post: Poster) -> None:
    assert (await post(stop="mcp")).json()["choices"][0]["message"]["content"] == "This is the "


@pytest.mark.parametrize("dialect", ["llmprovider"], indirect=True)
async def test_llmprovider_wants_an_array_of_stop_sequences(post: Poster) -> None:
    response = await post(stop="mcp")
    error = {"message": "stop must be an array", "type": "invalid_request_error", "param": "stop"}
    assert (response.status_code, response.json()) == (400, {"error": {**error, "code": "bad_request"}})
