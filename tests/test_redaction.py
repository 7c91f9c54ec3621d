"""What is removed from an API's own words, and what stays."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.redaction import MAX_TEXT, REMOVED, without_controls, without_keys

KEYS = [
    "sk-proj-abcdEFGH1234",
    "xai-0123456789abcdef",
    "gsk_abcdefghijklmnop",
    "AIzaSyA1234567890abcdefghijk",
    "hf_abcdefghijklmnop",
    "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln-_bmF0",
    "sk-abcd*********wxyz",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "text", ["Incorrect API key provided: {}. See the docs", "({})", '{{"key":"{}"}}', "{}", "x={}&y=1"]
)
def test_key_is_removed_by_its_form(text: str, key: str) -> None:
    assert without_keys(text.format(key)) == text.format(REMOVED)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcDEF123456", "Authorization: Bearer [removed]"),
        ("authorization: basic dXNlcjpwYXNzd29yZA==", "authorization: basic [removed]"),
        ("Invalid token: 0123456789abcdef.", "Invalid token: [removed]."),
        ("The API key 'abc123abc123abc' is wrong", "The API key '[removed]' is wrong"),
        ("/v1?api_key=abcdef1234567890&n=1", "/v1?api_key=[removed]&n=1"),
        ("https://user:pass@api.example.com/v1", "https://[removed]@api.example.com/v1"),
    ],
)
def test_key_is_removed_by_the_word_before_it(text: str, shown: str) -> None:
    assert without_keys(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Bearer token is missing.",
        "Bearer authentication is required",
        "Your key does not have access to grok-4-1-fast-non-reasoning",
        "max_tokens: 131072 is over the maximum of 8192 tokens",
        "The key-value pairs of risk-free task-force-members",
        "request 0af76519-16cd-43dd-8448-eb211c80319c",
        "no token left for the answer; the key of the object is wrong",
    ],
)
def test_words_stay(text: str) -> None:
    assert without_keys(text) == text


def test_control_characters_become_a_space() -> None:
    assert without_controls("\x1b[31mno\r\n\tn\x00 \u202ethere\x9b ") == "[31mno n there"


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.text(max_size=30), st.sampled_from(KEYS), st.text(max_size=30))
def test_key_is_removed_in_any_text(before: str, key: str, after: str) -> None:
    assert key not in without_keys(f"{before} {key} {after}")


@pytest.mark.parametrize("piece", ["key ", "key=", "bearer ", "sk-", "eyJ", "eyJaaaaaa.", "://", "token is was ", "a1"])
def test_long_text_is_read_in_linear_time(piece: str) -> None:
    began = time.process_time()
    without_keys(without_controls(piece * (1_000_000 // len(piece))))
    assert time.process_time() - began < 0.5
    assert len(without_keys("x" * (MAX_TEXT + 1))) == MAX_TEXT
