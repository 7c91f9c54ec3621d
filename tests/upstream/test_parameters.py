"""What each parameter accepts, what is read from it, and how a wrong value is refused."""

import json
import math
from typing import Any

import pytest

from mcp_grok.upstream.parameters import PARAMETERS
from tests.upstream.refusal import refusal_of


def _of_type(*types: str) -> list[str]:
    return [name for name, parameter in PARAMETERS.items() if parameter.schema["type"] in types]


BOOLEANS = _of_type("boolean")
NUMBERS = _of_type("integer", "number")
WHOLE_NUMBERS = ["n", "max_tokens", "max_completion_tokens", "seed", "top_logprobs"]
OBJECTS = _of_type("object")
STRINGS = [name for name in _of_type("string") if name != "tool_choice"]
OBJECTS_WITHOUT_READER = [name for name in OBJECTS if PARAMETERS[name].reader is None]
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}


def read(name: str, value: Any) -> Any:
    """The value as it goes to the API."""
    return PARAMETERS[name].read(name, value)


def refusal(name: str, value: Any) -> tuple[str, str]:
    """The message and the parameter of the error for a wrong value."""
    return refusal_of(lambda: read(name, value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 1),
        ("n", 128),
        ("max_tokens", 1),
        ("max_tokens", 10**12),
        ("max_completion_tokens", 1),
        ("temperature", 0),
        ("temperature", 2),
        ("temperature", 0.7),
        ("top_p", 0),
        ("top_p", 1),
        ("presence_penalty", -2),
        ("presence_penalty", 2.0),
        ("frequency_penalty", -2.0),
        ("frequency_penalty", 2),
        ("top_logprobs", 0),
        ("top_logprobs", 20),
        ("seed", -(2**63)),
        ("seed", 2**70),
    ],
)
def test_number_within_bounds_is_unchanged(name: str, value: float) -> None:
    sent = read(name, value)
    assert sent == value
    assert type(sent) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("n", 0, "a whole number from 1 to 128"),
        ("n", 129, "a whole number from 1 to 128"),
        ("max_tokens", 0, "a whole number of at least 1"),
        ("max_completion_tokens", -1, "a whole number of at least 1"),
        ("temperature", -0.01, "a number from 0 to 2"),
        ("temperature", 2.01, "a number from 0 to 2"),
        ("top_p", -0.1, "a number from 0 to 1"),
        ("top_p", 1.1, "a number from 0 to 1"),
        ("presence_penalty", -2.1, "a number from -2 to 2"),
        ("presence_penalty", 3, "a number from -2 to 2"),
        ("frequency_penalty", -3, "a number from -2 to 2"),
        ("frequency_penalty", 2.1, "a number from -2 to 2"),
        ("top_logprobs", -1, "a whole number from 0 to 20"),
        ("top_logprobs", 21, "a whole number from 0 to 20"),
        ("top_logprobs", "21", "a whole number from 0 to 20"),
    ],
)
def test_number_out_of_bounds_is_refused(name: str, value: Any, rule: str) -> None:
    assert refusal(name, value) == (f"{name} must be {rule}, got {json.dumps(value)}.", name)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [True, False, "true", "", "many", "0x1", "1 2", "null", [], [1], "[1]", {}])
def test_other_type_is_refused_as_number(name: str, value: Any) -> None:
    message, _ = refusal(name, value)
    assert message.startswith(f"{name} must be a ")
    assert message.endswith(f", got {json.dumps(value)}.")


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        pytest.param("9" * 5000, id="5000 digits"),
    ],
)
def test_number_that_is_not_finite_is_refused(name: str, value: Any) -> None:
    message, _ = refusal(name, value)
    assert message.startswith(f"{name} must be a ")
    assert ", got " in message


@pytest.mark.parametrize("name", WHOLE_NUMBERS)
def test_whole_number_is_read_from_float_without_fraction(name: str) -> None:
    sent = read(name, 7.0)
    assert (sent, type(sent)) == (7, int)
    assert "must be a whole number" in refusal(name, 7.5)[0]
    assert "must be a whole number" in refusal(name, "7.5")[0]


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [("n", "3", 3), ("n", "3.0", 3), ("max_tokens", "1e3", 1000), ("temperature", "0.5", 0.5), ("seed", " -4 ", -4)],
)
def test_number_is_read_from_text(name: str, text: str, number: float) -> None:
    sent = read(name, text)
    assert sent == number
    assert type(sent) is type(number)


