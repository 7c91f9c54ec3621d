"""The sandbox's completions for each API, read by the official OpenAI client, plain and streamed."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from mcp_grok.sandbox.answers import NOTICE, REASONING
from mcp_grok.sandbox.chat_completion import FINGERPRINT
from tests.sandbox.conftest import Asker

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
OTHER_TOOL = {"type": "function", "function": {"name": "get_time"}}
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}, "language": {"enum": ["en", "de"]}}}
PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def content_of(completion: ChatCompletion) -> str:
    return completion.choices[0].message.content or ""


def calls_of(completion: ChatCompletion) -> list[tuple[str, Any]]:
    calls = completion.choices[0].message.tool_calls or []
    return [(call.function.name, json.loads(call.function.arguments)) for call in calls if call.type == "function"]


def images(*urls: str) -> list[dict[str, Any]]:
    return [{"type": "image_url", "image_url": {"url": url}} for url in urls]


async def test_answer_says_that_it_is_a_sandbox(ask: Asker) -> None:
    completion = await ask()
    assert completion.system_fingerprint == FINGERPRINT
    assert content_of(completion).startswith(NOTICE)
    assert content_of(completion).endswith('You said: "Hello"')
    assert (completion.model, completion.choices[0].finish_reason) == ("grok-4", "stop")
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 4
    assert completion.usage.total_tokens == 4 + completion.usage.completion_tokens


async def test_choices_have_their_own_index_and_text(ask: Asker) -> None:
    texts = [(choice.index, (choice.message.content or "")[-11:]) for choice in (await ask(n=3)).choices]
    assert texts == [(0, 'id: "Hello"'), (1, "(Answer 2.)"), (2, "(Answer 3.)")]


async def test_earlier_message_is_remembered(ask: Asker) -> None:
    turns = [("user", "Hello"), ("assistant", "Hi!"), ("user", "What did I just say?")]
    messages = [{"role": role, "content": content} for role, content in turns]
    assert content_of(await ask(messages)) == f'{NOTICE} You said, "Hello."'


@pytest.mark.parametrize(
    ("urls", "seen"),
    [
        ([PIXEL], "1 image: image/png of 1 x 1 pixels, 70 bytes"),
        (["https://example.com/a.png"], "1 image: one at example.com, which a sandbox does not fetch"),
        (["data:image/jpeg;base64,/9j/", "data:image/png;base64,!"], "2 images: image/jpeg, 3 bytes; one whose base64"),
    ],
)
async def test_images_are_acknowledged(ask: Asker, urls: list[str], seen: str) -> None:
    completion = await ask([{"role": "user", "content": [{"type": "text", "text": "What is this?"}, *images(*urls)]}])
    assert seen in content_of(completion)
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 7 + 256 * len(urls)


async def test_tool_call_and_its_result(ask: Asker) -> None:
    asked = {"role": "user", "content": "What is the weather in Paris?"}
    completion = await ask([asked], tools=[TOOL, OTHER_TOOL])
    assert calls_of(completion) == [("get_weather", {"city": "Paris"})]
    [choice] = completion.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    [call] = choice.message.tool_calls or []
    returned = {"role": "tool", "tool_call_id": call.id, "content": "18 degrees, sunny"}
    answered = await ask([asked, choice.message.model_dump(exclude_none=True), returned], tools=[TOOL, OTHER_TOOL])
    assert content_of(answered) == f"{NOTICE} The tool returned: 18 degrees, sunny"


async def test_forced_tool_is_called(ask: Asker) -> None:
    forced = {"type": "function", "function": {"name": "get_time"}}
    completion = await ask("get_weather now", tools=[TOOL, OTHER_TOOL], tool_choice=forced)
    assert calls_of(completion) == [("get_time", {})]


@pytest.mark.parametrize("choice", ["auto", "required"])
async def test_parallel_tool_calls_and_their_results(ask: Asker, choice: str) -> None:
    asked = {"role": "user", "content": "get_weather and get_time in Paris"}
    completion = await ask([asked], tools=[TOOL, OTHER_TOOL], tool_choice=choice)
    assert calls_of(completion) == [("get_weather", {"city": "Paris"}), ("get_time", {})]
    message = completion.choices[0].message
    contents: list[Any] = ["18 degrees", [{"type": "text", "text": "12:30"}, *images(PIXEL)]]
    returned = [
        {"role": "tool", "tool_call_id": call.id, "content": content}
        for call, content in zip(message.tool_calls or [], contents, strict=True)
    ]
    answered = await ask([asked, message.model_dump(exclude_none=True), *returned])
    assert content_of(answered).startswith(f"{NOTICE} The tools returned: 18 degrees; 12:30 It cannot see, but it ")
    assert "1 image: image/png of 1 x 1 pixels" in content_of(answered)


async def test_parallel_tool_calls_can_be_turned_off(ask: Asker) -> None:
    completion = await ask("get_weather, get_time", tools=[TOOL, OTHER_TOOL], parallel_tool_calls=False)
    assert [name for name, _ in calls_of(completion)] == ["get_weather"]


async def test_json_object(ask: Asker) -> None:
    answer = json.loads(content_of(await ask(response_format={"type": "json_object"})))
    assert answer == {"note": NOTICE, "you_said": "Hello"}


async def test_json_schema(ask: Asker) -> None:
    response_format = {"type": "json_schema", "json_schema": {"name": "greeting", "schema": SCHEMA}}
    assert json.loads(content_of(await ask(response_format=response_format))) == {"text": NOTICE, "language": "en"}


async def test_reasoning_and_its_tokens(ask: Asker) -> None:
    completion = await ask(reasoning_effort="high")
    assert completion.choices[0].message.model_dump()["reasoning_content"] == REASONING
    assert content_of(completion).startswith(NOTICE)
    assert completion.usage is not None
    assert completion.usage.completion_tokens_details is not None
    assert completion.usage.completion_tokens_details.reasoning_tokens


async def test_answer_ends_before_a_stop_sequence(ask: Asker) -> None:
    completion = await ask(stop=["never said", "mcp"])
    assert (content_of(completion), completion.choices[0].finish_reason) == ("This is the ", "stop")


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
async def test_token_limit_ends_with_length(ask: Asker, limit: str) -> None:
    limits: Any = {limit: 3}
    completion = await ask(**limits)
    assert (content_of(completion), completion.choices[0].finish_reason) == ("This is the", "length")
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 3
