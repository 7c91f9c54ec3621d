"""A response in events: its text and its searches as they come, and the whole at the end."""

from typing import Any

import pytest

from mcp_grok.upstream.merge import Malformed
from mcp_grok.upstream.responses.assembler import MAX_ITEMS, ResponseAssembler
from mcp_grok.upstream.responses.chat_form import ChatForm
from tests.upstream.responses import events, message, reasoning, response, web_search

WHOLE = response(
    reasoning("I must look."),
    message("One moment."),
    web_search("what is xAI"),
    {"type": "custom_tool_call", "name": "x_keyword_search", "input": '{"query": "xAI"}'},
    message("xAI is", " a company."),
)


def assembled(*chunks: dict[str, Any]) -> tuple[ResponseAssembler, str, str]:
    """The assembler after these events, the text, and the reasoning with the lines about searches."""
    assembler = ResponseAssembler(ChatForm())
    text = reasoning_text = ""
    for chunk in chunks:
        assert assembler.accepts("", chunk)
        text += assembler.add(chunk)
        reasoning_text += assembler.take_reasoning()
    return assembler, text, reasoning_text


def test_text_comes_piece_by_piece_and_equals_the_content() -> None:
    assembler, text, _ = assembled(*events(WHOLE))
    body = assembler.completion()
    assert text == assembler.text == body["choices"][0]["message"]["content"] == "One moment.\n\nxAI is a company."
    assert body == ChatForm().completion(WHOLE)


def test_searches_are_lines_between_the_reasoning() -> None:
    _, _, reasoning_text = assembled(*events(WHOLE))
    assert reasoning_text == "I must look.\n[search] web: what is xAI\n\n[search] x: xAI\n"


def test_only_a_closing_event_completes_the_answer() -> None:
    *before, closing = events(WHOLE)
    assembler, *_ = assembled(*before)
    assert not assembler.is_complete(done=True)
    assert not assembler.has_unfinished_answer
    assembler.add(closing)
    assert assembler.is_complete(done=False)


def test_closing_event_without_items_keeps_those_before_it() -> None:
    *before, closing = events(WHOLE)
    assembler, *_ = assembled(*before, {**closing, "response": {**WHOLE, "output": []}})
    assert assembler.completion() == ChatForm().completion(WHOLE)


@pytest.mark.parametrize("kind", ["response.future_event", "response.web_search_call.searching", "response.done"])
def test_unknown_event_is_tolerated(kind: str) -> None:
    assembler, text, _ = assembled(
        {"type": kind}, *events(WHOLE), {"type": kind, "item": 3, "response": [], "delta": 1}
    )
    assert text == assembler.text


@pytest.mark.parametrize("chunk", [{"type": "ping"}, {"object": "keep-alive"}, {"choices": []}])
def test_other_object_is_no_event(chunk: dict[str, Any]) -> None:
    assert not ResponseAssembler(ChatForm()).accepts("", chunk)


def test_search_is_told_once_although_two_events_name_it() -> None:
    search = web_search("xAI")
    added = {"type": "response.output_item.added", "output_index": 0, "item": search}
    _, _, told = assembled(added, {**added, "type": "response.output_item.done"})
    assert told.count("[search]") == 1


def test_query_that_comes_only_at_the_end_is_told() -> None:
    begun = {"type": "x_search_call", "name": "x_user_search", "arguments": ""}
    added = {"type": "response.output_item.added", "output_index": 0, "item": begun}
    done = {"type": "response.output_item.done", "output_index": 0, "item": {**begun, "arguments": '{"query": "a"}'}}
    assert assembled(added, done)[2] == "\n[search] x: a\n"


def test_items_without_end_are_refused() -> None:
    added = ({"type": "response.output_item.added", "output_index": i, "item": {}} for i in range(MAX_ITEMS + 1))
    with pytest.raises(Malformed):
        assembled(*added)


def test_texts_without_end_are_refused() -> None:
    deltas = ({"type": "response.output_text.delta", "output_index": i, "delta": "a"} for i in range(10_000))
    with pytest.raises(Malformed):
        assembled(*deltas)


def test_partial_text_is_there_without_an_end() -> None:
    *before, _ = events(response(message("So far, so good")))
    assembler, *_ = assembled(*before)
    assert assembler.text == "So far, so good"
    assert assembler.has_begun


def test_fields_without_end_are_refused() -> None:
    with pytest.raises(Malformed):
        assembled(*({"type": "response.in_progress", "response": {f"f{number}": 0}} for number in range(2000)))


def test_item_that_comes_again_is_none_more() -> None:
    added = ({"type": "response.output_item.added", "output_index": i, "item": {}} for i in range(MAX_ITEMS))
    assembler, *_ = assembled(*added, {"type": "response.output_item.done", "output_index": 0, "item": message("Hi")})
    assert assembler.completion()["choices"][0]["message"]["content"] == "Hi"
