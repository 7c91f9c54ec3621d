"""A response as a chat completion: every word, source and number."""

from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from mcp_grok.upstream.responses.chat_form import ChatForm
from tests.upstream.responses import message, reasoning, response, web_search

CITED: list[dict[str, Any]] = [
    {"type": "url_citation", "url": "https://a.example/1", "title": "1", "start_index": 3, "end_index": 31},
    {"type": "url_citation", "url": "https://b.example"},
    {"type": "url_citation", "url": "https://a.example/1", "title": "2", "start_index": 40, "end_index": 68},
]
TEXT = "Yes[[1]](https://a.example/1)."
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look_up", "arguments": '{"of": "x"}'}


def completion(*items: dict[str, Any], searches: bool = False, **fields: Any) -> dict[str, Any]:
    """The completion for a response, which the official client's types can read."""
    body = ChatForm(searches=searches).completion(response(*items, **fields))
    assert ChatCompletion.model_validate(body).choices
    return body


def message_of(body: dict[str, Any]) -> dict[str, Any]:
    """The only message of a completion."""
    [choice] = body["choices"]
    return dict(choice["message"])


def test_identity_and_usage_have_the_names_of_chat() -> None:
    body = completion(message("Hi"))
    assert list(body)[:4] == ["id", "object", "created", "model"]
    assert (body["id"], body["object"], body["created"], body["model"]) == (
        "resp-1",
        "chat.completion",
        1780000000,
        "grok-4.7",
    )
    assert body["choices"] == [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]
    assert body["usage"] == {
        "prompt_tokens": 1400,
        "prompt_tokens_details": {"cached_tokens": 900},
        "completion_tokens": 300,
        "completion_tokens_details": {"reasoning_tokens": 200},
        "total_tokens": 1700,
        "num_sources_used": 2,
        "num_server_side_tools_used": 1,
        "server_side_tool_usage_details": {"web_search_calls": 1, "x_posts_fetched": 0},
        "cost_in_usd_ticks": 76_500_000,
    }
    assert body.keys() == {"id", "object", "created", "model", "choices", "usage"}


def test_sources_are_annotations_and_each_address_is_cited_once() -> None:
    body = completion(message(TEXT, annotations=CITED), citations=["https://c.example", "https://b.example"])
    first, second, _ = message_of(body)["annotations"]
    assert first["url_citation"] == {
        "url": "https://a.example/1",
        "title": "1",
        "start_index": 3,
        "end_index": 30,
    }
    assert second["url_citation"] == {
        "title": "https://b.example",
        "start_index": 0,
        "end_index": 0,
        "url": "https://b.example",
    }
    assert body["citations"] == ["https://a.example/1", "https://b.example", "https://c.example"]


def test_positions_of_sources_are_in_the_whole_text() -> None:
    link = "[[1]](https://a.example/1)"
    place = TEXT.index(link)
    cited: dict[str, Any] = {"type": "url_citation", "url": "u", "title": "1"}
    cited |= {"start_index": place, "end_index": place + len(link)}
    body = completion(message("First I look."), message("So: ", TEXT, annotations=[cited]))
    [annotation] = message_of(body)["annotations"]
    content = message_of(body)["content"]
    assert content == f"First I look.\n\nSo: {TEXT}"
    assert content[annotation["url_citation"]["start_index"] : annotation["url_citation"]["end_index"]] == link


def test_searches_name_what_was_looked_up_in_every_form() -> None:
    body = completion(
        web_search("what is xAI", num_results=5),
        {"type": "web_search_call", "action": {"type": "search", "query": "xAI", "sources": []}},
        {"type": "web_search_call", "action": {"type": "open_page", "url": "https://x.ai"}, "status": "failed"},
        {"type": "custom_tool_call", "name": "x_keyword_search", "input": '{"query": "from:xai", "limit": 3}'},
        {"type": "x_search_call", "name": "x_user_search", "arguments": '{"query": "xai"}'},
        {"type": "x_search_call", "name": "x_thread_fetch", "arguments": "no JSON"},
        message("Done."),
    )
    assert body["searches"] == [
        {"source": "web", "name": "web_search", "query": "what is xAI", "num_results": 5},
        {"source": "web", "name": "search", "query": "xAI", "sources": []},
        {"source": "web", "name": "open_page", "url": "https://x.ai", "status": "failed"},
        {"source": "x", "name": "x_keyword_search", "query": "from:xai", "limit": 3},
        {"source": "x", "name": "x_user_search", "query": "xai"},
        {"source": "x", "name": "x_thread_fetch", "query": "no JSON"},
    ]


