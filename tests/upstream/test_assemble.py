import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.upstream.assemble import Assembler
from mcp_grok.upstream.merge import Malformed

PROPERTY = settings(derandomize=True, deadline=None, max_examples=200)


def chunk(delta: Any = None, finish: Any = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """A chunk with one choice."""
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish, **more}]}


def assembled(*chunks: dict[str, Any]) -> dict[str, Any]:
    """The first choice that the chunks make."""
    assembler = Assembler()
    for one in chunks:
        assembler.add(one)
    choice: dict[str, Any] = assembler.completion()["choices"][0]
    return choice


def test_identity_is_from_the_first_chunk_other_fields_the_last() -> None:
    assembler = Assembler()
    assembler.add({"id": "a", "created": 1, "model": "m", "system_fingerprint": None, "choices": []})
    assembler.add({"id": "b", "created": 2, "model": "n", "system_fingerprint": "f", "x": 1, **chunk({}, "stop")})
    assembler.add({"system_fingerprint": None, "x": 2, "object": "chat.completion.chunk"})
    completion = assembler.completion()
    del completion["choices"]
    assert completion == {
        "id": "a",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "system_fingerprint": "f",
        "x": 2,
    }


def test_last_usage_that_is_not_null_wins() -> None:
    assembler = Assembler()
    for usage in ({"total_tokens": 0}, {"total_tokens": 9}, None):
        assembler.add({"usage": usage, **chunk({"content": "x"}, "stop")})
    assert assembler.completion()["usage"] == {"total_tokens": 9}


def test_content_is_null_beside_tool_calls_and_else_empty() -> None:
    assert assembled(chunk({}, "stop"))["message"] == {"role": "assistant", "content": ""}
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert assembled(chunk({"tool_calls": [call]}, "tool_calls"))["message"]["content"] is None


def test_unknown_fields_of_a_delta_and_a_choice_are_kept() -> None:
    choice = assembled(
        chunk({"annotations": [{"n": 1}], "audio": {"id": "a", "data": "AA"}}, native_finish_reason=None),
        chunk({"annotations": [{"n": 2}], "audio": {"id": "a", "data": "BB"}, "score": 1}, native_finish_reason="x"),
        chunk({"score": 2, "note": None}, "stop", native_finish_reason=None),
    )
    assert choice["message"]["annotations"] == [{"n": 1}, {"n": 2}]
    assert choice["message"]["audio"] == {"id": "a", "data": "AABB"}
    assert choice["message"]["score"] == 2
    assert choice["message"]["note"] is None
    assert choice["native_finish_reason"] == "x"


def test_older_function_call_is_collected() -> None:
    message = assembled(
        chunk({"function_call": {"name": "f", "arguments": "{"}}), chunk({"function_call": {"arguments": "}"}}, "stop")
    )["message"]
    assert message["function_call"] == {"name": "f", "arguments": "{}"}


@pytest.mark.parametrize("message", [None, {}, 7])
def test_empty_message_beside_a_delta_changes_nothing(message: Any) -> None:
    choice = assembled(chunk({"content": "hello"}, message=message), chunk({}, "stop", message=message))
    assert choice["message"] == {"role": "assistant", "content": "hello"}


def test_whole_message_replaces_the_deltas_before_it() -> None:
    assembler = Assembler()
    assert assembler.add(chunk({"content": "hello "})) == "hello "
    assert assembler.add({"choices": [{"message": {"content": "hello world"}, "finish_reason": "stop"}]}) == "world"
    assert assembler.text == "hello world"


def test_empty_finish_reason_replaces_no_earlier_one() -> None:
    assert assembled(chunk({}, "length"), chunk({}), chunk({}, ""))["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("finishes", "expected", "done", "complete"),
    [
        ([], 1, True, False),
        (["stop"], 1, False, True),
        ([None], 1, True, False),
        (["stop"], 2, False, False),
        (["stop"], 2, True, True),
        (["stop", None], 2, True, False),
        (["stop", "stop"], 1, False, True),
        ([""], 1, False, False),
        ([""], 1, True, True),
        (["end_turn"], 1, False, True),
    ],
)
def test_completion_is_complete_when_every_choice_has_ended(
    finishes: list[str | None], expected: int, done: bool, complete: bool
) -> None:
    assembler = Assembler(expected)
    for index, finish in enumerate(finishes):
        assembler.add(chunk({"content": "x"}, finish, index))
    assert assembler.is_complete(done=done) is complete


