"""What each parameter accepts, how it is read, and how a wrong value is refused."""

import json
import math
from typing import Any

import pytest

from mcp_grok.errors import InvalidRequest
from mcp_grok.upstream.parameters import Flag, Number, Object, Text
from mcp_grok.upstream.request import PARAMETERS

FLAGS = [name for name, parameter in PARAMETERS.items() if isinstance(parameter.kind, Flag)]
NUMBERS = [name for name, parameter in PARAMETERS.items() if isinstance(parameter.kind, Number)]
WHOLE_NUMBERS = ["n", "max_tokens", "max_completion_tokens", "seed", "top_logprobs"]
OBJECTS = [name for name, parameter in PARAMETERS.items() if isinstance(parameter.kind, Object)]
TEXTS = [name for name, parameter in PARAMETERS.items() if isinstance(parameter.kind, Text)]
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}


def read(name: str, value: Any) -> Any:
    """The value as it goes to the API."""
    return PARAMETERS[name].kind.read(name, value)


def refusal(name: str, value: Any) -> dict[str, Any]:
    """The error object for a value that is not allowed."""
    with pytest.raises(InvalidRequest) as caught:
        read(name, value)
    return caught.value.as_dict()


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
def test_a_number_at_or_between_its_bounds_goes_through_as_it_is(name: str, value: float) -> None:
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
def test_a_number_out_of_range_is_refused_with_its_value(name: str, value: Any, rule: str) -> None:
    error = refusal(name, value)
    assert error["message"] == f"{name} must be {rule}, got {json.dumps(value)}."
    assert error["param"] == name
    assert (error["code"], error["billed"]) == ("invalid_request", "no")


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [True, False, "true", "", "many", "0x1", "1 2", "null", [], [1], "[1]", {}])
def test_what_is_no_number_is_refused_as_one(name: str, value: Any) -> None:
    error = refusal(name, value)
    assert error["message"].startswith(f"{name} must be a ")
    assert error["message"].endswith(f", got {json.dumps(value)}.")


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
def test_what_is_no_finite_number_is_refused_as_a_number(name: str, value: Any) -> None:
    error = refusal(name, value)
    assert error["message"].startswith(f"{name} must be a ")
    assert ", got " in error["message"]


@pytest.mark.parametrize("name", WHOLE_NUMBERS)
def test_a_whole_number_is_read_from_a_float_and_a_fraction_is_refused(name: str) -> None:
    sent = read(name, 7.0)
    assert (sent, type(sent)) == (7, int)
    assert "must be a whole number" in refusal(name, 7.5)["message"]
    assert "must be a whole number" in refusal(name, "7.5")["message"]


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [("n", "3", 3), ("n", "3.0", 3), ("max_tokens", "1e3", 1000), ("temperature", "0.5", 0.5), ("seed", " -4 ", -4)],
)
def test_a_number_sent_as_text_is_read_as_the_number(name: str, text: str, number: float) -> None:
    sent = read(name, text)
    assert sent == number
    assert type(sent) is type(number)


@pytest.mark.parametrize("name", FLAGS)
def test_true_and_false_are_read_also_as_text(name: str) -> None:
    for value in (True, "true", "True", "TRUE"):
        assert read(name, value) is True
    for value in (False, "false", "False"):
        assert read(name, value) is False


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", [0, 1, 1.0, "", "yes", "1", "null", [], {}, [True]])
def test_what_is_neither_true_nor_false_is_refused_with_its_value(name: str, value: Any) -> None:
    error = refusal(name, value)
    assert error["message"] == f"{name} must be true or false, got {json.dumps(value)}."
    assert error["param"] == name


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("text", ["grok-4", "123", "true", "null", '{"a": 1}', '["a"]', '"quoted"', "  spaced  "])
def test_a_string_is_never_touched_even_when_it_looks_like_json(name: str, text: str) -> None:
    assert read(name, text) == text


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", [1, 1.5, True, [], ["a"], {}])
def test_what_is_no_string_is_refused_as_a_string(name: str, value: Any) -> None:
    error = refusal(name, value)
    assert error["message"].startswith(f"{name} must be a string")
    assert f", got {json.dumps(value)}." in error["message"]


def test_only_user_may_be_an_empty_string() -> None:
    assert read("user", "") == ""
    for name in set(TEXTS) - {"user"}:
        assert refusal(name, "")["message"] == f'{name} must be a string with text, got "".'


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_is_read_also_as_json_text_and_anything_else_is_refused(name: str) -> None:
    value = {"type": "text", "other": [1, None]}
    assert read(name, value) == read(name, json.dumps(value)) == value
    for wrong in ("text", "[]", "3", '{"open": ', 3, True, [], [value]):
        error = refusal(name, wrong)
        assert error["message"].startswith(f"{name} must be an object")
        assert json.dumps(wrong) in error["message"]