def test_search_that_did_not_happen_is_an_empty_list() -> None:
    assert completion(message("From memory."), searches=True)["searches"] == []
    assert completion(message("From memory."), searches=True)["citations"] == []
    assert "searches" not in completion(message("From memory."))


def test_reasoning_and_tool_calls_are_in_the_message() -> None:
    body = completion(reasoning("First."), reasoning("Then."), CALL, {**CALL, "call_id": "call_2", "arguments": ""})
    assert message_of(body) == {
        "role": "assistant",
        "content": None,
        "reasoning_content": "First.\n\nThen.",
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"of": "x"}'}},
            {"id": "call_2", "type": "function", "function": {"name": "look_up", "arguments": "{}"}},
        ],
    }
    assert body["choices"][0]["finish_reason"] == "tool_calls"


def test_refusal_is_in_the_message() -> None:
    refused = {"type": "message", "content": [{"type": "refusal", "refusal": "I will not."}]}
    assert message_of(completion(refused)) == {"role": "assistant", "content": None, "refusal": "I will not."}


def test_unknown_items_and_fields_keep_their_names() -> None:
    code = {"type": "code_interpreter_call", "code": "1 + 1", "outputs": [{"type": "logs", "logs": "2"}]}
    body = completion(code, message("2"), code, system_fingerprint="fp", new_field={"a": 1})
    assert body["code_interpreter_call"] == [code, code]
    assert (body["system_fingerprint"], body["new_field"]) == ("fp", {"a": 1})


@pytest.mark.parametrize(
    ("fields", "finish"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"status": "incomplete", "incomplete_details": None}, "length"),
    ],
)
def test_incomplete_response_says_why(fields: dict[str, Any], finish: str) -> None:
    body = completion(message("So f"), **fields)
    assert body["choices"][0]["finish_reason"] == finish
    assert body.get("incomplete_details") == fields["incomplete_details"]


def test_stored_response_has_an_id_to_continue_it() -> None:
    stored = ChatForm(response_id=lambda own: f"{own}~signed")
    assert stored.completion(response(message("Hi")))["response_id"] == "resp-1~signed"
    assert "response_id" not in completion(message("Hi"))


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"type": None},
        {"type": "message"},
        {"type": "message", "content": [None, 3, {"text": 7}, {"text": "a", "annotations": [None, {"url": 1}]}]},
        {"type": "reasoning", "summary": "text", "content": [None]},
        {"type": "function_call"},
        {"type": "web_search_call"},
        {"type": "web_search_call", "action": 3, "arguments": 4},
        {"type": "x_search_call", "arguments": "[1]"},
    ],
)
def test_odd_item_loses_nothing_else(item: dict[str, Any]) -> None:
    body = ChatForm().completion(response(item, message("The answer.")))
    assert message_of(body)["content"].endswith("The answer.")


@pytest.mark.parametrize("name", ["choices", "usage", "object", "searches", "citations", "response_id"])
def test_nothing_in_a_response_replaces_a_field_of_the_completion(name: str) -> None:
    fields = {} if name in ("usage", "object") else {name: "x"}
    answered = response(message("Hi"), {"type": name}, **fields)
    assert ChatForm().completion(answered) == completion(message("Hi"))


@pytest.mark.parametrize(
    ("start", "end", "places"),
    [
        (-5, int("9" * 4300), (2, 7)),
        ("1", None, (0, 0)),
        (1.5, [1], (0, 0)),
        (1, 3, (3, 5)),
    ],
)
def test_positions_are_in_the_text_whatever_the_api_states(start: Any, end: Any, places: tuple[int, int]) -> None:
    cited = {"type": "url_citation", "url": "u", "start_index": start, "end_index": end}
    [annotation] = message_of(completion(message("So", "Hello", annotations=[cited])))["annotations"]
    assert (annotation["url_citation"]["start_index"], annotation["url_citation"]["end_index"]) == places


def test_what_should_be_text_and_is_not_is_left_out() -> None:
    thought = {"type": "reasoning", "summary": [{"text": 5}, {"text": ["a"]}, {"text": "I look."}]}
    body = completion(thought, message("Hi", annotations=[{"type": ["a"], "url": "u"}]))
    assert message_of(body)["reasoning_content"] == "I look."
    assert message_of(body)["annotations"][0]["type"] == "url_citation"