@pytest.mark.parametrize(
    "broken",
    [
        1,
        None,
        [],
        {"choices": {}},
        {"choices": [1]},
        {"choices": [{"index": "first"}]},
        chunk("text"),
        chunk({"tool_calls": "f"}),
        chunk({"tool_calls": [1]}),
        chunk({}, 7),
    ],
)
def test_malformed_chunk_leaves_what_came_before(broken: Any) -> None:
    assembler = Assembler()
    assembler.add(chunk({"content": "before"}))
    with pytest.raises(Malformed):
        assembler.add(broken)
    assert assembler.text == "before"


@pytest.mark.parametrize("quiet", [{"choices": None}, {"choices": []}, {}, chunk(None)])
def test_empty_chunk_adds_nothing(quiet: dict[str, Any]) -> None:
    assembler = Assembler()
    assert assembler.add(quiet) == ""


def test_text_of_choices_is_separated_by_a_blank_line() -> None:
    assembler = Assembler(2)
    assembler.add(chunk({"content": "second"}, index=1))
    assembler.add(chunk({"content": "first"}))
    assert assembler.text == "first\n\nsecond"


@given(st.lists(st.text(), max_size=30), st.lists(st.text(), max_size=30), st.text())
@PROPERTY
def test_answer_cut_into_any_deltas_is_assembled(contents: list[str], reasonings: list[str], arguments: str) -> None:
    assembler = Assembler()
    text = "".join(
        [assembler.add(chunk({"reasoning_content": piece})) for piece in reasonings]
        + [assembler.add(chunk({"content": piece})) for piece in contents]
    )
    for piece in ("", *arguments, ""):
        delta = {"index": 0, "id": "a", "function": {"name": "f", "arguments": piece}}
        assembler.add(chunk({"tool_calls": [delta]}))
    message = assembler.completion()["choices"][0]["message"]
    assert message["content"] == ("".join(contents) if contents else None)
    assert message.get("reasoning_content", "") == "".join(reasonings)
    assert message["tool_calls"][0]["function"]["arguments"] == arguments
    assert text == "".join(contents)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=4,
)
KEYS = st.sampled_from(
    ["choices", "index", "delta", "message", "content", "tool_calls", "id", "function", "arguments", "finish_reason"]
)
CHUNKS = st.recursive(
    JSON, lambda inner: st.dictionaries(KEYS, inner | st.lists(inner, max_size=3), max_size=5), max_leaves=20
)


@given(st.lists(CHUNKS, max_size=4))
@PROPERTY
def test_any_chunks_give_a_completion_or_malformed(chunks: list[Any]) -> None:
    assembler = Assembler()
    try:
        for one in chunks:
            assembler.add(one)
    except Malformed:
        pass
    assert isinstance(assembler.text, str)
    json.dumps(assembler.completion())


ENDLESS: dict[str, Callable[[int], Any]] = {
    "choices": lambda number: chunk({"content": "x"}, index=number),
    "tool calls": lambda number: chunk({"tool_calls": [{"index": number, "id": f"id{number}"}]}),
    "fields": lambda number: {f"field{number}": 1},
    "fields of a choice": lambda number: chunk({}, **{f"field{number}": 1}),
    "fields of a message": lambda number: chunk({f"field{number}": 1}),
    "nested fields": lambda number: chunk({"audio": {f"field{number}": 1}}),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_endless_parts_are_refused(kind: str) -> None:
    assembler = Assembler()

    def add_many() -> None:
        for number in range(2000):
            assembler.add(ENDLESS[kind](number))

    with pytest.raises(Malformed, match="too many"):
        add_many()
