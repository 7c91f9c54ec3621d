import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp_types import CallToolResult, ResourceLink, TextContent, TextResourceContents

from mcp_grok.server import create_server
from mcp_grok.tools.cutting import compact, cut, fits, prefix
from tests.chat import CHAT, GET, HELLO, LIMIT, completion, use
from tests.conftest import settings_for
from tests.replay import Replay

TEXTS = st.text(st.sampled_from('a"\\\n\u0000é€😀 '), max_size=6000)


def bytes_of(value: Any) -> int:
    """The size of a value as compact JSON."""
    return len(compact(value).encode())


@given(TEXTS, st.integers(0, 3000))
def test_prefix_is_the_longest_that_fits(text: str, room: int) -> None:
    shown = prefix(text, room)
    assert text.startswith(shown)
    assert not shown or bytes_of(shown) <= room
    assert shown == text or bytes_of(text[: len(shown) + 1]) > room


@given(TEXTS, st.integers(1, 9000))
def test_text_fits_by_its_bytes(text: str, limit: int) -> None:
    assert fits(text, limit) == (len(text.encode()) <= limit)
    assert fits(text, 0)


@given(st.lists(TEXTS, min_size=1, max_size=3), TEXTS)
def test_cut_texts_fit_and_say_how_much_is_missing(contents: list[str], reasoning: str) -> None:
    whole = completion(*contents, reasoning_content=reasoning)
    limit = 8000
    if bytes_of(whole) <= limit:
        return
    short = cut(whole, "grok-x", limit)
    assert bytes_of(short) <= limit
    assert {**short, "choices": None} == {**whole, "choices": None}
    for before, after in zip(whole["choices"], short["choices"], strict=True):
        for key in ("content", "reasoning_content"):
            text, shown = before["message"][key], after["message"][key]
            if shown != text:
                beginning, _, note = shown.rpartition("\n\n[Cut here: ")
                assert text.startswith(beginning)
                assert note.startswith(f"{len(text) - len(beginning)} of {len(text)} characters are missing.")
                assert "grok://completions/grok-x" in note


def test_short_texts_stay_whole_beside_a_long_one() -> None:
    short = cut(completion("a" * 5000, "brief", reasoning_content="thought"), "grok-x", LIMIT)
    assert short["choices"][1]["message"]["content"] == "brief"
    assert short["choices"][0]["message"]["reasoning_content"] == "thought"
    assert short["choices"][0]["message"]["content"].startswith("a" * 1000)


def test_completion_too_long_without_its_texts_is_not_cut() -> None:
    calls: Any = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "x" * 9000}}]
    whole = completion("a" * 500, tool_calls=calls)
    assert cut(whole, "grok-x", LIMIT) == whole


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
