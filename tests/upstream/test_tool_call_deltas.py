import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.upstream.tool_call_deltas import ToolCallDeltas


def calls_of(*deltas: dict[str, Any]) -> list[dict[str, Any]]:
    """The tool calls that deltas make."""
    calls = ToolCallDeltas()
    for delta in deltas:
        calls.add([delta])
    return calls.finished()


def functions_of(*deltas: dict[str, Any]) -> list[tuple[str, str]]:
    """The names and arguments of the tool calls that deltas make."""
    return [(call["function"]["name"], call["function"]["arguments"]) for call in calls_of(*deltas)]


def test_tool_call_that_repeats_its_id_or_name_is_one() -> None:
    [call] = calls_of(
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}},
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "}"}},
        {"id": "a", "function": {"arguments": " "}},
    )
    assert call == {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{} "}}


def test_empty_id_in_later_deltas_changes_nothing() -> None:
    [call] = calls_of(
        {"index": 0, "id": "", "function": {"name": "", "arguments": "{"}},
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}},
        {"index": 0, "id": "", "function": {"name": None, "arguments": None}},
    )
    assert call == {"id": "a", "function": {"name": "f", "arguments": "{}"}}


def test_arguments_of_millions_of_items_are_kept_and_not_parsed() -> None:
    pieces = ["[", *["[]," * 1_000_000] * 10, "0]"]
    deltas = [{"index": 0, "id": "a", "function": {"name": "f", "arguments": piece}} for piece in pieces]
    began = time.thread_time()
    assert functions_of(*deltas) == [("f", "".join(pieces))]
    assert time.thread_time() - began < 0.5


def test_second_name_without_id_and_index_is_a_second_call() -> None:
    calls = calls_of({"function": {"name": "f", "arguments": "{}"}}, {"function": {"name": "g", "arguments": "{}"}})
    assert [call["function"]["name"] for call in calls] == ["f", "g"]


def test_arguments_as_an_object_become_json_text() -> None:
    [call] = calls_of({"index": 0, "id": "a", "function": {"name": "f", "arguments": {"city": "Zürich"}}})
    assert call["function"]["arguments"] == '{"city":"Zürich"}'


def test_tool_calls_with_one_index_and_two_names_are_two() -> None:
    calls = calls_of(
        {"index": 0, "id": "", "function": {"name": "f", "arguments": "{}"}},
        {"index": 0, "id": "", "function": {"name": "g", "arguments": "{}"}},
    )
    assert [(call["function"]["name"], call["function"]["arguments"]) for call in calls] == [("f", "{}"), ("g", "{}")]


def test_arguments_of_an_empty_object_are_kept() -> None:
    assert functions_of({"id": "a", "function": {"name": "f", "arguments": {}}}) == [("f", "{}")]


def test_id_alone_with_a_known_index_begins_a_call() -> None:
    first = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    second = [{"index": 0, "id": "b"}, {"index": 0, "function": {"name": "g", "arguments": "{}"}}]
    assert [call["id"] for call in calls_of(first, *second)] == ["a", "b"]


def test_id_used_again_for_another_function_begins_a_call() -> None:
    deltas = [{"index": i, "id": "a", "function": {"name": name, "arguments": "{}"}} for i, name in enumerate("fg")]
    assert functions_of(*deltas) == [("f", "{}"), ("g", "{}")]


@pytest.mark.parametrize("pieces", [["{}", ""], ["", "{}", "{}"], ["{", "}", "{}"]])
def test_arguments_sent_again_count_once(pieces: list[str]) -> None:
    assert functions_of(*({"index": 0, "function": {"name": "f", "arguments": piece}} for piece in pieces)) == [
        ("f", "{}")
    ]


def test_arguments_that_are_never_json_are_kept_as_they_came() -> None:
    deltas = [{"index": 0, "function": {"arguments": piece}} for piece in ("<a>", "<a>")]
    assert functions_of({"index": 0, "function": {"name": "f"}}, *deltas) == [("f", "<a><a>")]


def test_call_of_another_type_is_collected() -> None:
    [call] = calls_of(
        {"index": 0, "id": "a", "type": "custom", "custom": {"name": "sh", "input": "ls"}},
        {"index": 0, "custom": {"input": " -l"}},
    )
    assert call == {"id": "a", "type": "custom", "custom": {"name": "sh", "input": "ls -l"}}


@pytest.mark.parametrize(
    ("deltas", "whole"),
    [
        ([{"function": {"name": "f"}}], True),
        ([{"function": {"name": "f", "arguments": '{"a":1}'}}], True),
        ([{"function": {"name": "f", "arguments": '{"a":'}}], False),
        ([{"function": {"arguments": "{}"}}], False),
        ([{"id": "a", "function": {"name": "f", "arguments": "{}"}}, {"id": "b"}], False),
    ],
)
def test_calls_are_whole_with_a_name_and_json(deltas: list[dict[str, Any]], whole: bool) -> None:
    calls = ToolCallDeltas()
    calls.add(deltas)
    assert calls.are_whole is whole


ARGUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(st.lists(st.dictionaries(st.text(max_size=3), ARGUMENTS, max_size=4), min_size=1, max_size=4), st.data())
@settings(derandomize=True, deadline=None, max_examples=200)
def test_parallel_calls_in_any_pieces_are_assembled(arguments: list[Any], data: st.DataObject) -> None:
    texts = [json.dumps(one, ensure_ascii=False) for one in arguments]
    waiting = []
    for index, text in enumerate(texts):
        cut = data.draw(st.integers(0, len(text)))
        first = {"index": index, "id": f"id{index}", "function": {"name": "f", "arguments": text[:cut]}}
        waiting.append([first, {"index": index, "function": {"arguments": text[cut:]}}])
    deltas = []
    while any(waiting):
        deltas.append(data.draw(st.sampled_from([one for one in waiting if one])).pop(0))
    calls = calls_of(*deltas)
    assert {call["id"]: call["function"]["arguments"] for call in calls} == {
        f"id{index}": text for index, text in enumerate(texts)
    }
