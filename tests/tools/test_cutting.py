import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp_types import CallToolResult, ResourceLink, TextContent, TextResourceContents

from mcp_grok.server import create_server
from mcp_grok.tools.cutting import compact, cut, fits, fits_as_json, prefix
from tests.chat import CHAT, GET, HELLO, LIMIT, completion, use
from tests.conftest import settings_for
from tests.replay import Replay

TEXTS = st.text(st.sampled_from('a"\\\n\u0000é€😀 '), max_size=6000)


def bytes_of(value: Any) -> int:
    """The size of a value as compact JSON."""
    return len(compact(value).encode())


def cut_to(body: dict[str, Any], limit: int = LIMIT) -> dict[str, Any]:
    """The body, cut to the limit."""
    short, summary = cut(body, "grok-x", limit)
    assert bytes_of(short) <= limit
    assert summary["missing"]
    return short


@given(TEXTS, st.integers(0, 3000))
def test_prefix_is_the_longest_that_fits(text: str, room: int) -> None:
    shown = prefix(text, room)
    assert text.startswith(shown)
    assert not shown or bytes_of(shown) <= room
    assert shown == text or bytes_of(text[: len(shown) + 1]) > room


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.none() | st.booleans() | TEXTS))
def test_value_fits_by_the_bytes_of_its_json(values: list[Any]) -> None:
    size = bytes_of({"values": values})
    assert fits_as_json({"values": values}, size)
    assert not fits_as_json({"values": values}, size - 1)


def test_many_small_numbers_are_cut_to_the_limit() -> None:
    body = completion("The answer.", logprobs=[1e-05, -1.2e-05] * 5000)
    assert len(cut_to(body)["choices"][0]["message"]["logprobs"]) < 10_000


@given(TEXTS, st.integers(1, 9000))
def test_text_fits_by_its_bytes(text: str, limit: int) -> None:
    assert fits(text, limit) == (len(text.encode()) <= limit)
    assert fits(text, 0)


@given(st.lists(TEXTS, min_size=1, max_size=3), TEXTS, st.sampled_from([2000, 8000]))
def test_cut_texts_fit_and_say_how_much_is_missing(contents: list[str], reasoning: str, limit: int) -> None:
    whole = completion(*contents, reasoning_content=reasoning)
    if bytes_of(whole) <= limit:
        return
    short = cut_to(whole, limit)
    assert {**short, "choices": None} == {**whole, "choices": None}
    for before, after in zip(whole["choices"], short["choices"], strict=False):
        for key in ("content", "reasoning_content"):
            text, shown = before["message"][key], after["message"][key]
            if shown not in (text, "[cut]"):
                beginning, _, note = shown.partition("\n\n[Cut here: ")
                assert text.startswith(beginning)
                assert note.startswith(f"{len(text) - len(beginning)} of {len(text)} characters are missing.")
                assert "grok://completions/grok-x" in note


def test_short_texts_stay_whole_beside_a_long_one() -> None:
    short = cut_to(completion("a" * 5000, "brief", reasoning_content="thought"))
    assert short["choices"][1]["message"]["content"] == "brief"
    assert short["choices"][0]["message"]["reasoning_content"] == "thought"
    assert short["choices"][0]["message"]["content"].startswith("a" * 1000)


WORDS = st.text(st.sampled_from('a"\\\n\u0000é€😀 '), max_size=300)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
    max_leaves=30,
)
LISTS = st.builds(lambda item, count: [item] * count, JSON, st.integers(0, 200))


@given(
    st.dictionaries(st.sampled_from(["reasoning", "images", "x", "name"]), JSON | LISTS | TEXTS),
    JSON | LISTS,
    st.integers(2000, 9000),
)
def test_answer_of_any_form_is_cut_to_the_limit(fields: dict[str, Any], added: Any, limit: int) -> None:
    whole = {**completion("The answer.", **fields), "added": added}
    if bytes_of(whole) > limit:
        short = cut_to(whole, limit)
        assert {**short, "choices": None, "added": None} == {**whole, "choices": None, "added": None}
        [choice] = short["choices"]
        assert (choice["index"], choice["finish_reason"]) == (0, "stop")
        assert (choice["message"]["role"], choice["message"]["content"]) == ("assistant", "The answer.")


