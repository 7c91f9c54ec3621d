"""The sandbox on its port, read by the official OpenAI client and, where bytes matter, by a plain HTTP client."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
import pytest
from anyio.from_thread import start_blocking_portal
from openai.types.chat import ChatCompletion

from mcp_grok.sandbox.answers import FINGERPRINT, NOTICE, REASONING
from mcp_grok.sandbox.faults import ERRORS, HEADER
from mcp_grok.sandbox.serve import running_sandbox
from mcp_grok.upstream.providers import ACEDATA_PATH, OPENAI_PATH, SANDBOX_KEY

PATHS = (OPENAI_PATH, ACEDATA_PATH)
SUFFIX = "/chat/completions"
HELLO = {"model": "grok-4", "messages": [{"role": "user", "content": "Hello"}]}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
OTHER_TOOL = {"type": "function", "function": {"name": "get_time"}}
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}, "language": {"enum": ["en", "de"]}}}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """A sandbox for the whole module, in a thread, since tests have event loops of their own."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running_sandbox(chunk_seconds=0)) as url,
    ):
        yield url


@pytest.fixture
async def http(sandbox: str) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"authorization": f"Bearer {SANDBOX_KEY}"}
    async with httpx2.AsyncClient(base_url=sandbox, headers=headers, verify=False) as client:
        yield client


@dataclass
class Asker:
    """Asks with the official client, plain or streamed."""

    client: openai.AsyncOpenAI
    streamed: bool

    async def __call__(self, said: str | list[Any] = "Hello", **arguments: Any) -> ChatCompletion:
        messages: Any = [{"role": "user", "content": said}] if isinstance(said, str) else said
        arguments = {"model": "grok-4", "messages": messages, **arguments}
        if not self.streamed:
            completion: ChatCompletion = await self.client.chat.completions.create(**arguments)
            return completion
        try:
            async with self.client.chat.completions.stream(**arguments) as stream:
                return await stream.get_final_completion()
        except openai.LengthFinishReasonError as error:
            return error.completion


@pytest.fixture(params=PATHS)
async def official(request: pytest.FixtureRequest, sandbox: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=sandbox + request.param.removesuffix(SUFFIX),
        api_key=SANDBOX_KEY,
        max_retries=0,
        http_client=openai.DefaultAsyncHttpxClient(verify=False),
    ) as client:
        yield client


@pytest.fixture(params=[False, True], ids=["plain", "streamed"])
def ask(request: pytest.FixtureRequest, official: openai.AsyncOpenAI) -> Asker:
    return Asker(official, request.param)


def content_of(completion: ChatCompletion) -> str:
    return completion.choices[0].message.content or ""


async def test_it_says_that_it_is_a_sandbox_and_repeats_what_it_is_told(ask: Asker) -> None:
    completion = await ask()
    assert completion.system_fingerprint == FINGERPRINT
    assert content_of(completion).startswith(NOTICE)
    assert content_of(completion).endswith('You said: "Hello"')
    assert (completion.model, completion.choices[0].finish_reason) == ("grok-4", "stop")
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 4
    assert completion.usage.total_tokens == 4 + completion.usage.completion_tokens


async def test_each_of_n_choices_has_its_own_index_and_text(ask: Asker) -> None:
    texts = [(choice.index, (choice.message.content or "")[-11:]) for choice in (await ask(n=3)).choices]
    assert texts == [(0, 'id: "Hello"'), (1, "(Answer 2.)"), (2, "(Answer 3.)")]


async def test_it_remembers_what_was_said_earlier(ask: Asker) -> None:
    turns = [("user", "Hello"), ("assistant", "What model are you?"), ("user", "What did I just say?")]
    messages = [{"role": role, "content": said} for role, said in turns]
    assert content_of(await ask(messages)) == f'{NOTICE} You said, "Hello."'


@pytest.mark.parametrize(
    ("urls", "seen"),
    [
        (["data:image/png;base64," + base64.b64encode(PIXEL).decode()], "1 image: image/png of 1 x 1 pixels, 70 bytes"),
        (["https://example.com/a.png"], "1 image: one at example.com, which a sandbox does not fetch"),
        (["data:image/gif;base64,R0lG", "data:image/png;base64,!"], "2 images: image/gif, 3 bytes; one whose base64"),
    ],
)
async def test_it_says_which_images_it_received(ask: Asker, urls: list[str], seen: str) -> None:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    completion = await ask([{"role": "user", "content": [{"type": "text", "text": "What is this?"}, *parts]}])
    assert seen in content_of(completion)
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 7 + 256 * len(urls)


