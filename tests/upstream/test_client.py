"""The client on real sockets: limits, time, connections, and what each failure is called."""

import asyncio
import gzip
import json
import ssl
from functools import partial
from typing import Any

import anyio
import pytest
import trustme

from mcp_grok.errors import GrokError
from mcp_grok.settings import Settings
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import read_request
from tests.chat import HELLO
from tests.conftest import KEY, settings_for
from tests.replay import COMPLETION, TEXT, Exchange, Replay, held_after
from tests.upstream.clients import ask, client_for, failure
from tests.wire import recorded

ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'


async def test_call_is_posted_as_documented(upstream: Replay, settings: Settings) -> None:
    async with client_for(settings) as client:
        completion = await ask(client, temperature=0.5)
    [request] = upstream.requests
    assert completion.body == COMPLETION
    assert request.path == "/grok/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"] == f"127.0.0.1:{upstream.port}"
    assert request.json == {"model": "grok-4", **HELLO, "temperature": 0.5}


@pytest.mark.parametrize("stream", [False, True])
async def test_key_in_an_answer_is_removed(upstream: Replay, settings: Settings, stream: bool) -> None:
    deltas = [{"content": f"It is {KEY[:5]}"}, {"content": f"{KEY[5:]}."}, {"reasoning_content": KEY}]
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    if stream:
        events = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
        upstream.stream(events, FINISH, b"data: [DONE]\n\n")
    else:
        message = {"content": f"It is {KEY}.", "reasoning_content": KEY}
        upstream.answer({**COMPLETION, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    async with client_for(settings) as client:
        answer = await ask(client, stream=stream)
    assert answer.text == "It is [removed]."
    assert KEY not in str(answer)


async def test_connection_is_used_again_plain_and_streamed(upstream: Replay, settings: Settings) -> None:
    async with client_for(settings) as client:
        for _ in range(3):
            upstream.answer(COMPLETION)
            await ask(client)
            upstream.stream(recorded("crlf"))
            await ask(client, stream=True)
    assert len(upstream.requests) == 6
    assert upstream.connections == 1


async def test_calls_over_the_limit_wait_in_order(upstream: Replay) -> None:
    at_once = 0
    most = 0

    async def behave(exchange: Exchange) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await anyio.wait_all_tasks_blocked()
        at_once -= 1
        exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 76\r\n\r\n")
        exchange.send(b'{"choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}]} ')
        exchange.send(b" ")

    upstream.behave = behave
    async with client_for(settings_for(upstream, max_concurrency=3)) as client, anyio.create_task_group() as tasks:
        for number in range(12):
            tasks.start_soon(partial(ask, client, seed=number))
    assert most == 3
    assert upstream.connections <= 3
    assert [request.json["seed"] for request in upstream.requests[:3]] == [0, 1, 2]
    assert sorted(request.json["seed"] for request in upstream.requests) == list(range(12))


async def test_redirect_is_not_followed(upstream: Replay, settings: Settings) -> None:
    upstream.answer(b"", 302, headers=f"location: {upstream.base_url}/elsewhere\r\n")
    error = await failure(settings)
    assert (error["code"], error["status"], error["billed"]) == ("bad_upstream_response", 302, "no")
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_answer_over_the_limit_is_refused(upstream: Replay, settings: Settings, stream: bool) -> None:
    upstream.stream(TEXT * 100 if stream else b'{"a":"' + b"x" * 5000)
    error = await failure(settings, client_options={"max_response_bytes": 4000}, stream=stream)
    assert (error["code"], error["billed"]) == ("response_too_large", "unknown")
    assert "4000 bytes" in error["message"]


async def test_compressed_answer_is_read(upstream: Replay, settings: Settings) -> None:
    body = gzip.compress(b'{"choices":[{"index":0,"message":{"content":"zip"},"finish_reason":"stop"}]}')
    upstream.answer(body, headers="content-encoding: gzip\r\n")
    async with client_for(settings) as client:
        assert (await ask(client)).body["choices"][0]["message"]["content"] == "zip"


async def test_broken_compression_is_a_bad_response(upstream: Replay, settings: Settings) -> None:
    upstream.answer(b"not gzip", headers="content-encoding: gzip\r\n")
    assert (await failure(settings))["code"] == "bad_upstream_response"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"choices":[]}',
        b'{"choices":[{}]}',
        b'{"choices":[{"message":{"content":"x"}}],"x":NaN}',
        b'{"choices":[{"message":{"content":"x"}}],"x":1e999}',
        b'{"choices":[{"message":{"content":"x',
        b"<html>\xff</html>",
        b"[" * 100_000,
    ],
)
async def test_other_json_is_a_bad_response(upstream: Replay, settings: Settings, body: bytes) -> None:
    upstream.answer(body)
    error = await failure(settings)
    assert (error["code"], error["status"], error["billed"]) == ("bad_upstream_response", 200, "unknown")


