"""The one form of everything that can go wrong."""

import json
import logging
from typing import Any

import pytest

from mcp_grok import errors
from mcp_grok.errors import GrokError, InternalError, InvalidRequest, StreamTruncated, UpstreamError

SECRET = "xai-0123456789"
KINDS = {kind.__name__: kind for kind in GrokError.__subclasses__()}


@pytest.mark.parametrize(
    ("name", "code", "kind", "retryable", "billed"),
    [
        ("InvalidRequest", "invalid_request", "invalid_request_error", False, "no"),
        ("NotConfigured", "not_configured", "configuration_error", False, "no"),
        ("UpstreamError", "api_error", "server_error", False, "unknown"),
        ("CallTimeout", "timeout", "timeout_error", True, "unknown"),
        ("ConnectionFailed", "connection_failed", "connection_error", True, "unknown"),
        ("StreamTruncated", "stream_truncated", "connection_error", True, "unknown"),
        ("BadUpstreamResponse", "bad_upstream_response", "server_error", False, "unknown"),
        ("ResponseTooLarge", "response_too_large", "server_error", False, "unknown"),
        ("Cancelled", "cancelled", "cancelled", False, "unknown"),
        ("InternalError", "internal_error", "server_error", False, "unknown"),
    ],
)
def test_each_kind_has_its_code_and_only_fields_that_apply(
    name: str, code: str, kind: str, retryable: bool, billed: str
) -> None:
    assert KINDS[name]("It failed.").as_dict() == {
        "code": code,
        "message": "It failed.",
        "type": kind,
        "retryable": retryable,
        "billed": billed,
    }


def test_docstring_names_every_kind() -> None:
    assert errors.__doc__ is not None
    assert all(f"─ {name} " in errors.__doc__ for name in KINDS)


def test_fields_of_the_contract_are_shown_unless_empty() -> None:
    fields: dict[str, Any] = {
        "status": 429,
        "type": "rate_limit_error",
        "retryable": True,
        "retry_after": 0.0,
        "param": "n",
        "provider": "acedata",
        "trace_id": "t-1",
        "upstream_message": "slower",
        "partial": "Once upon",
    }
    error = UpstreamError("Wait.", code="rate_limited", billed="no", **fields).as_dict()
    assert error == {"code": "rate_limited", "message": "Wait.", "billed": "no", **fields}
    assert list(error)[:7] == ["code", "message", "status", "type", "retryable", "retry_after", "billed"]
    empty = UpstreamError("Wait.", param=None, trace_id="", partial="", upstream_message="").as_dict()
    assert empty == UpstreamError("Wait.").as_dict()


def test_message_is_that_of_the_exception() -> None:
    assert str(InvalidRequest("n is wrong.", param="n")) == "n is wrong."


def test_upstream_message_is_cut_and_partial_is_not() -> None:
    error = StreamTruncated("It broke.", upstream_message="x" * 501, partial="y" * 10_000).as_dict()
    assert error["upstream_message"] == "x" * 500
    assert error["partial"] == "y" * 10_000


def test_none_means_the_default_of_the_class() -> None:
    error = StreamTruncated("It broke.", retryable=None, billed=None, status=None)
    assert (error.retryable, error.billed, error.status) == (True, "unknown", None)


def test_unknown_field_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="bill"):
        UpstreamError("It failed.", bill="no")


def test_secret_is_removed_from_all_upstream_text() -> None:
    said = f"Bad key {SECRET}, really {SECRET}"
    error = UpstreamError(
        "Check the key.", code=f"bad_{SECRET}", param=said, trace_id=said, upstream_message=said, partial=said
    )
    error.redact(SECRET)
    shown = error.as_dict()
    assert SECRET not in json.dumps(shown)
    for field in ("param", "trace_id", "upstream_message", "partial"):
        assert shown[field] == "Bad key [removed], really [removed]"
    assert shown["code"] == "bad_[removed]"
    assert shown["message"] == "Check the key."


def test_secret_at_the_cut_is_removed_whole() -> None:
    error = UpstreamError("It failed.", upstream_message="x" * 495 + SECRET)
    error.redact(SECRET)
    assert error.as_dict()["upstream_message"] == "x" * 495 + "[remo"


def test_other_keys_and_control_characters_are_removed_from_the_words_of_the_api_only() -> None:
    said = "No\x1b[2J key: sk-other-0123456789abcdef"
    error = UpstreamError("It failed.", upstream_message=said, trace_id="t-1", partial=said)
    error.redact(SECRET)
    assert error.upstream_message == "No [2J key: [removed]"
    assert (error.trace_id, error.partial) == ("t-1", said)


def test_own_key_of_any_form_is_removed_whole() -> None:
    error = UpstreamError("Failed (finish_reason: p$ss).", upstream_message="Key sk-0123456789$rest.")
    error.redact("sk-0123456789$rest", "p$ss")
    assert error.upstream_message == "Key [removed]."
    assert "p$ss" not in error.message


def test_without_a_secret_nothing_is_removed() -> None:
    error = UpstreamError("It failed.", upstream_message="as it was", param=None)
    error.redact("")
    error.redact(SECRET)
    assert error.as_dict()["upstream_message"] == "as it was"


def test_defect_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    prompt = "".join(["a ", "prompt"])
    with caplog.at_level(logging.ERROR), pytest.raises(ValueError, match=prompt) as caught:
        int(prompt)
    error = InternalError.of(caught.value)
    assert "report" in error.message
    assert prompt not in json.dumps(error.as_dict())
    assert "ValueError" in caplog.text
    assert __file__ in caplog.text
    assert prompt not in caplog.records[-1].getMessage()


def test_name_of_any_length_is_cut() -> None:
    error = InvalidRequest(f"{'x' * 10**6!r} is not a parameter.", param="x" * 10**6)
    assert len(json.dumps(error.as_dict())) < 5000