async def test_it_calls_a_tool_and_reads_its_result_in_the_second_turn(ask: Asker) -> None:
    asked = {"role": "user", "content": "What is the weather in Paris?"}
    [choice] = (await ask([asked], tools=[TOOL, OTHER_TOOL])).choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    [call] = choice.message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    returned = {"role": "tool", "tool_call_id": call.id, "content": "18 degrees, sunny"}
    answered = await ask([asked, choice.message.model_dump(exclude_none=True), returned], tools=[TOOL, OTHER_TOOL])
    assert content_of(answered) == f"{NOTICE} The tool returned: 18 degrees, sunny"


async def test_a_forced_tool_is_the_one_that_is_called(ask: Asker) -> None:
    forced = {"type": "function", "function": {"name": "get_time"}}
    completion = await ask("get_weather now", tools=[TOOL, OTHER_TOOL], tool_choice=forced)
    [call] = completion.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "get_time"


async def test_json_object_gives_an_object(ask: Asker) -> None:
    answer = json.loads(content_of(await ask(response_format={"type": "json_object"})))
    assert answer == {"note": NOTICE, "you_said": "Hello"}


async def test_json_schema_gives_what_fits_it(ask: Asker) -> None:
    response_format = {"type": "json_schema", "json_schema": {"name": "greeting", "schema": SCHEMA}}
    assert json.loads(content_of(await ask(response_format=response_format))) == {"text": NOTICE, "language": "en"}


async def test_reasoning_effort_brings_reasoning_content_and_its_tokens(ask: Asker) -> None:
    completion = await ask(reasoning_effort="high")
    assert completion.choices[0].message.model_dump()["reasoning_content"] == REASONING
    assert content_of(completion).startswith(NOTICE)
    assert completion.usage is not None
    assert completion.usage.completion_tokens_details is not None
    assert completion.usage.completion_tokens_details.reasoning_tokens


async def test_it_ends_before_a_stop_sequence(ask: Asker) -> None:
    completion = await ask(stop=["never said", "mcp"])
    assert (content_of(completion), completion.choices[0].finish_reason) == ("This is the ", "stop")


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
async def test_a_limit_on_tokens_ends_the_answer_with_length(ask: Asker, limit: str) -> None:
    limits: Any = {limit: 3}
    completion = await ask(**limits)
    assert (content_of(completion), completion.choices[0].finish_reason) == ("This is the", "length")
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 3


@pytest.mark.parametrize("path", PATHS)
async def test_a_stream_has_the_documented_shape(http: httpx2.AsyncClient, path: str) -> None:
    plain = (await http.post(path, json=HELLO)).json()
    assert plain["id"].startswith("foaicmpl-" if path == ACEDATA_PATH else "cmpl-")
    response = await http.post(path, json={**HELLO, "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    *events, done, after = response.text.split("\n\n")
    assert (done, after) == ("data: [DONE]", "")
    role, *contents, finish, last = [json.loads(event.removeprefix("data: ")) for event in events]
    assert role["choices"] == [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None, "logprobs": None}]
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in contents)
    assert text == plain["choices"][0]["message"]["content"]
    assert (finish["choices"][0]["finish_reason"], finish["choices"][0]["delta"]) == ("stop", {})
    counts = ("prompt_tokens", "completion_tokens", "total_tokens")
    assert [finish["usage"][count] for count in counts] == [0, 0, 0]
    assert (last["choices"], last["usage"]) == ([], plain["usage"])
    heads = {(chunk["id"], chunk["object"]) for chunk in (role, *contents, finish, last)}
    assert heads == {(role["id"], "chat.completion.chunk")}


@pytest.mark.parametrize("by_header", [False, True], ids=["model", "header"])
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ERRORS)
async def test_a_documented_error_comes_in_its_providers_form(
    http: httpx2.AsyncClient, name: str, path: str, by_header: bool
) -> None:
    model, headers = ("grok-4", {HEADER: name}) if by_header else (f"sandbox-{name}", {})
    response = await http.post(path, json={**HELLO, "model": model, "stream": True}, headers=headers)
    assert response.status_code == ERRORS[name].status
    body = response.json()
    said = {"code": name, "message": ERRORS[name].message}
    if path == ACEDATA_PATH:
        assert body == {"success": False, "error": said, "trace_id": body["trace_id"]}
    else:
        assert body == {"error": {**said, "type": "api_error", "param": None}}