async def test_refused_connection_costs_nothing(settings: Settings, upstream: Replay) -> None:
    upstream._server.close()
    await upstream._server.wait_closed()
    error = await failure(settings)
    assert (error["code"], error["billed"], error["retryable"]) == ("connection_failed", "no", True)
    assert "refused the connection" in error["message"]


async def test_unresolved_host_name_is_named_as_the_cause() -> None:
    error = await failure(
        Settings(provider="acedata", api_key=KEY, base_url="https://no-such-host.invalid", max_retries=0)
    )
    assert (error["code"], error["billed"]) == ("connection_failed", "no")
    assert "cannot be resolved" in error["message"]


async def test_missing_tls_is_named_as_the_cause(upstream: Replay) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 no TLS here\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(settings_for(upstream, base_url=f"https://127.0.0.1:{port}"))
    assert (error["code"], error["billed"]) == ("connection_failed", "no")
    assert "TLS" in error["message"]


async def test_untrusted_certificate_is_named_as_the_cause() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with Replay(tls=context) as upstream:
        error = await failure(settings_for(upstream, base_url=f"https://127.0.0.1:{upstream.port}"))
    assert (error["code"], error["billed"]) == ("connection_failed", "no")
    assert (
        "TLS with AceData failed: self-signed certificate" in error["message"]
        or "unable to get local issuer" in error["message"]
    )
    assert not error["retryable"]


@pytest.mark.parametrize("content", [b"", b"HTTP/1.1 200 OK\r\n", b"garbage\r\n\r\n"])
async def test_broken_connection_leaves_the_bill_unknown(upstream: Replay, settings: Settings, content: bytes) -> None:
    upstream.raw(content)
    error = await failure(settings)
    assert (error["code"], error["billed"]) == ("connection_failed", "unknown")


