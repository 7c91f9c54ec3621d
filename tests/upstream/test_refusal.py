"""What the body of an error says: its innermost words, and its facts."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from mcp_grok.upstream.refusal import Refusal, says_something
from tests.upstream.strategies import JSON

INNER = {"error": {"message": "n is wrong", "code": "bad_n", "param": "n"}}
EMPTY: list[Any] = [None, "", " ", {}, [], 0, False, {"message": "", "type": "", "code": None}, {"code": 0}, [{}, ""],
                    {"code": "0", "message": ""}, {"details": [{"message": None}]}]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "Provider returned error", "metadata": {"raw": json.dumps(INNER)}}},
         "Provider returned error: n is wrong"),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": "It is down"}}},
         "Provider returned error: It is down"),
        ({"error": {"message": "Flagged", "metadata": {"reasons": ["violence", "hate"]}}}, "Flagged: violence; hate"),
        ([INNER], "n is wrong"),
        ([INNER, {"error": "too long"}], "n is wrong; too long"),
        ({"object": "error", "message": "n is wrong", "code": 400}, "n is wrong"),
        ({"detail": "n is wrong"}, "n is wrong"),
        ({"detail": INNER}, "n is wrong"),
        ({"detail": [{"loc": ["body", "n"], "msg": "n is wrong"}]}, "n is wrong"),
        ({"error": INNER}, "n is wrong"),
        ({"errors": [{"message": "n is wrong"}]}, "n is wrong"),
        ({"fault": {"faultstring": "n is wrong"}}, "n is wrong"),
        ({"message": json.dumps(INNER)}, "n is wrong"),
        ({"message": json.dumps({"message": json.dumps(INNER)})}, "n is wrong"),
        ({"error": {"message": f"Error code 400 - {json.dumps(INNER)}"}}, "n is wrong"),
        ({"error": "Bad Request", "message": "n is wrong"}, "Bad Request: n is wrong"),
        ({"error": "invalid_request", "error_description": "n is wrong"}, "n is wrong"),
        ({"error": {"message": "n is wrong", "details": "n is 1 to 128"}}, "n is wrong: n is 1 to 128"),
        ({"message": 'give {"type": "object"}'}, 'give {"type": "object"}'),
        ("event: \x1b[2Jstop\x07", "event: [2Jstop"),
    ],
)  # fmt: skip
def test_innermost_words_are_found(body: Any, message: str) -> None:
    assert Refusal.read(body).message == message


def test_facts_come_from_wherever_they_stand() -> None:
    refusal = Refusal.read(
        {"error": {"code": 429, "type": "outer", "metadata": {"raw": json.dumps(INNER)}}, "request_id": "r-1"}
    )
    assert (refusal.code, refusal.param, refusal.status, refusal.trace_id) == ("bad_n", "n", 429, "r-1")
    assert refusal.types == ("outer",)
    assert Refusal.read({"detail": [{"loc": ["body", "messages", 0], "msg": "x"}]}).param == "messages"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"code": 429}}, 429),
        ({"error": {"code": "429"}}, 429),
        ({"error": {"status": 503}}, 503),
        ({"error": {"status": "RESOURCE_EXHAUSTED"}}, 429),
        ({"error": {"error": {"statusCode": "401"}}}, 401),
        ({"status_code": 500, "error": {"code": 400}}, 500),
        ({"error": {"code": 1301}}, None),
        ({"error": {"code": 200}}, None),
        ({"error": {"code": True}}, None),
        ({"error": {"code": 429.5}}, None),
        ({"error": "429 times"}, None),
    ],
)
def test_status_is_read_from_numbers_and_names(body: Any, status: int | None) -> None:
    assert Refusal.read(body).status == status


@pytest.mark.parametrize("error", EMPTY)
def test_error_that_says_nothing_is_none(error: Any) -> None:
    assert not says_something(error)


@pytest.mark.parametrize("error", ["x", 7, True, {"code": 429}, {"message": "x"}, ["x"], {"a": {"b": ["x"]}}])
def test_error_that_says_something_is_one(error: Any) -> None:
    assert says_something(error)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(JSON)
def test_any_body_can_be_read(body: Any) -> None:
    assert isinstance(Refusal.read(body).message, str)
    assert says_something(body) in (True, False)
