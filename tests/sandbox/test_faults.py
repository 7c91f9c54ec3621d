"""How the sandbox fails on request, and the requests that it refuses."""

import json
from typing import Any

import httpx2
import openai
import pytest

from mcp_grok.sandbox.api_errors import XAI_CODES, XAI_OWN
from mcp_grok.sandbox.faults import ERRORS, HEADER
from tests.sandbox.conftest import HELLO, Asker, Poster

one_api = pytest.mark.parametrize("api", ["custom"], indirect=True)


@pytest.mark.parametrize("by_header", [False, True], ids=["model", "header"])
@pytest.mark.parametrize("code", ERRORS)
async def test_error_has_its_providers_form(post: Poster, code: str, by_header: bool) -> None:
    response = await (post({HEADER: code}) if by_header else post(model=f"sandbox-{code}", stream=True))
    status, message = ERRORS[code]
    body = response.json()
    if post.api.provider.name == "xai":
        status, message = XAI_OWN.get(code, (status, message))
        assert body == {"code": XAI_CODES[status], "error": message}
    elif post.api.provider.name == "acedata":
        assert body == {"success": False, "error": {"code": code, "message": message}, "trace_id": body["trace_id"]}
    else:
        kind = "api_error" if status >= 500 else "invalid_request_error"
        assert body == {"error": {"code": code, "message": message, "type": kind, "param": None}}
    assert response.status_code == status


@pytest.mark.parametrize("api", ["xai"], indirect=True)
async def test_used_up_and_rate_limited_are_both_429_at_xai(post: Poster) -> None:
    used_up, rate_limited = await post(model="sandbox-used_up"), await post(model="sandbox-rate_limited")
    assert (used_up.status_code, rate_limited.status_code) == (429, 429)
    assert used_up.json()["code"] == rate_limited.json()["code"] == "Some resource has been exhausted"
    assert "used all available credits or reached its monthly spending limit" in used_up.json()["error"]
    assert "Too many requests for team" in rate_limited.json()["error"]


async def test_official_client_raises_the_error(ask: Asker) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        await ask(model="sandbox-too_many_requests")
    assert "Too many requests" in str(caught.value.body)


async def test_official_client_misses_an_answer_that_is_cut(ask: Asker) -> None:
    with pytest.raises(openai.APIConnectionError):
        await ask(model="sandbox-cut")


@pytest.mark.parametrize("fault", ["slow:0", "stall:0.0"])
async def test_fault_of_no_seconds_changes_nothing(ask: Asker, fault: str) -> None:
    content = (await ask()).choices[0].message.content
    assert (await ask(model=f"sandbox-{fault}")).choices[0].message.content == content


@one_api
@pytest.mark.parametrize(
    ("fault", "begins", "error"),
    [("slow:3", 0, httpx2.ReadTimeout), ("stall", 1, httpx2.ReadTimeout), ("cut", 1, httpx2.RemoteProtocolError)],
)
async def test_fault_comes_before_or_in_the_answer(
    post: Poster, fault: str, begins: int, error: type[Exception]
) -> None:
    body = {**HELLO, "model": f"sandbox-{fault}", "stream": True}
    received: list[str] = []

    async def read() -> None:
        async with post.http.stream("POST", post.api.path, json=body, timeout=0.5) as response:
            async for text in response.aiter_text():
                received.append(text)  # noqa: PERF401 - what came before the silence must be kept

    with pytest.raises(error):
        await read()
    assert bool(received) == bool(begins)
    assert "[DONE]" not in "".join(received)


@pytest.mark.parametrize(
    ("api", "error"),
    [
        ("acedata", '{"success": false, "error": {"code": "api_error"'),
        ("llmprovider", '{"error": {"message": "fetch failed"'),
        ("xai", '{"code": "Internal error", "error": "fetch failed"}'),
        ("custom", '{"error": {"message": "fetch failed"'),
    ],
    indirect=["api"],
)
async def test_error_in_the_middle_of_a_stream(post: Poster, error: str) -> None:
    response = await post(model="sandbox-stream_error", stream=True)
    before, found, after = response.text.partition(f"data: {error}")
    assert found
    assert before.count("data: {") > 5
    assert after.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("fault", ["bogus", "slow:nan", "slow:-1", "slow:"])
async def test_unknown_fault_is_refused_with_the_names_of_all(post: Poster, fault: str) -> None:
    response = await post(model=f"sandbox-{fault}")
    assert response.status_code == 400
    assert "used_up" in json.dumps(response.json())


MALFORMED: list[tuple[str, Any]] = [
    *[("model", value) for value in (None, "", 4)],
    *[("messages", value) for value in (None, [], "Hello", ["Hello"], [{"content": "Hello"}])],
    *[("messages", [{"role": "user", "content": value}]) for value in (5, ["Hello"], [{"text": "Hello"}])],
    ("messages", [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
    *[("n", value) for value in (0, 129, 1.5)],
    *[("max_tokens", value) for value in (0, "many")],
    *[("stop", value) for value in (5, [1])],
    *[
        ("tools", value)
        for value in (5, ["get_weather"], [{"function": {"name": "get_weather", "parameters": "city"}}])
    ],
    ("tool_choice", 5),
    ("response_format", "json_object"),
    ("stream_options", True),
]


@one_api
@pytest.mark.parametrize(("name", "value"), MALFORMED)
async def test_malformed_parameter_is_refused(post: Poster, name: str, value: Any) -> None:
    response = await post(**{name: value})
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (400, "bad_request", name)
    assert error["message"].startswith(f"{name}: ")


@one_api
@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b"{", b"[" * 100_000], ids=["empty", "0xff", "list", "cut", "deep"]
)
async def test_body_that_is_no_object_is_refused(post: Poster, body: bytes) -> None:
    assert (await post.http.post(post.api.path, content=body)).status_code == 400


@one_api
async def test_half_a_character_is_refused(post: Poster) -> None:
    body = json.dumps({**HELLO, "messages": [{"role": "user", "content": "\ud83d"}]})
    assert (await post.http.post(post.api.path, content=body)).status_code == 400