async def test_cut_answer_leaves_the_bill_unknown(upstream: Replay, settings: Settings) -> None:
    upstream.raw(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"choices":')
    error = await failure(settings)
    assert (error["code"], error["billed"]) == ("connection_failed", "unknown")


async def test_cut_stream_keeps_its_text(upstream: Replay, settings: Settings) -> None:
    upstream.stream(ROLE, TEXT, whole=False)
    error = await failure(settings, stream=True)
    assert (error["code"], error["billed"], error["partial"]) == ("stream_truncated", "unknown", "so far")
    assert error["message"].count("in partial") == 1


async def test_cut_stream_without_text_names_no_partial(upstream: Replay, settings: Settings) -> None:
    upstream.stream(ROLE, whole=False)
    error = await failure(settings, stream=True)
    assert error["code"] == "stream_truncated"
    assert "partial" not in json.dumps(error)


@pytest.mark.parametrize(
    ("param", "arguments", "shown"),
    [
        ("stop", {"stop": ["x"]}, "stop"),
        ("presencePenalty", {"presence_penalty": 1}, "presence_penalty"),
        ("max_completion_tokens", {"max_tokens": 5}, "max_tokens"),
        ("messages[0].name", {}, "messages[0].name"),
        ("top_k", {"extra_body": {"top_k": 1}}, "extra_body.top_k"),
        ("model", {}, "model"),
        ("stream_options", {}, None),
        ("Authorization", {}, None),
        ("stop", {}, None),
    ],
)
async def test_error_names_only_a_parameter_that_was_given(
    upstream: Replay, settings: Settings, param: str, arguments: dict[str, Any], shown: str | None
) -> None:
    upstream.answer({"error": {"message": "no", "param": param}}, 400)
    assert (await failure(settings, **arguments)).get("param") == shown


async def test_idle_limit_ends_silence_and_keeps_the_text(upstream: Replay) -> None:
    upstream.behave = held_after(ROLE + TEXT)
    error = await failure(settings_for(upstream, idle_timeout=0.2), stream=True)
    assert (error["code"], error["billed"], error["partial"]) == ("timeout", "unknown", "so far")
    assert "MCP_GROK_IDLE_TIMEOUT" in error["message"]


async def test_limit_of_the_call_ends_a_drip_of_keep_alive_bytes(upstream: Replay) -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(ROLE + TEXT)
        while not exchange.closed.is_set():
            exchange.chunk(b": ping\n\n")
            await exchange.writer.drain()
            await anyio.lowlevel.checkpoint()

    upstream.behave = behave
    error = await failure(settings_for(upstream, timeout=0.3, idle_timeout=10), stream=True)
    assert (error["code"], error["billed"], error["partial"]) == ("timeout", "unknown", "so far")
    assert "MCP_GROK_TIMEOUT" in error["message"]


async def test_timeout_in_line_is_billed_only_if_sent(upstream: Replay) -> None:
    async def behave(exchange: Exchange) -> None:
        await exchange.closed.wait()

    upstream.behave = behave
    errors: list[dict[str, Any]] = []

    async def one(client: ChatClient) -> None:
        with pytest.raises(GrokError) as caught:
            await ask(client)
        errors.append(caught.value.as_dict())

    limits = settings_for(upstream, timeout=0.3, max_concurrency=1)
    async with client_for(limits) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(one, client)
        tasks.start_soon(one, client)
    # The second may get the place just as both time out; then it is unknown whether it was sent.
    assert [error["code"] for error in errors] == ["timeout", "timeout"]
    assert [error["billed"] for error in errors].count("unknown") >= len(upstream.requests) >= 1


async def test_cancelling_closes_the_connection_at_once(upstream: Replay, settings: Settings) -> None:
    upstream.behave = held_after(ROLE + TEXT)
    async with client_for(settings) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: ask(client, stream=True))
        exchange = await upstream.exchanges.get()
        tasks.cancel_scope.cancel()
    with anyio.fail_after(2):
        await exchange.closed.wait()


@pytest.mark.parametrize("ending", ["cut", "silence"])
async def test_whole_json_counts_however_its_connection_ends(upstream: Replay, ending: str) -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.head(content_type="application/json")
        exchange.chunk(json.dumps(COMPLETION).encode())
        if ending == "silence":
            await exchange.closed.wait()
        exchange.hang_up()

    upstream.behave = behave
    async with client_for(settings_for(upstream, idle_timeout=0.2)) as client:
        assert (await ask(client)).body == COMPLETION


@pytest.mark.parametrize("body", [b" " * 20_000, b"\r\n" * 10_000])
async def test_white_space_before_an_answer_is_cheap(upstream: Replay, settings: Settings, body: bytes) -> None:
    upstream.stream(*[body[i : i + 1] for i in range(len(body))], json.dumps(COMPLETION).encode())
    async with client_for(settings) as client:
        assert (await ask(client)).body == COMPLETION