DETAIL = {"type": "reasoning.text", "text": "a word ", "format": "unknown", "index": 0}
TOKEN = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [{"token": "b", "logprob": -1.5, "bytes": [98]}]}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"name": "Ada"}'}}
CITED = {"type": "url_citation", "url_citation": {"url": "https://example.com/a", "title": "A"}}


@pytest.mark.parametrize(
    ("name", "items", "least"),
    [
        ("reasoning_details", [DETAIL] * 4000, 10),
        ("logprobs", [TOKEN] * 3000, 5),
        ("annotations", [CITED] * 500, 5),
        ("citations", ["https://example.com/page"] * 500, 20),
        ("tool_calls", [CALL] * 128, 5),
        ("token_ids", list(range(5000)), 100),
        ("vectors", [[0.25] * 50] * 200, 2),
    ],
)
def test_first_items_of_a_long_list_stay_whole(name: str, items: list[Any], least: int) -> None:
    whole = completion("The answer.", **{name: items})
    short, summary = cut(whole, "grok-x", LIMIT)
    shown = short["choices"][0]["message"][name]
    assert bytes_of(short) <= LIMIT
    assert len(shown) >= least
    assert shown[:-1] == items[: len(shown) - 1]
    missing = f"{len(items) - len(shown)} of {len(items)} items are missing"
    assert summary["missing"] == {f"choices[0].message.{name}": missing}
    if "a" in compact(items):
        assert f"[Cut here: {missing}. The whole: grok://completions/grok-x.]" in compact(shown[-1])


@pytest.mark.parametrize("arguments", [json.dumps({"text": "a" * 9000}), "{}" + " " * 9000, {"text": "a" * 9000}])
@pytest.mark.parametrize("calls", [1, 3])
def test_cut_arguments_are_no_arguments(arguments: Any, calls: int) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "write", "arguments": arguments}}
    short = cut_to(completion("", tool_calls=[call] * calls))
    for shown in short["choices"][0]["message"]["tool_calls"]:
        assert {**shown, "function": None} == {**call, "function": None}
        assert shown["function"]["name"] == "write"
        assert shown["function"]["arguments"].strip().startswith("[Cut here: ")
        with pytest.raises(ValueError, match="Expecting value"):
            json.loads(shown["function"]["arguments"])


def test_cut_image_leaves_its_room_to_the_text() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBO" * 5000}}
    message = cut_to(completion("word " * 300, images=[image]))["choices"][0]["message"]
    assert message["content"] == "word " * 300
    assert message["images"][0]["image_url"]["url"].startswith("data:image/png;base64,\n\n[Cut here: 20000 of 20022 ")
    assert "grok://completions/grok-x" in message["images"][0]["image_url"]["url"]


def test_text_about_data_uris_is_cut_like_any_text() -> None:
    text = "data: an event, and more. " * 200
    assert cut_to(completion(text))["choices"][0]["message"]["content"].startswith(text[:1000])


def test_answers_over_the_limit_together_are_all_shown() -> None:
    choices = cut_to(completion(*["word " * 500] * 128), 100_000)["choices"]
    assert len(choices) == 128
    assert all("offset" in choice["message"]["content"] for choice in choices)


def test_last_answers_are_left_out_where_the_limit_is_too_small() -> None:
    choices = cut_to(completion(*["word " * 500] * 128))["choices"]
    assert 1 <= len(choices) < 128
    assert f"{128 - len(choices)} of 128 items are missing" in choices[-1]["message"]["content"]


def test_summary_of_cut_places_is_bounded() -> None:
    whole = completion(*["word " * 500] * 100, **{"x" * 3000: "y" * 3000})
    _, summary = cut(whole, "grok-x", 100_000)
    assert summary["whole"] == "grok://completions/grok-x"
    assert len(summary["missing"]) == 21
    assert summary["missing"]["…"].endswith("more places")
    assert bytes_of(summary) < 10_000


@pytest.mark.parametrize("depth", [40, 900])
def test_deeply_nested_answer_is_cut(depth: int) -> None:
    deep: Any = "a" * 5000
    for level in range(depth):
        deep = [deep] if level % 2 else {"deeper": deep}
    message = cut_to(completion("The answer.", deep=deep))["choices"][0]["message"]
    assert message["content"] == "The answer."


LONG = "Ü\n" * 4000


@pytest.fixture
def long_answer(upstream: Replay) -> Replay:
    """An upstream that gives a long answer."""
    upstream.answer(completion(LONG, "other " * 2000))
    return upstream