async def test_an_error_is_read_by_the_official_client(ask: Asker) -> None:
    with pytest.raises(openai.RateLimitError, match="exceeded the rate limit") as caught:
        await ask(model="sandbox-too_many_requests")
    assert caught.value.code == "too_many_requests"


@pytest.mark.parametrize("key", [{"authorization": "Bearer wrong"}, {"authorization": SANDBOX_KEY}, {}])
@pytest.mark.parametrize("path", PATHS)
async def test_a_wrong_or_missing_key_is_answered_with_401(sandbox: str, path: str, key: dict[str, str]) -> None:
    async with httpx2.AsyncClient(headers=key, verify=False) as client:
        response = await client.post(sandbox + path, json=HELLO)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (401, "invalid_token")
    assert SANDBOX_KEY in error["message"]


async def test_a_cut_connection_is_no_answer(ask: Asker) -> None:
    with pytest.raises(openai.APIConnectionError):
        await ask(model="sandbox-cut")


@pytest.mark.parametrize("fault", ["slow:0", "stall:0"])
async def test_silence_of_no_length_changes_nothing(ask: Asker, fault: str) -> None:
    assert content_of(await ask(model=f"sandbox-{fault}")) == content_of(await ask())


@pytest.mark.parametrize(
    ("fault", "begins", "error"),
    [("slow:3", 0, httpx2.ReadTimeout), ("stall", 1, httpx2.ReadTimeout), ("cut", 1, httpx2.RemoteProtocolError)],
)
async def test_silence_or_an_end_comes_before_the_answer_or_in_its_middle(
    http: httpx2.AsyncClient, fault: str, begins: int, error: type[Exception]
) -> None:
    body = {**HELLO, "model": f"sandbox-{fault}", "stream": True}
    received: list[str] = []

    async def read() -> None:
        async with http.stream("POST", OPENAI_PATH, json=body, timeout=0.5) as response:
            async for text in response.aiter_text():
                received.append(text)  # noqa: PERF401 - what came before the silence must be kept

    with pytest.raises(error):
        await read()
    assert bool(received) == bool(begins)
    assert "[DONE]" not in "".join(received)


@pytest.mark.parametrize(
    ("fault", "broken"), [("malformed", '{"choices": [{"delta": {"conte'), ("stream_error", '{"error": {')]
)
async def test_a_stream_can_break_in_its_middle(http: httpx2.AsyncClient, fault: str, broken: str) -> None:
    response = await http.post(OPENAI_PATH, json={**HELLO, "model": f"sandbox-{fault}", "stream": True})
    before, found, _ = response.text.partition(f"data: {broken}")
    assert (before.count("data: {") > 5, bool(found)) == (True, True)


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_error_can_come_under_200_and_a_page_under_502(http: httpx2.AsyncClient, streamed: bool) -> None:
    error = await http.post(ACEDATA_PATH, json={**HELLO, "model": "sandbox-success_false", "stream": streamed})
    assert (error.status_code, error.json()["success"]) == (200, False)
    page = await http.post(ACEDATA_PATH, json={**HELLO, "model": "sandbox-html", "stream": streamed})
    assert (page.status_code, page.headers["content-type"]) == (502, "text/html; charset=utf-8")


OUT_OF_RANGE: list[tuple[str, Any]] = [
    *[("n", value) for value in (0, 129, 1.5, "2", True)],
    *[(name, value) for name in ("max_tokens", "max_completion_tokens") for value in (0, 1.5)],
    *[("temperature", -0.1), ("temperature", 2.1), ("top_p", -0.1), ("top_p", 1.1)],
    *[(f"{name}_penalty", value) for name in ("presence", "frequency") for value in (-2.1, 2.1)],
    *[("top_logprobs", -1), ("top_logprobs", 21)],
]


@pytest.mark.parametrize(("name", "value"), OUT_OF_RANGE)
async def test_a_number_out_of_its_range_is_refused(http: httpx2.AsyncClient, name: str, value: Any) -> None:
    response = await http.post(ACEDATA_PATH, json={**HELLO, name: value})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")
    assert response.json()["error"]["message"].startswith(f"{name} must be ")
