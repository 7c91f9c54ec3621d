"""The sandbox's responses, read by the official OpenAI client, plain and streamed."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import openai
import pytest
from openai.types.responses import Response

from mcp_grok.providers import PROVIDERS, SANDBOX_KEY
from mcp_grok.sandbox.answers import NOTICE, REASONING
from mcp_grok.sandbox.apis import APIS, Api
from tests.sandbox.streams import chunks_of

Respond = Callable[..., Awaitable[Response]]

QUESTION: dict[str, Any] = {"model": "grok-4.7", "input": "What is new?"}
WEB, X = {"type": "web_search"}, {"type": "x_search"}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def api() -> Api:
    """The API whose responses these are."""
    return APIS["xai"]


@pytest.fixture(params=[False, True], ids=["plain", "streamed"])
def respond(request: pytest.FixtureRequest, official: openai.AsyncOpenAI) -> Respond:
    """Calls the API with the official client."""

    async def call(content: Any = "What is new?", **parameters: Any) -> Response:
        given = {**QUESTION, "input": content, **parameters}
        if not request.param:
            response: Response = await official.responses.create(**given)
            return response
        *_, last = [event async for event in await official.responses.create(**given, stream=True)]
        assert last.type in ("response.completed", "response.incomplete")
        ended: Response = last.response
        return ended

    return call


async def post(http: httpx2.AsyncClient, api: Api, **changes: Any) -> httpx2.Response:
    """Posts a body as it is."""
    return await http.post(api.responses_path, json={**QUESTION, **changes})


def items(response: Response) -> list[dict[str, Any]]:
    """The items as they came."""
    return [item.model_dump(exclude_unset=True) for item in response.output]


def kinds(response: Response) -> list[str]:
    """The types of the items."""
    return [item["type"] for item in items(response)]


def function_calls(response: Response) -> list[tuple[str, Any]]:
    """The names and arguments of the function calls."""
    calls = [item for item in items(response) if item["type"] == "function_call"]
    return [(item["name"], json.loads(item["arguments"])) for item in calls]


def test_client_finds_each_responses_api() -> None:
    for name in ("xai", "custom"):
        url = PROVIDERS[name].completions_url(f"http://sandbox{APIS[name].base}")
        assert PROVIDERS[name].responses_url(url) == f"http://sandbox{APIS[name].responses_path}"
    paths = [api.responses_path for api in APIS.values()]
    assert paths == ["/grok/responses", "", "/xai/v1/responses", "/v1/responses"]


async def test_api_without_responses_has_no_such_address(http: httpx2.AsyncClient) -> None:
    assert (await http.post("/llmprovider/v1/responses", json=QUESTION)).status_code == 404


async def test_text_cites_a_source_of_each_search(respond: Respond) -> None:
    response = await respond(tools=[WEB, X])
    assert kinds(response) == ["web_search_call", "custom_tool_call", "message"]
    assert response.output_text.startswith(NOTICE)
    web, of_x, message = items(response)
    [part] = message["content"]
    notes = part["annotations"]
    cited = [(note["title"], note["url"], part["text"][note["start_index"] : note["end_index"]]) for note in notes]
    assert cited == [
        ("1", "https://example.com/web", "[[1]](https://example.com/web)"),
        ("2", "https://example.com/x", "[[2]](https://example.com/x)"),
    ]
    assert web["action"]["query"] == "What is new?"
    assert (of_x["name"], json.loads(of_x["input"])) == ("x_keyword_search", {"query": "What is new?"})


@pytest.mark.parametrize(
    ("content", "parameters"),
    [
        ("What is new?", {}),
        ("What is new? Do not search.", {"tools": [WEB]}),
        ("Without searching, what is new?", {"tools": [WEB, X]}),
        ("What is new?", {"tools": [WEB], "tool_choice": "none"}),
    ],
)
async def test_no_search_without_a_tool_or_against_the_question(
    respond: Respond, content: str, parameters: dict[str, Any]
) -> None:
    response = await respond(content, **parameters)
    assert kinds(response) == ["message"]
    assert "example.com" not in response.output_text


async def test_usage_counts_tokens_and_searches(http: httpx2.AsyncClient, api: Api) -> None:
    searched = (await post(http, api, input="Hello", tools=[WEB], reasoning={"effort": "low"})).json()["usage"]
    details = searched.pop("server_side_tool_usage_details")
    assert details == {"web_search_calls": 1, "x_search_calls": 0}
    plain = (await post(http, api, input="Hello")).json()["usage"]
    assert plain == {
        "input_tokens": 4,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 31,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 35,
        "num_sources_used": 0,
        "num_server_side_tools_used": 0,
        "server_side_tool_usage_details": {"web_search_calls": 0, "x_search_calls": 0},
        "cost_in_usd_ticks": 0,
    }
    assert searched["num_server_side_tools_used"] == 1
    reasoning = searched["output_tokens_details"]["reasoning_tokens"]
    assert 0 < reasoning < searched["output_tokens"]


async def test_reasoning_comes_first(respond: Respond) -> None:
    response = await respond(reasoning={"effort": "high"}, tools=[WEB])
    assert kinds(response) == ["reasoning", "web_search_call", "message"]
    assert items(response)[0]["summary"][0]["text"] == REASONING


async def test_function_call_and_its_result(respond: Respond) -> None:
    response = await respond("get_weather in Paris", tools=[WEB, WEATHER])
    assert function_calls(response) == [("get_weather", {"city": "Paris"})]
    assert kinds(response) == ["web_search_call", "function_call"]
    call = items(response)[-1]
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "18 degrees"}
    question = {"role": "user", "content": [{"type": "input_text", "text": "get_weather in Paris"}]}
    response = await respond([question, call, result], tools=[WEB, WEATHER])
    assert kinds(response) == ["message"]
    assert response.output_text == f"{NOTICE} The tool returned: 18 degrees"


async def test_function_can_be_chosen(respond: Respond) -> None:
    clock = {**WEATHER, "name": "get_time"}
    response = await respond(tools=[WEATHER, clock], tool_choice={"type": "function", "name": "get_time"})
    assert [name for name, _ in function_calls(response)] == ["get_time"]


async def test_image_is_acknowledged(respond: Respond) -> None:
    image = {"type": "input_image", "image_url": "https://example.com/a.png"}
    response = await respond([{"role": "user", "content": [{"type": "input_text", "text": "What is this?"}, image]}])
    assert "1 image: one at example.com" in response.output_text


async def test_text_has_the_requested_form(respond: Respond) -> None:
    schema = {"type": "object", "properties": {"language": {"enum": ["en", "de"]}}}
    form = {"type": "json_schema", "name": "answer", "schema": schema}
    response = await respond(text={"format": form}, tools=[WEB])
    assert json.loads(response.output_text) == {"language": "en"}


async def test_token_limit_leaves_the_response_incomplete(respond: Respond) -> None:
    response = await respond(max_output_tokens=3, tools=[WEB])
    assert (response.output_text, response.status) == ("This is the", "incomplete")
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert items(response)[-1]["content"][0]["annotations"] == []


async def test_stored_response_is_continued(respond: Respond) -> None:
    first = await respond("Hello")
    second = await respond("What did I just say?", previous_response_id=first.id)
    assert second.output_text == f'{NOTICE} You said, "Hello."'
    assert second.previous_response_id == first.id
    third = await respond("What did I just say?", previous_response_id=second.id, store=False)
    assert third.output_text == f'{NOTICE} You said, "What did I just say?."'


async def test_response_that_is_not_stored_is_not_found(http: httpx2.AsyncClient, api: Api) -> None:
    unstored = (await post(http, api, store=False)).json()
    for stream in (False, True):
        response = await post(http, api, previous_response_id=unstored["id"], stream=stream)
        error = f"Response with id={unstored['id']} not found."
        assert (response.status_code, response.json()) == (
            404,
            {"code": "Some requested entity was not found", "error": error},
        )


async def test_stream_is_the_plain_response_in_events(http: httpx2.AsyncClient, api: Api) -> None:
    asked: dict[str, Any] = {"tools": [WEB, X, WEATHER], "reasoning": {"effort": "low"}, "tool_choice": "required"}
    for tools in (asked, {**asked, "tools": [WEB, X]}):
        plain = (await post(http, api, **tools)).json()
        events = chunks_of(await post(http, api, stream=True, **tools))
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        first, second, *_, last = events
        assert [first["type"], second["type"]] == ["response.created", "response.in_progress"]
        assert (first["response"]["status"], first["response"]["output"]) == ("in_progress", [])
        assert without_ids(last) == {
            "type": "response.completed",
            "response": without_ids(plain),
            "sequence_number": len(events) - 1,
        }
        done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
        assert done == last["response"]["output"]


def without_ids(value: Any) -> Any:
    """A response, or an event, without what differs between two of them."""
    if isinstance(value, dict):
        return {name: without_ids(one) for name, one in value.items() if name not in ("id", "created_at")}
    return [without_ids(one) for one in value] if isinstance(value, list) else value


async def test_deltas_and_annotations_are_those_of_the_item(http: httpx2.AsyncClient, api: Api) -> None:
    events = chunks_of(await post(http, api, stream=True, tools=[WEB], reasoning={"effort": "low"}))
    reasoning, _, message = events[-1]["response"]["output"]
    deltas = {
        name: "".join(event["delta"] for event in events if event["type"] == f"response.{name}.delta")
        for name in ("reasoning_summary_text", "output_text")
    }
    assert deltas == {"reasoning_summary_text": REASONING, "output_text": message["content"][0]["text"]}
    assert reasoning["summary"] == [{"type": "summary_text", "text": REASONING}]
    notes = [event["annotation"] for event in events if event["type"] == "response.output_text.annotation.added"]
    assert notes == message["content"][0]["annotations"]
    order = [event["type"].removeprefix("response.") for event in events if event.get("output_index") == 1]
    states = [f"web_search_call.{state}" for state in ("in_progress", "searching", "completed")]
    assert order == ["output_item.added", *states, "output_item.done"]


async def test_response_fits_the_official_types(http: httpx2.AsyncClient, api: Api) -> None:
    for tools in ([WEB, WEATHER], [WEB]):
        body = (await post(http, api, tools=tools, reasoning={"effort": "low"})).json()
        # They require counts in the usage that xAI does not send.
        assert len(Response.model_validate({**body, "usage": None}).output) == 3


@pytest.mark.parametrize("stream", [False, True])
async def test_fault_is_the_one_of_completions(http: httpx2.AsyncClient, api: Api, stream: bool) -> None:
    for code in ("bad_request", "used_up", "timeout"):
        faulty = {"model": f"sandbox-{code}", "stream": stream}
        response = await post(http, api, **faulty)
        chat = await http.post(api.path, json={**faulty, "messages": [{"role": "user", "content": "Hello"}]})
        assert (response.status_code, response.json()) == (chat.status_code, chat.json())
    with pytest.raises(httpx2.RemoteProtocolError):
        await post(http, api, model="sandbox-cut", stream=stream)


async def test_error_in_the_middle_of_a_stream(http: httpx2.AsyncClient, api: Api) -> None:
    response = await post(http, api, model="sandbox-stream_error", stream=True)
    before, found, _ = response.text.partition('data: {"code": "Internal error", "error": "fetch failed"}')
    assert found
    assert "response.output_text.delta" in before


async def test_wrong_key_is_refused(sandbox: str, api: Api) -> None:
    async with httpx2.AsyncClient(verify=False) as client:
        response = await client.post(sandbox + api.responses_path, json=QUESTION)
        wrong = {"authorization": f"Bearer not-{SANDBOX_KEY}"}
        other = await client.post(sandbox + api.responses_path, json=QUESTION, headers=wrong)
    assert (response.status_code, other.status_code) == (400, 400)


MALFORMED: list[tuple[str, Any]] = [
    *[("model", value) for value in (None, "", 4)],
    *[("input", value) for value in (None, [], 5, ["Hello"], [{"content": "Hello"}], [{"type": "reasoning"}])],
    *[("input", [{"role": "user", "content": value}]) for value in (5, ["Hello"], [{"type": "input_image"}])],
    ("input", [{"type": "function_call_output", "output": 5}]),
    *[("max_output_tokens", value) for value in (0, "many")],
    *[("tools", value) for value in (5, ["get_weather"], [{"type": "function"}])],
    ("tool_choice", 5),
    ("text", {"format": "json_object"}),
    ("reasoning", {"effort": 5}),
    ("previous_response_id", 5),
    ("store", "maybe"),
]


@pytest.mark.parametrize(("name", "value"), MALFORMED)
async def test_malformed_parameter_is_refused(http: httpx2.AsyncClient, name: str, value: Any) -> None:
    response = await http.post(APIS["custom"].responses_path, json={**QUESTION, name: value})
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (400, "bad_request", name)
