"""What goes wrong in the sandbox when it is told to, and what it refuses by itself."""

from typing import Any

import httpx2
import openai
import pytest

from mcp_grok.sandbox import xai
from mcp_grok.sandbox.faults import ERRORS, HEADER
from tests.sandbox.conftest import MODELS, Asker, Poster


@pytest.mark.parametrize("by_header", [False, True], ids=["model", "header"])
@pytest.mark.parametrize("name", ERRORS)
async def test_a_documented_error_comes_in_its_providers_form(post: Poster, name: str, by_header: bool) -> None:
    model, headers = (MODELS[post.dialect.name], {HEADER: name}) if by_header else (f"sandbox-{name}", {})
    response = await post(headers, model=model, stream=True)
    status, message = ERRORS[name].status, ERRORS[name].message
    body = response.json()
    if post.dialect.name == "xai":
        status, message = xai.OWN_WORDS.get(name, (status, message))
        assert body == {"code": xai.CODES[status], "error": message}
    elif post.dialect.name == "acedata":
        error = {"code": name, "message": message}
        assert body == {"success": False, "error": error, "trace_id": body["trace_id"]}
    else:
        kind = "api_error" if status >= 500 else "invalid_request_error"
        assert body == {"error": {"code": name, "message": message, "type": kind, "param": None}}
    assert response.status_code == status


@pytest.mark.parametrize("dialect", ["xai"], indirect=True)
async def test_credits_used_up_and_a_rate_limit_are_both_429_at_xai(post: Poster) -> None:
    credits_gone, too_many = await post(model="sandbox-used_up"), await post(model="sandbox-rate_limited")
    assert (credits_gone.status_code, too_many.status_code) == (429, 429)
    assert credits_gone.json()["code"] == too_many.json()["code"] == "Some resource has been exhausted"
    assert "used all available credits or reached its monthly spending limit" in credits_gone.json()["error"]
    assert "Too many requests for team" in too_many.json()["error"]


async def test_an_error_is_read_by_the_official_client(ask: Asker) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        await ask(model="sandbox-too_many_requests")
    # It does not know xAI's form, whose `error` is the message itself.
    said = caught.value.body if ask.dialect.name == "xai" else caught.value.message
    assert "Too many requests" in str(said)


async def test_a_cut_connection_is_no_answer(ask: Asker) -> None:
    with pytest.raises(openai.APIConnectionError):
        await ask(model="sandbox-cut")


@pytest.mark.parametrize("fault", ["slow:0", "stall:0"])
async def test_silence_of_no_length_changes_nothing(ask: Asker, fault: str) -> None:
    said = (await ask()).choices[0].message.content
    assert (await ask(model=f"sandbox-{fault}")).choices[0].message.content == said


@pytest.mark.parametrize("dialect", ["custom"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "begins", "error"),
    [("slow:3", 0, httpx2.ReadTimeout), ("stall", 1, httpx2.ReadTimeout), ("cut", 1, httpx2.RemoteProtocolError)],
)
async def test_silence_or_an_end_comes_before_the_answer_or_in_its_middle(
    post: Poster, fault: str, begins: int, error: type[Exception]
) -> None:
    body = {"model": f"sandbox-{fault}", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    received: list[str] = []

    async def read() -> None:
        async with post.http.stream("POST", post.dialect.path, json=body, timeout=0.5) as response:
            async for text in response.aiter_text():
                received.append(text)  # noqa: PERF401 - what came before the silence must be kept

    with pytest.raises(error):
        await read()
    assert bool(received) == bool(begins)
    assert "[DONE]" not in "".join(received)


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        ("malformed", dict.fromkeys(MODELS, '{"choices": [{"delta": {"conte')),
        (
            "stream_error",
            {
                "acedata": '{"success": false, "error": {"code": "api_error"',
                "llmprovider": '{"error": {"message": "fetch failed"',
                "xai": '{"code": "Internal error", "error": "fetch failed"}',
                "custom": '{"error": {"message": "fetch failed"',
            },
        ),
    ],
    ids=["malformed", "stream_error"],
)
async def test_a_stream_can_break_in_its_middle(post: Poster, fault: str, broken: dict[str, str]) -> None:
    response = await post(model=f"sandbox-{fault}", stream=True)
    before, found, _ = response.text.partition(f"data: {broken[post.dialect.name]}")
    assert (before.count("data: {") > 5, bool(found)) == (True, True)


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_error_can_come_under_200_and_a_page_under_502(post: Poster, streamed: bool) -> None:
    error = await post(model="sandbox-success_false", stream=streamed)
    assert (error.status_code, "fetch failed" in str(error.json()["error"])) == (200, True)
    assert ("success" in error.json()) == (post.dialect.name == "acedata")
    page = await post(model="sandbox-html", stream=streamed)
    assert (page.status_code, page.headers["content-type"]) == (502, "text/html; charset=utf-8")


@pytest.mark.parametrize("model", ["sandbox-bogus", "", None, 4])
async def test_a_fault_that_nobody_knows_is_no_model_in_any_dialect(post: Poster, model: Any) -> None:
    assert (await post(model=model)).status_code == 400


OUT_OF_RANGE: list[tuple[str, Any]] = [
    *[("n", value) for value in (0, 129, 1.5, "2", True)],
    *[(name, value) for name in ("max_tokens", "max_completion_tokens") for value in (0, 1.5)],
    *[("temperature", -0.1), ("temperature", 2.1), ("top_p", -0.1), ("top_p", 1.1)],
    *[(f"{name}_penalty", value) for name in ("presence", "frequency") for value in (-2.1, 2.1)],
    *[("top_logprobs", -1), ("top_logprobs", 21)],
]


@pytest.mark.parametrize("dialect", ["custom"], indirect=True)
@pytest.mark.parametrize(("name", "value"), OUT_OF_RANGE)
async def test_a_number_out_of_its_range_is_refused(post: Poster, name: str, value: Any) -> None:
    response = await post(**{name: value})
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (400, "bad_request", name)
    assert error["message"].startswith(f"{name} must be ")
