"""The count of the bytes of requests."""

import pytest

from mcp_grok.calls import RequestBytes
from mcp_grok.errors import LimitReached
from mcp_grok.limits import SMALL_REQUEST_BYTES, SMALL_REQUESTS_SHARE


def test_bodies_of_a_caller_are_bounded_together() -> None:
    counted = RequestBytes(100, 1000)
    with counted.body("ann", 60):
        with pytest.raises(LimitReached, match=r"your running calls .* 100 bytes"):
            counted.body("ann", 60)
        counted.body("bob", 60)
    counted.body("ann", 60)


def test_calls_of_a_caller_are_bounded_together() -> None:
    counted = RequestBytes(100, 1000)
    first = counted.call("ann", 60)
    with pytest.raises(LimitReached):
        counted.call("ann", 60)
    first.release()
    counted.call("ann", 60)


def test_caller_at_its_bound_can_send_one_body_which_may_be_a_repeat() -> None:
    counted = RequestBytes(100, 1000)
    counted.call("ann", 100)
    with counted.body("ann", 60), pytest.raises(LimitReached):
        counted.body("ann", 1)
    counted.body("ann", 60)


def test_call_counts_instead_of_its_body() -> None:
    counted = RequestBytes(100, 100)
    with (body := counted.body("ann", 80)):
        call = counted.call("ann", 90, body)
        with pytest.raises(LimitReached):
            counted.body("bob", 20)
        call.release()
        counted.body("bob", 100)


def test_body_of_unknown_length_is_bounded_as_it_grows() -> None:
    counted = RequestBytes(100, 1000)
    counted.body("ann", 60)
    growing = counted.body("ann", 0)
    growing.grow(40)
    with pytest.raises(LimitReached):
        growing.grow(1)


def test_body_counts_while_any_of_its_users_holds_it() -> None:
    counted = RequestBytes(100, 100)
    body = counted.body("ann", 100)
    with body:
        pass
    with counted.body("bob", 100):
        pass
    with body, body:
        pass
    with body, pytest.raises(LimitReached):
        counted.body("bob", 1)
    counted.body("bob", 100)


def test_large_requests_of_many_callers_leave_room_for_small_ones() -> None:
    counted = RequestBytes(SMALL_REQUESTS_SHARE, 2 * SMALL_REQUESTS_SHARE)
    counted.body("made up 1", SMALL_REQUESTS_SHARE)
    with pytest.raises(LimitReached, match="all its callers together"):
        counted.body("made up 2", SMALL_REQUEST_BYTES + 1)
    counted.body("bob", SMALL_REQUEST_BYTES)


def test_without_bounds_everything_is_counted_and_nothing_refused() -> None:
    counted = RequestBytes()
    with counted.body("ann", 10**12):
        counted.call("ann", 10**12)