@pytest.mark.parametrize("name", BOOLEANS)
def test_boolean_is_read_from_text(name: str) -> None:
    for value in (True, "true", "True", "TRUE"):
        assert read(name, value) is True
    for value in (False, "false", "False"):
        assert read(name, value) is False


@pytest.mark.parametrize("name", BOOLEANS)
@pytest.mark.parametrize("value", [0, 1, 1.0, "", "yes", "1", "null", [], {}, [True]])
def test_other_type_is_refused_as_boolean(name: str, value: Any) -> None:
    assert refusal(name, value) == (f"{name} must be true or false, got {json.dumps(value)}.", name)


@pytest.mark.parametrize("name", STRINGS)
@pytest.mark.parametrize("text", ["grok-4", "123", "true", "null", '{"a": 1}', '["a"]', '"quoted"', "  spaced  "])
def test_string_that_looks_like_json_is_unchanged(name: str, text: str) -> None:
    assert read(name, text) == text


@pytest.mark.parametrize("name", STRINGS)
@pytest.mark.parametrize("value", [1, 1.5, True, [], ["a"], {}])
def test_other_type_is_refused_as_string(name: str, value: Any) -> None:
    message, _ = refusal(name, value)
    assert message.startswith(f"{name} must be a string")
    assert message.endswith(f", got {json.dumps(value)}.")


def test_only_user_may_be_empty() -> None:
    assert read("user", "") == ""
    for name in set(STRINGS) - {"user"}:
        assert refusal(name, "")[0] == f'{name} must be a string with text of at most 200 characters, got "".'


@pytest.mark.parametrize("name", sorted(set(STRINGS) - {"user"}))
def test_name_has_a_longest_length(name: str) -> None:
    assert read(name, "x" * 200) == "x" * 200
    assert "at most 200 characters" in refusal(name, "x" * 201)[0]


@pytest.mark.parametrize("name", OBJECTS_WITHOUT_READER)
def test_object_is_read_from_text_and_other_types_are_refused(name: str) -> None:
    value = {"type": "text", "other": [1, None]}
    assert read(name, value) == read(name, json.dumps(value)) == value
    for wrong in ("text", "[]", "3", '{"open": ', 3, True, [], [value]):
        message, _ = refusal(name, wrong)
        assert message.startswith(f"{name} must be an object")
        assert json.dumps(wrong) in message


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("END", "END"),
        (["a"], ["a"]),
        (["a", "b", "c", "d"], ["a", "b", "c", "d"]),
        ('["a", "b"]', ["a", "b"]),
        ('{"a": 1}', '{"a": 1}'),
        ("[DONE]", "[DONE]"),
        ("7", "7"),
        (['["a"]'], ['["a"]']),
        # A citation mark looks like a list, but not of strings.
        ("[1]", "[1]"),
        (["", "END"], ["END"]),
        (" ", " "),
    ],
)
def test_stop_is_string_or_list_or_list_as_text(value: Any, sent: Any) -> None:
    assert read("stop", value) == sent


@pytest.mark.parametrize("value", [["a"] * 5, [1], ["a", None], 1, True, {}, json.dumps(["a"] * 5)])
def test_other_stop_is_refused(value: Any) -> None:
    wanted = "a string or a list of 1 to 4 strings"
    assert refusal("stop", value) == (f"stop must be {wanted}, got {json.dumps(value)}.", "stop")


@pytest.mark.parametrize("value", [1, True, ["auto"]])
def test_other_tool_choice_is_refused(value: Any) -> None:
    assert refusal("tool_choice", value)[0] == (
        f"tool_choice must be none, auto, required, a function's name or an object, got {json.dumps(value)}."
    )


def test_effort_is_read_in_capitals_if_it_is_documented() -> None:
    assert [read("reasoning_effort", effort) for effort in ("HIGH", " Low ", "Max")] == ["high", "low", "Max"]


def test_wrong_modality_is_refused_with_path() -> None:
    assert read("modalities", '["text", "audio"]') == ["text", "audio"]
    assert refusal("modalities", ["text", 7]) == ("modalities[1] must be a string, got 7.", "modalities[1]")


def test_long_value_is_quoted_in_part_and_deep_value_by_type() -> None:
    message, _ = refusal("temperature", "x" * 10_000)
    assert len(message) < 150
    assert message.endswith("….")
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"deeper": deep}
    assert refusal("temperature", deep)[0].endswith("got a value of type dict.")