@pytest.mark.parametrize("name", ["crlf", "bom", "error_event"])
async def test_stream_under_another_content_type_is_read(upstream: Replay, settings: Settings, name: str) -> None:
    content = recorded(name)
    upstream.stream(*[content[i : i + 1] for i in range(len(content))], content_type="application/json")
    async with client_for(settings) as client:
        if name == "error_event":
            with pytest.raises(GrokError):
                await ask(client)
        else:
            assert (await ask(client)).body["choices"]


@pytest.mark.parametrize("event", [b"event: ping\ndata: 2026-01-01\n\n", b"event: ping\ndata: null\n\n"])
async def test_event_of_another_type_is_ignored(upstream: Replay, settings: Settings, event: bytes) -> None:
    upstream.stream(ROLE + event + TEXT + event + FINISH)
    async with client_for(settings) as client:
        assert (await ask(client, stream=True)).body["choices"][0]["message"]["content"] == "so far"


@pytest.mark.parametrize(
    "odd", ["NaN", "-Infinity", "1e400", "1" * 5000, "[" * 300 + "]" * 300], ids=lambda odd: odd[:5]
)
@pytest.mark.parametrize("after", ["", "x"])
async def test_answer_that_cannot_be_passed_on_keeps_its_text(
    upstream: Replay, settings: Settings, odd: str, after: str
) -> None:
    answer = f'{{"choices":[{{"index":0,"message":{{"content":"The answer. {KEY}"}}}}],"odd":{odd}}}{after}'
    upstream.answer(answer.encode())
    error = await failure(settings)
    assert (error["code"], error["billed"]) == ("bad_upstream_response", "unknown")
    assert error["partial"] == "The answer. [removed]"


async def test_answer_nested_too_deeply_keeps_the_text_before(upstream: Replay, settings: Settings) -> None:
    deep = b'{"choices":[{"index":0,"delta":{"x":' + b"[" * 600 + b"]" * 600 + b"}}]}"
    upstream.stream(ROLE + TEXT + b"data: " + deep + b"\n\n" + FINISH)
    error = await failure(settings, stream=True)
    assert (error["code"], error["partial"]) == ("bad_upstream_response", "so far")


async def test_error_of_a_choice_is_the_error_of_the_call(upstream: Replay, settings: Settings) -> None:
    upstream.stream(ROLE + TEXT + b'data: {"choices":[{"index":0,"error":{"code":"api_error","message":"died"}}]}\n\n')
    error = await failure(settings, stream=True)
    assert (error["code"], error["upstream_message"], error["partial"]) == ("api_error", "died", "so far")


