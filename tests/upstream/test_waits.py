"""How long the upstream asks us to wait, in every form."""

import email.utils
import math
import time
from collections.abc import Iterator

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.upstream.refusal import Refusal
from mcp_grok.upstream.waits import retry_after_seconds, seconds_to_reset, stated_wait, wait_in_words

NOW = 784111777.0
"""Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110."""


@pytest.fixture(params=["UTC0", "JST-9", "PST8"])
def time_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's time zone, which no answer may depend on."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "7 s"}, 7),
        ({"retry-after": "3s"}, 3),
        ({"retry-after": "1m30s"}, 90),
        ({"retry-after": "200ms"}, 0.2),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7),
        ({"retry-after-ms": "-1", "retry-after": "7"}, 7),
    ],
)
def test_wait_is_read_in_seconds_or_milliseconds(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers) == seconds


@pytest.mark.parametrize("value", ["", "soon", "-1", "nan", "inf", "-inf", "1e999", "Sun, 99 Foo 1994", "1 2 3"])
def test_unreadable_wait_is_none(value: str) -> None:
    assert retry_after_seconds({"retry-after": value}) is None
    assert retry_after_seconds({"retry-after-ms": value}) is None


@pytest.mark.usefixtures("time_zone")
@pytest.mark.parametrize(
    "date",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
)
def test_wait_until_a_date_is_read_in_each_form_of_rfc_9110(date: str) -> None:
    assert retry_after_seconds({"retry-after": date}, now=NOW - 10) == 10
    assert retry_after_seconds({"retry-after": date}, now=NOW + 10) == 0


def test_date_is_compared_with_the_present() -> None:
    date = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert retry_after_seconds({"retry-after": date}) == pytest.approx(60, abs=5)


def test_names_of_headers_are_case_insensitive() -> None:
    assert retry_after_seconds(httpx2.Headers({"Retry-After": "7"})) == 7
    assert retry_after_seconds(httpx2.Headers({"Retry-After-Ms": "7"})) == 0.007


DATE_LIKE = st.from_regex(
    r"\A[A-Z][a-z]{2},? [0-9]{1,2} (Jan|Feb|Nov) [0-9]{1,6} [0-9:]{1,9}( (GMT|[-+][0-9]{1,6}))?\Z"
)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.text(max_size=12) | DATE_LIKE, st.text(max_size=5))
def test_wait_is_finite_or_none_for_any_headers(value: str, milliseconds: str) -> None:
    for headers in ({"retry-after": value}, {"retry-after": value, "retry-after-ms": milliseconds}):
        seconds = retry_after_seconds(headers, now=NOW)
        assert seconds is None or (math.isfinite(seconds) and seconds >= 0)


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Rate limit reached. Please try again in 1.2s. Visit https://x.example/billing", 1.2),
        ("Please try again in 1m30.5s.", 90.5),
        ("try again in 200ms", 0.2),
        ("Please retry after 6 seconds.", 6),
        ("Please retry in 36.5s.", 36.5),
        ("Please wait 2 minutes and 3 seconds before the next request", 123),
        ("The limit resets in 1 hour", 3600),
        ("You may try your request again in 5 sec", 5),
        ("Limit: 3 / min, used 3s", None),
        ("try again later", None),
        ("try again in 5 steps", None),
        ("", None),
    ],
)
def test_wait_is_read_from_words(message: str, seconds: float | None) -> None:
    assert wait_in_words(message) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset": "12"}, 12),
        ({"X-RateLimit-Reset-Requests": "6m0s"}, 360),
        ({"x-ratelimit-reset": str(int(NOW + 2e9 + 30))}, 2e9 + 30),
        ({"x-ratelimit-reset": str(int((NOW + 2e9 + 30) * 1000))}, 2e9 + 30),
        ({"ratelimit-reset": "7"}, 7),
        ({"anthropic-ratelimit-tokens-reset": "1994-11-06T08:50:37Z"}, 60),
        ({"x-ratelimit-reset-requests": "9s", "x-ratelimit-reset-tokens": "4s"}, 4),
        (
            {
                "x-ratelimit-reset-requests": "9s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "4s",
            },
            9,
        ),
        ({"x-ratelimit-reset-requests": "9s", "x-ratelimit-remaining-requests": "5"}, None),
        ({"anthropic-ratelimit-tokens-reset": "4s", "anthropic-ratelimit-tokens-remaining": "0"}, 4),
        ({"x-ratelimit-reset": "1000000001"}, 215888224),
        ({"x-ratelimit-reset": "soon", "x-ratelimit-limit": "3"}, None),
    ],
)
def test_wait_is_read_from_the_limit_that_is_reached(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds_to_reset(httpx2.Headers(headers), now=NOW) == seconds


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "36.5s"}]}}, 36.5),
        ({"error": {"details": [{"retryDelay": {"seconds": 3}}]}}, 3),
        ({"error": {"retry_after": 2.5}}, 2.5),
        ({"retry_after_ms": 250}, 0.25),
        ({"error": {"metadata": {"headers": {"X-RateLimit-Reset": "8", "X-RateLimit-Remaining": "0"}}}}, 8),
        ({"error": {"metadata": {"headers": {"Retry-After": 4}}}}, 4),
        ({"error": {"message": "try again in 3s"}}, 3),
        ({"error": {"retry_after": "soon"}}, None),
    ],
)
def test_wait_is_read_from_the_body(body: object, seconds: float | None) -> None:
    assert stated_wait(429, {}, Refusal.read(body), now=NOW) == seconds


def test_header_comes_before_body_and_words_before_reset() -> None:
    body = Refusal.read({"error": {"message": "try again in 3s"}})
    assert stated_wait(429, {"retry-after": "1"}, body) == 1
    assert stated_wait(429, {"x-ratelimit-reset": "60"}, body) == 3
    assert stated_wait(429, {"x-ratelimit-reset": "60"}, Refusal()) == 60
    assert stated_wait(400, {"x-ratelimit-reset": "60"}, Refusal()) is None


@pytest.mark.parametrize("piece", ["1m", "try again in ", "again " + "a " * 30, "9" * 9])
def test_words_are_read_in_linear_time(piece: str) -> None:
    began = time.process_time()
    wait_in_words(piece * (4000 // len(piece)))
    assert time.process_time() - began < 0.3
