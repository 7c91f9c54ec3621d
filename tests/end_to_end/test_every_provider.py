"""The same calls to every provider: a server, its client, and the sandbox, which the oracle guards."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client
from mcp_types import CallToolResult

from mcp_grok.providers import SANDBOX_KEY
from mcp_grok.sandbox.answers import NOTICE, REASONING
from mcp_grok.sandbox.apis import APIS
from mcp_grok.server import create_server
from mcp_grok.settings import Settings
from mcp_grok.toolsets import IMAGE, IMAGE_TO_VIDEO, TEXT_TO_VIDEO
from tests.chat import text_of
from tests.oracle.checked_sandbox import running_oracle

CHAT = "grok_chat_completions"
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAJCAYAAAA="

MODELS = {"acedata": "grok-4", "llmprovider": "grok-beta", "xai": "grok-4.5", "custom": "grok-local"}


def function(name: str) -> dict[str, Any]:
    """A tool whose argument the sandbox fills with a name."""
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


@pytest.fixture(params=APIS)
def provider(request: pytest.FixtureRequest) -> str:
    """Each provider that the sandbox plays."""
    return str(request.param)


@pytest.fixture
async def settings(provider: str) -> AsyncIterator[Settings]:
    """Settings that lead to the oracle as that provider."""
    async with running_oracle() as address:
        yield Settings(
            provider=provider,
            api_key=SANDBOX_KEY,
            base_url=address + APIS[provider].base,
            default_model=MODELS[provider],
            max_retries=0,
        )


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    """A client of a server with those settings."""
    async with Client(create_server(settings)) as connected:
        yield connected


@pytest.fixture(params=[False, True], ids=["plain", "streamed"])
def stream(request: pytest.FixtureRequest) -> bool:
    """Whether the answer is streamed from the provider."""
    return bool(request.param)


async def ask(client: Client, messages: Any, **arguments: Any) -> tuple[dict[str, Any], CallToolResult]:
    """The completion of a call that must succeed, and its result."""
    given = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    result = await client.call_tool(CHAT, {"messages": given, **arguments})
    body = json.loads(text_of(result))
    assert not result.is_error, body
    return body, result


async def refusal(client: Client, **arguments: Any) -> dict[str, Any]:
    """The error of a call that must fail."""
    messages = [{"role": "user", "content": "Hello"}]
    result = await client.call_tool(CHAT, {"messages": messages, **arguments})
    assert result.is_error
    error: dict[str, Any] = json.loads(text_of(result))["error"]
    return error


async def test_answer_is_whole_and_states_usage(client: Client, provider: str, stream: bool) -> None:
    body, result = await ask(client, "Hello", stream=stream, max_tokens=100, stop="END", temperature=1)
    [choice] = body["choices"]
    assert body["object"] == "chat.completion"
    assert body["model"] == MODELS[provider]
    assert choice["message"]["content"].startswith(NOTICE)
    assert choice["finish_reason"] == "stop"
    usage = body["usage"]
    assert usage["prompt_tokens"] > 0
    assert usage["completion_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert result.meta is not None
    assert result.meta["mcp-grok/attempts"] == 1
    assert set(result.meta.get("mcp-grok/dropped", {})) == ({"stop"} if provider == "xai" else set())


async def test_reasoning_is_apart_from_the_answer(client: Client, provider: str, stream: bool) -> None:
    body, _ = await ask(client, "Hello", stream=stream, reasoning_effort="low")
    message = body["choices"][0]["message"]
    assert message["content"].startswith(NOTICE)
    # llmprovider.ai documents no reasoning.
    if provider != "llmprovider":
        assert message["reasoning_content"] == REASONING
        assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0


async def test_two_tool_calls_and_their_results(client: Client, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "Use weather and then clock for Paris"}]
    tools = [function("weather"), function("clock")]
    body, _ = await ask(client, messages, tools=tools, stream=stream)
    [choice] = body["choices"]
    calls = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert {call["function"]["name"] for call in calls} == {"weather", "clock"}
    assert len({call["id"] for call in calls}) == 2
    for call in calls:
        assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}
    picture = [{"type": "text", "text": "18 degrees"}, {"type": "image_url", "image_url": {"url": PNG}}]
    messages += [
        choice["message"],
        {"role": "tool", "tool_call_id": calls[0]["id"], "content": "noon"},
        {"role": "tool", "tool_call_id": calls[1]["id"], "content": picture},
    ]
    body, _ = await ask(client, messages, tools=tools, stream=stream)
    assert "18 degrees" in body["choices"][0]["message"]["content"]
    messages += [body["choices"][0]["message"], {"role": "user", "content": "Thanks, what did I say?"}]
    body, _ = await ask(client, messages, stream=stream)
    assert "Paris" in body["choices"][0]["message"]["content"]


async def test_image_is_received(client: Client, stream: bool) -> None:
    parts = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": PNG}}]
    body, _ = await ask(client, [{"role": "user", "content": parts}], stream=stream)
    assert "16 x 9 pixels" in body["choices"][0]["message"]["content"]


async def test_spellings_of_other_apis_are_sent_as_the_provider_documents_them(client: Client, stream: bool) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "clock", "arguments": ""}}
    image = {"url": PNG.replace("image/png", "image/jpg").rstrip("="), "detail": ""}
    messages = [
        {"role": "system", "name": "rules", "content": "Be brief"},
        {"role": "user", "name": "Ann", "content": "Hello"},
        {"role": "assistant", "content": None, "refusal": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": []},
        {"role": "user", "content": [{"type": "image_url", "image_url": image, "text": ""}]},
    ]
    tools = [{"name": "clock", "input_schema": {}}]
    empty: dict[str, Any] = {"stop": [], "response_format": {}, "seed": "", "reasoning_effort": "", "user": ""}
    body, _ = await ask(client, messages, tools=tools, tool_choice={"type": "none"}, stream=stream, **empty)
    assert "16 x 9 pixels" in body["choices"][0]["message"]["content"]
    await ask(client, "Hello", tools=[], tool_choice="none", stream=stream)


async def test_json_output(client: Client, stream: bool) -> None:
    body, result = await ask(client, "Hello", response_format={"type": "json_object"}, stream=stream)
    assert json.loads(body["choices"][0]["message"]["content"])["you_said"] == "Hello"
    assert result.meta is not None
    assert "mcp-grok/invalid_json" not in result.meta


async def test_token_limit_works_by_either_name(client: Client, stream: bool) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        body, _ = await ask(client, "Hello", stream=stream, **{name: 3})
        assert body["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("fault", "kind", "retryable", "billed"),
    [
        ("used_up", "insufficient_quota", False, {"no"}),
        ("too_many_requests", "rate_limit_error", True, {"no"}),
        ("bad_request", "invalid_request_error", False, {"no"}),
        ("disabled", "permission_error", False, {"no"}),
        ("forbidden", "permission_error", False, {"no"}),
        ("api_error", "server_error", True, {"no", "unknown"}),
        ("timeout", "timeout_error", True, {"no", "unknown"}),
        ("stream_error", "server_error", True, {"unknown"}),
        ("success_false", "server_error", True, {"no", "unknown"}),
        ("html", "server_error", True, {"no", "unknown"}),
        ("cut", "connection_error", True, {"unknown"}),
        ("malformed", "server_error", False, {"unknown"}),
    ],
)
async def test_failure_has_one_form(
    client: Client, provider: str, fault: str, kind: str, retryable: bool, billed: set[str]
) -> None:
    error = await refusal(client, model=f"sandbox-{fault}", stream=True)
    assert (error["provider"], error["retryable"]) == (provider, retryable)
    assert error["billed"] in billed
    # xAI's errors have no codes that tell these two apart.
    if provider != "xai" or fault not in ("disabled", "forbidden"):
        assert error["type"] == kind
    assert error["message"]


async def test_wrong_key_is_an_authentication_error(settings: Settings, provider: str) -> None:
    wrong = settings.model_copy(update={"api_key": type(settings.api_key)("wrong-key")})  # type: ignore[misc]
    async with Client(create_server(wrong)) as client:
        error = await refusal(client)
    assert (error["type"], error["billed"], error["retryable"]) == ("authentication_error", "no", False)
    assert "wrong-key" not in json.dumps(error)


async def test_parameters_that_xai_refuses() -> None:
    async with running_oracle() as address:
        xai = Settings(provider="xai", api_key=SANDBOX_KEY, base_url=address + APIS["xai"].base, max_retries=0)
        async with Client(create_server(xai)) as client:
            given = {"presence_penalty": 0.5, "frequency_penalty": 0, "logit_bias": {"1": 1}, "stop": ["END"]}
            _, result = await ask(client, "Hello", **given)
            assert result.meta is not None
            assert set(result.meta["mcp-grok/dropped"]) == {"presence_penalty", "logit_bias", "stop"}
            error = await refusal(client, model="grok-4.7", top_logprobs=20)
            assert (error["status"], error["param"]) == (400, "top_logprobs")
            error = await refusal(client, model="grok-4-1-fast")
            assert error["message"].endswith("grok-4-1-fast has been withdrawn; use grok-4.3.")
            error = await refusal(client, extra_body={"search_parameters": {}})
            assert error["status"] == 410


LINK = "https://example.com/cat.png"


@pytest.mark.parametrize(
    ("provider", "tool", "arguments"),
    [
        ("xai", IMAGE, {"prompt": "A cat", "n": 2, "aspect_ratio": "16:9", "resolution": "1k"}),
        ("xai", IMAGE, {"prompt": "A hat", "images": [PNG]}),
        ("xai", IMAGE, {"prompt": "Both", "images": [LINK, PNG]}),
        *[(provider, TEXT_TO_VIDEO, {"prompt": "A cat", "duration": 6}) for provider in ("xai", "acedata")],
        *[(provider, IMAGE_TO_VIDEO, {"image": LINK, "resolution": "480p"}) for provider in ("xai", "acedata")],
        ("xai", IMAGE_TO_VIDEO, {"image": PNG, "reference_images": [LINK], "model": "grok-imagine-video-1.5"}),
        ("acedata", IMAGE_TO_VIDEO, {"image": LINK, "reference_images": [LINK], "prompt": "It jumps"}),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
async def test_picture_or_video_is_asked_for_as_documented(
    provider: str, tool: str, arguments: dict[str, Any], settings: Settings
) -> None:
    async with Client(create_server(settings.model_copy(update={"toolsets": "all"}))) as client:
        result = await client.call_tool(tool, arguments)
    body = json.loads(text_of(result))
    assert not result.is_error, body
    assert all(item["url"].startswith("http") for item in body.get("images") or body["videos"])


async def test_usage_and_stated_cost_are_counted(client: Client, provider: str, stream: bool) -> None:
    _, result = await ask(client, "Hello", stream=stream)
    [content] = (await client.read_resource("grok://usage")).contents
    totals = json.loads(content.text)["models"][MODELS[provider]]  # type: ignore[union-attr]
    assert totals["answers"] == 1
    assert totals["prompt_tokens"] > 0
    stated = provider in ("acedata", "xai")
    assert totals["cost"].get("USD", {}).get("stated") == (0 if stated else None)
    assert result.meta is not None
    assert result.meta.get("mcp-grok/cost") == ({"amount": 0, "currency": "USD"} if stated else None)