async def call(client: Client, **arguments: Any) -> CallToolResult:
    """A call of the chat tool."""
    return await client.call_tool(CHAT, {**HELLO, **arguments})


async def test_parts_of_a_cut_answer_make_it_whole(long_answer: Replay) -> None:
    async with Client(create_server(settings_for(long_answer, max_result_bytes=LIMIT))) as client:
        result = await call(client)
        block, link = result.content
        assert isinstance(block, TextContent)
        assert isinstance(link, ResourceLink)
        assert not result.is_error
        assert len(block.text.encode()) <= LIMIT
        summary = (result.meta or {})["mcp-grok/cut"]
        assert (summary["whole"], len(summary["missing"])) == (link.uri, 2)
        for choice, text in enumerate((LONG, "other " * 2000)):
            shown = json.loads(block.text)["choices"][choice]["message"]["content"]
            beginning, _, note = shown.rpartition("\n\n[Cut here: ")
            arguments = json.loads(note[note.index("{") : note.rindex("}") + 1])
            assert arguments["offset"] == len(beginning)
            while arguments:
                part, is_error = await use(client, GET, arguments)
                assert not is_error
                assert (part["object"], part["offset"]) == ("chat.completion.part", len(beginning))
                assert bytes_of(part) <= LIMIT
                beginning += part["text"]
                arguments = part["next"] and part["next"]["arguments"]
            assert beginning == text
        again = await client.call_tool(GET, {"id": link.name})
        assert again.content == result.content
    assert len(long_answer.requests) == 1


async def test_part_out_of_range_is_refused(long_answer: Replay) -> None:
    async with Client(create_server(settings_for(long_answer, max_result_bytes=LIMIT))) as client:
        link = (await call(client)).content[1]
        assert isinstance(link, ResourceLink)
        for wrong in ({"offset": 8001}, {"offset": -1}, {"offset": 0, "choice": 2}, {"offset": "x"}):
            answer, is_error = await use(client, GET, {"id": link.name, **wrong})
            assert is_error
            assert (answer["error"]["code"], answer["error"]["param"]) == ("invalid_request", [*wrong][-1])


async def test_cut_text_of_a_failed_call_can_be_read_whole(upstream: Replay) -> None:
    chunk = json.dumps({"choices": [{"index": 0, "delta": {"content": LONG}}]})
    upstream.stream(f"data: {chunk}\n\n".encode(), whole=False)
    async with Client(create_server(settings_for(upstream, max_result_bytes=LIMIT))) as client:
        result = await call(client, stream=True)
        block, link = result.content
        assert isinstance(block, TextContent)
        assert isinstance(link, ResourceLink)
        assert result.is_error
        assert len(block.text.encode()) <= LIMIT
        assert list((result.meta or {})["mcp-grok/cut"]["missing"]) == ["error.partial"]
        partial = json.loads(block.text)["error"]["partial"]
        assert LONG.startswith(partial.rpartition("\n\n[Cut here: ")[0])
        pages, uri = "", link.uri
        while uri:
            [page] = (await client.read_resource(uri)).contents
            assert isinstance(page, TextResourceContents)
            pages += page.text
            uri = (page.meta or {}).get("mcp-grok/next", "")
    assert json.loads(pages)["error"]["partial"] == LONG


async def test_structured_content_is_cut_like_the_text(long_answer: Replay) -> None:
    async with Client(create_server(settings_for(long_answer, max_result_bytes=LIMIT, structured=True))) as client:
        result = await call(client)
    block = result.content[0]
    assert isinstance(block, TextContent)
    assert result.structured_content == json.loads(block.text)


async def test_without_a_limit_nothing_is_cut(long_answer: Replay) -> None:
    async with Client(create_server(settings_for(long_answer, max_result_bytes=0))) as client:
        [block] = (await call(client)).content
        assert isinstance(block, TextContent)
        assert json.loads(block.text)["choices"][0]["message"]["content"] == LONG
        tools = (await client.list_tools()).tools
    assert tools[0].meta == {"anthropic/maxResultSizeChars": 500_000}


async def test_listing_tells_claude_code_the_size_of_results(long_answer: Replay) -> None:
    async with Client(create_server(settings_for(long_answer))) as client:
        tools = (await client.list_tools()).tools
    assert tools[0].meta == {"anthropic/maxResultSizeChars": 100_000}
