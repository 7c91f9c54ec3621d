"""How long the upstream asks us to wait, in every form of the headers."""

import email.utils
import math
import time
from collections.abc import Iterator

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.upstream.waits import retry_after_seconds

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