@pytest.mark.parametrize("value", [{}, {"type": 1}, {"type": None}, '{"kind": "text"}'])
def test_a_response_format_without_a_type_is_refused_with_an_example(value: Any) -> None:
    error = refusal("response_format", value)
    assert error["message"].startswith('response_format must be an object like {"type": "json_object"}, got ')
    assert error["param"] == "response_format"


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
        # A citation mark: a list only by its looks, since sequences are strings.
        ("[1]", "[1]"),
    ],
)
def test_stop_is_a_string_or_a_list_and_a_list_may_come_as_json_text(value: Any, sent: Any) -> None:
    assert read("stop", value) == sent


@pytest.mark.parametrize("value", [[], ["a"] * 5, [1], ["a", None], 1, True, {}, json.dumps(["a"] * 5)])
def test_a_stop_that_is_no_string_and_no_list_of_1_to_4_is_refused_with_its_value(value: Any) -> None:
    error = refusal("stop", value)
    assert error["message"].startswith("stop must be a string or a list of ")
    assert json.dumps(value) in error["message"]
    assert error["param"] == "stop"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("auto", "auto"),
        ("look_up", "look_up"),
        ({"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "f"}}),
        ('{"type": "function"}', {"type": "function"}),
    ],
)
def test_a_tool_choice_is_a_word_or_an_object_also_as_json_text(value: Any, sent: Any) -> None:
    assert read("tool_choice", value) == sent


@pytest.mark.parametrize("value", ["", 1, True, [], ["auto"]])
def test_a_tool_choice_of_another_type_is_refused_with_what_is_allowed(value: Any) -> None:
    assert refusal("tool_choice", value)["message"] == (
        f"tool_choice must be none, auto, required, a function's name or an object, got {json.dumps(value)}."
    )


@pytest.mark.parametrize("value", [[TOOL], json.dumps([TOOL]), [json.dumps(TOOL)]])
def test_tools_and_their_elements_are_read_also_as_json_text(value: Any) -> None:
    assert read("tools", value) == [TOOL]


def test_tools_that_are_no_functions_go_through_untouched() -> None:
    assert read("tools", [{"type": "live_search", "new": [1]}]) == [{"type": "live_search", "new": [1]}]
    assert read("tools", []) == []


@pytest.mark.parametrize(
    "tool",
    [
        "look_up",
        7,
        {},
        {"type": 1},
        {"type": "function"},
        {"type": "function", "function": "look_up"},
        {"type": "function", "function": {"name": ""}},
        {"type": "function", "function": {"name": 7}},
        {"function": {"name": "look_up"}},
    ],
)
def test_a_tool_that_is_none_is_refused_by_its_place_with_an_example(tool: Any) -> None:
    error = refusal("tools", [TOOL, tool])
    assert error["message"].startswith('tools[1] must be an object like {"type": "function", ')
    assert json.dumps(tool) in error["message"]
    assert error["param"] == "tools[1]"


def test_tools_are_at_most_128_and_a_list() -> None:
    assert len(read("tools", [TOOL] * 128)) == 128
    assert refusal("tools", [TOOL] * 129)["message"] == "tools must have at most 128 items, got 129."
    assert refusal("tools", TOOL)["message"].startswith("tools must be a list, got {")


def test_modalities_are_strings_and_a_wrong_one_is_named_by_its_place() -> None:
    assert read("modalities", '["text", "audio"]') == ["text", "audio"]
    error = refusal("modalities", ["text", 7])
    assert (error["message"], error["param"]) == ("modalities[1] must be a string, got 7.", "modalities[1]")


def test_a_long_value_is_shown_by_its_beginning_and_a_bottomless_one_by_its_type() -> None:
    message = refusal("temperature", "x" * 10_000)["message"]
    assert len(message) < 150
    assert message.endswith("….")
    bottomless: dict[str, Any] = {}
    for _ in range(100_000):
        bottomless = {"deeper": bottomless}
    assert refusal("temperature", bottomless)["message"].endswith("got a value of type dict.")


@pytest.mark.parametrize("name", ["messages", "stop", "tools"])
def test_an_empty_list_is_accepted_just_when_the_schema_allows_it(name: str) -> None:
    if PARAMETERS[name].kind.schema().get("minItems", 0) > 0:
        assert refusal(name, [])["param"] == name
    else:
        assert read(name, []) == []