async def test_proxies_are_not_used_for_this_machine(
    upstream: Replay, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with client_for(settings) as client:
        assert (await ask(client)).body == COMPLETION


@pytest.mark.parametrize("stream", [False, True])
async def test_refusing_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    async with Replay() as proxy:
        proxy.raw(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass-word@127.0.0.1:{proxy.port}")
        error = await failure(
            Settings(provider="acedata", api_key=KEY, base_url="https://api.example.invalid", max_retries=0),
            stream=stream,
        )
    assert (error["code"], error["billed"]) == ("connection_failed", "no")
    assert "proxy" in error["message"]
    assert "pass-word" not in str(error)


async def test_unusable_proxy_setting_says_what_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://user:pass-word@127.0.0.1:1")
    error = await failure(Settings(provider="acedata", api_key=KEY, base_url="https://api.example.invalid"))
    assert error["code"] == "not_configured"
    assert "HTTPS_PROXY" in error["message"]
    assert "pass-word" not in str(error)


async def test_custom_server_is_called_without_a_key(upstream: Replay) -> None:
    settings = Settings(provider="custom", base_url=f"{upstream.base_url}/v1?api-version=1")
    async with client_for(settings) as client:
        await ask(client, model="llama")
    [request] = upstream.requests
    assert request.path == "/v1/chat/completions?api-version=1"
    assert "authorization" not in request.headers


async def test_time_to_first_text_is_measured_for_streams_only(upstream: Replay, settings: Settings) -> None:
    async with client_for(settings) as client:
        assert (await ask(client)).first_text_after is None
        upstream.stream(recorded("crlf"))
        waited = (await ask(client, stream=True)).first_text_after
    assert waited is not None
    assert 0 < waited < 5


CUSTOM = {"provider": "custom", "api_key": None, "default_model": "m", "max_retries": 0}


async def ask_streamed(client: ChatClient, settings: Settings, **arguments: Any) -> Completion:
    """A call that this server chooses to stream."""
    return await client.complete(read_request({**HELLO, **arguments}, settings.endpoint, progress_wanted=True))


USAGE_REFUSALS: list[tuple[int, Any]] = [
    (400, {"error": {"message": "Unrecognized request argument supplied: stream_options"}}),
    (400, {"error": {"message": "not supported", "param": "stream_options.include_usage"}}),
    (422, {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}),
    (422, {"errors": {"stream_options": ["not allowed"]}}),
    (400, {"error": "unknown field `streamOptions`"}),
]


@pytest.mark.parametrize(("status", "body"), USAGE_REFUSALS)
async def test_refused_usage_option_is_not_sent_again(upstream: Replay, status: int, body: Any) -> None:
    answering = upstream.behave
    refusing = Replay()
    refusing.answer(body, status)

    async def behave(exchange: Exchange) -> None:
        await (refusing.behave if "stream_options" in exchange.request.json else answering)(exchange)

    upstream.behave = behave
    settings = settings_for(upstream, **CUSTOM)
    async with client_for(settings) as client:
        assert (await ask_streamed(client, settings)).attempts == 2
        assert (await ask_streamed(client, settings)).attempts == 1
        assert (await ask_streamed(client, settings, model="another")).attempts == 2
    asked = [request.json.get("stream_options") for request in upstream.requests]
    assert asked == [{"include_usage": True}, None, None, {"include_usage": True}, None]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {}),
        (400, {"error": "Incorrect API key provided"}),
        (400, {"error": {"message": "no", "param": "stop"}}),
        (400, {"error": {"message": "no such model"}}),
        (422, {"detail": "bad", "body": {"stream": True, "stream_options": {"include_usage": True}}}),
        (500, {"error": "stream_options"}),
    ],
)
async def test_other_refusal_is_final(upstream: Replay, status: int, body: Any) -> None:
    upstream.answer(body, status)
    settings = settings_for(upstream, **CUSTOM)
    async with client_for(settings) as client:
        with pytest.raises(GrokError):
            await ask_streamed(client, settings)
    assert len(upstream.requests) == 1


async def test_request_refused_either_way_keeps_the_usage_option(upstream: Replay) -> None:
    upstream.answer({"error": {"message": "stream_options: no such model"}}, 400)
    settings = settings_for(upstream, **CUSTOM)
    async with client_for(settings) as client:
        for _ in range(2):
            with pytest.raises(GrokError) as caught:
                await ask_streamed(client, settings)
            assert caught.value.as_dict()["billed"] == "no"
    assert ["stream_options" in request.json for request in upstream.requests] == [True, False] * 2


@pytest.mark.parametrize(("status", "advised"), [(400, True), (404, True), (410, True), (500, False), (401, False)])
async def test_error_of_a_withdrawn_model_names_its_replacement(upstream: Replay, status: int, advised: bool) -> None:
    upstream.answer({"code": "x", "error": "The model grok-3 does not exist."}, status)
    settings = settings_for(upstream, provider="xai")
    async with client_for(settings) as client:
        with pytest.raises(GrokError) as caught:
            await client.complete(read_request({**HELLO, "model": "grok-3"}, settings.endpoint))
    message = caught.value.as_dict()["message"]
    assert message.endswith("grok-3 has been withdrawn; use grok-4.3.") is advised
