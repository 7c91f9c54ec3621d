"""What the API answers instead of a completion → the error that says what happened and what to do."""

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import GrokError, UpstreamError
from mcp_grok.providers import PROVIDERS
from mcp_grok.settings import Settings
from mcp_grok.upstream.failed_completion import failure_in_completion
from mcp_grok.upstream.failures import error_event, error_in_answer, http_error
from mcp_grok.upstream.transport_failures import transport_error
from tests.upstream.strategies import JSON, TEXT
from tests.upstream.test_refusal import EMPTY


def endpoint_of(provider: str) -> Endpoint:
    """The endpoint of a provider."""
    return Settings(provider=provider, base_url="https://api.example.com", idle_timeout=1.5).endpoint


ACEDATA = endpoint_of("acedata")
CODES = ("used_up", "no_token", "disabled", "forbidden", "rate_limited", "model_not_found", "timeout", "api_error")
HTML = b"<html><head><style>p { x }</style></head>\n<body><h1>502 Bad Gateway</h1><script>a<b</script></body></html>"
NO_CREDITS = {"code": "The quota is exhausted", "error": "Your team has used all available credits."}
SPENT = {"error": "Your team reached its monthly spending limit."}
BAD_XAI_KEY = {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***y."}
FIELDS = st.dictionaries(st.sampled_from(["error", "code", "message", "detail", "param", "trace_id"]), JSON)


def error_of(
    status: int, body: Any, headers: Mapping[str, str] | None = None, provider: str = "acedata"
) -> dict[str, Any]:
    """The error object for an answer; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return http_error(endpoint_of(provider), status, httpx2.Headers(headers or {}), content).as_dict()


def said(body: Any) -> str | None:
    """What is kept of the upstream's words."""
    message: str | None = error_of(400, body).get("upstream_message")
    return message


@pytest.mark.parametrize(
    ("status", "code", "kind", "retryable", "advice"),
    [
        (400, "bad_request", "invalid_request_error", False, "change the arguments"),
        (400, "no_token", "authentication_error", False, "ACEDATACLOUD_API_TOKEN"),
        (400, "token_mismatched", "invalid_request_error", False, "change the arguments"),
        (400, "api_not_implemented", "invalid_request_error", False, "change the arguments"),
        (401, "invalid_token", "authentication_error", False, "ACEDATACLOUD_API_TOKEN"),
        (401, "token_expired", "authentication_error", False, "ACEDATACLOUD_API_TOKEN"),
        (401, "token_mismatched", "authentication_error", False, "ACEDATACLOUD_API_TOKEN"),
        (402, "payment_required", "insufficient_quota", False, "top it up"),
        (403, "used_up", "insufficient_quota", False, "top it up"),
        (403, "disabled", "permission_error", False, "disabled"),
        (403, "forbidden", "permission_error", False, "moderation"),
        (404, "no_api", "not_found_error", False, "MCP_GROK_BASE_URL"),
        (408, "request_timeout", "timeout_error", True, "send the call again"),
        (413, "too_large", "invalid_request_error", False, "shorten"),
        (415, "unsupported", "invalid_request_error", False, "change the arguments"),
        (422, "unprocessable", "invalid_request_error", False, "change the arguments"),
        (429, "too_many_requests", "rate_limit_error", True, "wait"),
        (429, "rate_limited", "rate_limit_error", True, "wait"),
        (500, "api_error", "server_error", True, "send the call again"),
        (503, "overloaded", "server_error", True, "send the call again"),
        (504, "timeout", "timeout_error", True, "send the call again"),
        (504, "api_error", "timeout_error", True, "send the call again"),
    ],
)
def test_status_and_code_decide_the_kind_of_failure(
    status: int, code: str, kind: str, retryable: bool, advice: str
) -> None:
    error = error_of(status, {"success": False, "error": {"code": code, "message": "It failed."}, "trace_id": "t-1"})
    message = error.pop("message")
    assert message[0].isupper()
    assert advice in message
    assert "AceData" in message
    assert "It failed." not in message
    assert error == {
        "code": code,
        "status": status,
        "type": kind,
        "retryable": retryable,
        "billed": "unknown" if status == 408 else "no",
        "provider": "acedata",
        "trace_id": "t-1",
        "upstream_message": "It failed.",
    }


WITHOUT_CODE = {
    ("bad_request", "invalid_request_error"): (400, 405, 409, 410, 413, 415, 422),
    ("invalid_token", "authentication_error"): (401,),
    ("used_up", "insufficient_quota"): (402,),
    ("forbidden", "permission_error"): (403,),
    ("not_found", "not_found_error"): (404,),
    ("timeout", "timeout_error"): (408, 504),
    ("too_many_requests", "rate_limit_error"): (429,),
    ("api_error", "server_error"): (500, 502, 503, 599),
}


@pytest.mark.parametrize("status", [status for statuses in WITHOUT_CODE.values() for status in statuses])
@pytest.mark.parametrize("body", [b"", HTML, b"null", {"error": None}, {"error": {"code": 7}}, {"error": "sorry"}])
def test_status_decides_without_a_code(status: int, body: Any) -> None:
    error = error_of(status, body)
    assert status in WITHOUT_CODE[error["code"], error["type"]]
    assert error["retryable"] == (status in (408, 429) or status >= 500)
    assert error["status"] == status


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, NO_CREDITS, "insufficient_quota"),
        (429, SPENT, "insufficient_quota"),
        (429, {"error": {"code": "insufficient_quota", "message": ""}}, "insufficient_quota"),
        (403, {"error": {"code": "forbidden", "message": "Your balance is too low."}}, "insufficient_quota"),
        (403, {"error": "Your credit has been used up."}, "insufficient_quota"),
        (400, BAD_XAI_KEY, "authentication_error"),
        (403, {"error": "Invalid API key"}, "authentication_error"),
        (500, NO_CREDITS, "server_error"),
        (422, BAD_XAI_KEY, "invalid_request_error"),
    ],
)
def test_used_up_credits_and_refused_keys_are_read_from_words(status: int, body: Any, kind: str) -> None:
    error = error_of(status, body, provider="xai")
    assert error["type"] == kind
    assert error["retryable"] == (kind == "server_error")


LINK = "Please try later. Add a payment method at https://example.com/settings/billing to buy credits."
QUOTA = "You exceeded your current quota, please check your plan and billing details."


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        *[({"error": {"message": LINK, "code": code}}, {}) for code in
          ("rate_limit_exceeded", "rate-limited", "RateLimitReached", "TOO_MANY_REQUESTS", "Throttling.RateQuota")],
        *[({"error": {"message": LINK, "type": kind}}, {}) for kind in
          ("rate_limit_error", "requests", "tokens", "RateLimitError", "ThrottlingException")],
        ({"error": {"message": QUOTA, "code": 429, "status": "RESOURCE_EXHAUSTED"}}, {}),
        ({"error": {"message": "x", "metadata": {"error_type": "rate_limit_exceeded", "raw": QUOTA}}}, {}),
        ({"error": QUOTA}, {"retry-after": "2"}),
        ({"error": QUOTA}, {"x-ratelimit-reset-requests": "2s", "x-ratelimit-remaining-requests": "0"}),
        ({"error": f"{QUOTA} Please retry in 2.5s."}, {}),
        ({"error": "Limit of 3 requests per min reached. Add credits to raise it."}, {}),
        ({"error": "See https://example.com/billing/balance"}, {}),
    ],
)  # fmt: skip
def test_rate_limit_is_one_whatever_its_text_mentions(body: Any, headers: dict[str, str]) -> None:
    error = error_of(429, body, headers)
    assert (error["type"], error["retryable"]) == ("rate_limit_error", True)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"code": "insufficient_quota", "message": "Rate limit. Try again in 3s."}, "insufficient_quota"),
        (429, {"type": "insufficient_quota", "message": QUOTA}, "insufficient_quota"),
        (429, {"code": "billing_hard_limit_reached", "message": ""}, "insufficient_quota"),
        (429, {"type": "invalid_request_error", "message": QUOTA}, "insufficient_quota"),
        (403, {"type": "billing_error", "message": "no"}, "insufficient_quota"),
        (403, {"code": "rate_limit_exceeded", "message": "Used up"}, "rate_limit_error"),
        (400, {"code": "invalid_request_error", "message": "Invalid access token in tools[0].headers"},
         "invalid_request_error"),
        (400, {"type": "invalid_request_error", "message": "invalid token, no token left"}, "invalid_request_error"),
        (400, {"type": "invalid_request_error", "message": "Incorrect API key provided"}, "authentication_error"),
        (400, {"status": "INVALID_ARGUMENT", "message": "API key not valid."}, "authentication_error"),
        (400, {"message": "x", "details": [{"reason": "API_KEY_INVALID"}]}, "authentication_error"),
        (401, {"type": "invalid_request_error", "message": "x"}, "authentication_error"),
        (404, {"code": "invalid_request_error", "message": "x"}, "not_found_error"),
        (413, {"code": "rate_limit_exceeded", "type": "tokens", "message": "TPM"}, "invalid_request_error"),
        (500, {"code": "rate_limit_exceeded", "message": "x"}, "rate_limit_error"),
        (529, {"type": "overloaded_error", "message": "Overloaded"}, "server_error"),
        (524, {"message": "x"}, "timeout_error"),
    ],
)  # fmt: skip
def test_facts_decide_before_words(status: int, error: dict[str, Any], kind: str) -> None:
    assert error_of(status, {"error": error})["type"] == kind


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_a_wrong_address(status: int) -> None:
    error = error_of(status, b"<p>Moved</p>", {"location": "https://elsewhere.example/"})
    assert (error["code"], error["type"]) == ("bad_upstream_response", "configuration_error")
    assert (error["retryable"], error["billed"], error["status"]) == (False, "no", status)
    assert f"redirect (HTTP {status}), which is not followed; check MCP_GROK_BASE_URL" in error["message"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_refusal_is_free_and_server_error_may_be_billed(provider: str) -> None:
    for status in (301, 400, 402, 403, 413, 429):
        assert error_of(status, b"", provider=provider)["billed"] == "no"
    assert error_of(408, b"", provider=provider)["billed"] == "unknown"
    for status in (500, 502, 503, 504):
        assert error_of(status, b"", provider=provider)["billed"] == (
            "no" if provider in ("acedata", "sandbox") else "unknown"
        )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"code": "bad_request", "message": "n is wrong"}}, "n is wrong"),
        ({"error": "n is wrong"}, "n is wrong"),
        ({"error": None, "message": "n is wrong"}, "n is wrong"),
        ({"error": None}, None),
        ({"error": {}, "detail": "n is wrong"}, "n is wrong"),
        ({"error": [{"message": "n is wrong"}]}, "n is wrong"),
        ({"error": [{"message": "n"}, "stop", None, {"msg": "x"}]}, "n; stop; x"),
        ({"error": []}, None),
        ({"error": {"message": {"message": "n is wrong"}}}, "n is wrong"),
        ({"detail": [{"loc": ["body", "n"], "msg": "n is wrong"}]}, "n is wrong"),
        ({"code": "An invalid argument", "error": "n is wrong"}, "An invalid argument: n is wrong"),
        ({"code": "Only a sentence"}, "Only a sentence"),
        (["n is wrong"], "n is wrong"),
        ("n is wrong", "n is wrong"),
        (7, None),
        (b"null", None),
        (b"", None),
        (b" \r\n", None),
        (b"n is wrong\r\n", "n is wrong"),
        (b'\xef\xbb\xbf{"error": "n is wrong"}', "n is wrong"),
        (b'{"error": "n is', '{"error": "n is'),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (HTML, "502 Bad Gateway"),
        ({"error": {"message": "give 0 < n and n > 3, not List<int>"}}, "give 0 < n and n > 3, not List<int>"),
    ],
)
def test_upstream_message_is_found_in_every_form_of_body(body: Any, message: str | None) -> None:
    assert said(body) == message


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"code": "api_not_implemented", "error": "x"}, "api_not_implemented"),
        ({"error": [{"code": "token_mismatched"}]}, "token_mismatched"),
        ({"error": {"code": "a sentence"}}, "bad_request"),
        ({"error": {"code": 400}}, "bad_request"),
        ({"error": {"code": "x" * 65}}, "bad_request"),
        ({"error": {"code": "späße"}}, "bad_request"),
    ],
)
def test_upstream_code_is_kept(body: Any, code: str) -> None:
    assert error_of(400, body)["code"] == code


def test_upstream_message_is_cut_at_500_characters() -> None:
    assert said({"error": "é" * 500}) == "é" * 500
    assert said({"error": "é" * 501}) == "é" * 500
    assert said(b"<p>" + b"x" * 5000) == "x" * 500


@pytest.mark.parametrize(
    ("body", "headers", "trace_id"),
    [
        ({"error": {"trace_id": "inner"}, "trace_id": "t-1"}, {"X-Trace-Id": "h-1"}, "t-1"),
        ({"error": {"trace_id": "inner"}}, {"X-Trace-Id": "h-1"}, "inner"),
        ({"error": "x", "trace_id": 7}, {"X-Trace-Id": "h-1", "X-Request-Id": "r-1"}, "h-1"),
        (b"", {"X-Request-Id": "r-1"}, "r-1"),
        (b"", {}, None),
    ],
)
def test_trace_id_is_from_body_or_headers(body: Any, headers: dict[str, str], trace_id: str | None) -> None:
    assert error_of(500, body, headers).get("trace_id") == trace_id


def test_parameter_and_wait_are_passed_on() -> None:
    error = error_of(429, {"error": {"param": "n", "message": "slower"}}, {"Retry-After": "7"})
    assert (error["param"], error["retry_after"]) == ("n", 7)
    error = error_of(429, {"error": {"param": ["n"]}}, {"Retry-After": "later"})
    assert error.keys().isdisjoint({"param", "retry_after"})


@pytest.mark.parametrize(
    ("body", "code", "retryable"),
    [
        ({"success": False}, "api_error", True),
        ({"success": False, "error": None, "choices": []}, "api_error", True),
        ({"success": False, "error": {"code": "used_up", "message": "x"}}, "used_up", False),
        ({"error": {"code": "api_error", "message": "x"}}, "api_error", True),
        ({"error": {"code": "bad_request"}}, "bad_request", False),
        ({"error": "x"}, "api_error", True),
        ({"error": ["x"]}, "api_error", True),
    ],
)
def test_error_under_http_200_leaves_the_bill_unknown(body: Any, code: str, retryable: bool) -> None:
    for found in (error_in_answer(ACEDATA, 200, body), error_event(ACEDATA, json.dumps(body))):
        assert isinstance(found, UpstreamError)
        error = found.as_dict()
        assert (error["code"], error["retryable"], error["status"]) == (code, retryable, 200)
        assert error["billed"] == "unknown"


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"error": {"code": 429, "message": "Provider returned error"}}, 429, "rate_limit_error"),
        ({"error": {"code": "402", "message": "x"}}, 402, "insufficient_quota"),
        ({"error": {"status": 401, "message": "x"}}, 401, "authentication_error"),
        ({"error": {"code": 400, "message": "max_tokens is too large"}}, 400, "invalid_request_error"),
        ({"error": {"message": "x", "status": "RESOURCE_EXHAUSTED"}}, 429, "rate_limit_error"),
        ({"error": {"code": 503, "details": [{"@type": "x"}]}}, 503, "server_error"),
        ({"object": "error", "message": "x", "code": 404}, 404, "not_found_error"),
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "x"}}, 200, "rate_limit_error"),
        ({"errors": [{"status": "403", "detail": "x"}]}, 403, "permission_error"),
        ({"statusCode": 429, "message": "x"}, 429, "rate_limit_error"),
        ({"error": "Rate limit exceeded"}, 200, "rate_limit_error"),
        ({"error": {"type": "invalid_request_error", "message": "billing"}}, 200, "invalid_request_error"),
    ],
)
def test_error_states_its_own_status_under_http_200(body: Any, status: int, kind: str) -> None:
    for found in (error_in_answer(ACEDATA, 200, body), error_event(ACEDATA, json.dumps(body))):
        assert found is not None
        assert (found.status, found.type, found.billed) == (status, kind, "unknown")


def test_error_beside_an_answer_keeps_its_text() -> None:
    answer = {"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}
    error = error_in_answer(ACEDATA, 200, {**answer, "error": {"code": 502, "message": "died"}})
    assert error is not None
    assert (error.partial, error.status) == ("whole", 502)


@pytest.mark.parametrize("error", EMPTY)
def test_empty_error_beside_an_answer_is_none(error: Any) -> None:
    choice = {"index": 0, "message": {"content": "whole"}, "finish_reason": "stop"}
    chunk = {"choices": [{"index": 0, "delta": {"content": "x"}, "error": error}], "error": error}
    for body in ({"choices": [choice], "error": error}, {"choices": [{**choice, "error": error}]}, chunk):
        assert error_in_answer(ACEDATA, 200, body) is None


@pytest.mark.parametrize("provider", PROVIDERS)
def test_sentence_begins_with_the_name_as_it_is_written(provider: str) -> None:
    endpoint = endpoint_of(provider)
    messages = [error_of(status, b"", provider=provider)["message"] for status in range(300, 600)]
    messages += [error_of(400, {"error": {"code": code}}, provider=provider)["message"] for code in CODES]
    messages += [
        transport_error(endpoint, error).message for error in (httpx2.ReadTimeout(""), httpx2.ConnectError(""))
    ]
    empty: list[Any] = [[], [{"message": None, "finish_reason": "SAFETY"}]]
    for body in ({"choices": choices} for choices in empty):
        failure = failure_in_completion(endpoint, body)
        assert failure is not None
        messages.append(failure.message)
    for message in messages:
        assert message[0].isupper() or message.startswith((endpoint.provider.title, "xAI", "llmprovider.ai"))
        assert not message.startswith(("the ", "XAI", "Llmprovider"))
        assert ". the " not in message
    assert any(message.startswith(endpoint.provider.subject) for message in messages)


@pytest.mark.parametrize("body", [{"choices": []}, {"success": True}, {"error": None}, {"error": {}}, [], "x", None])
def test_answer_without_an_error_holds_none(body: Any) -> None:
    assert error_in_answer(ACEDATA, 200, body) is None


def test_error_event_that_is_no_json_is_quoted() -> None:
    assert error_event(ACEDATA, "upstream went away").as_dict()["upstream_message"] == "upstream went away"


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    st.integers(300, 599),
    st.binary(max_size=60)
    | (JSON | FIELDS | st.fixed_dictionaries({"error": FIELDS | st.lists(FIELDS, max_size=2)})).map(
        lambda body: json.dumps(body).encode()
    ),
    st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "x-trace-id"]), TEXT),
)
def test_any_body_gives_an_error_that_is_json(status: int, body: bytes, headers: dict[str, str]) -> None:
    error = http_error(ACEDATA, status, headers, body)
    assert isinstance(error, GrokError)
    assert json.loads(json.dumps(error.as_dict(), allow_nan=False))["status"] == status


@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"message":', b"}"), (b'{"error":[', b"]}")])
def test_body_nested_to_any_depth_gives_an_error(start: bytes, end: bytes) -> None:
    for depth in (*range(50, 1000, 25), 10_000, 100_000):
        assert error_of(500, start * depth + b"7" + end * depth)["code"] == "api_error"


@pytest.mark.parametrize("markup", [b"<", b"<script", b"<style>", b"<a ", b" <"])
def test_broken_markup_is_read_in_linear_time(markup: bytes) -> None:
    began = time.process_time()
    error_of(502, markup * (50_000 // len(markup)))
    assert time.process_time() - began < 0.3


@pytest.mark.parametrize(
    ("error", "code", "billed", "words"),
    [
        (httpx2.ConnectTimeout(""), "connection_failed", "no", "MCP_GROK_BASE_URL"),
        (httpx2.ConnectError(""), "connection_failed", "no", "refused the connection"),
        (httpx2.ProxyError(""), "connection_failed", "no", "HTTPS_PROXY"),
        (httpx2.ReadTimeout(""), "timeout", "unknown", "1.5 s (MCP_GROK_IDLE_TIMEOUT)"),
        (httpx2.WriteTimeout(""), "timeout", "unknown", "may be billed"),
        (httpx2.ReadError(""), "connection_failed", "unknown", "may be billed"),
        (httpx2.RemoteProtocolError(""), "connection_failed", "unknown", "may be billed"),
        (httpx2.UnsupportedProtocol(""), "not_configured", "no", "MCP_GROK_BASE_URL"),
        (httpx2.DecodingError(""), "bad_upstream_response", "unknown", "compressed"),
    ],
)
def test_transport_failure_says_what_broke_and_what_it_costs(
    error: Exception, code: str, billed: str, words: str
) -> None:
    failure = transport_error(ACEDATA, error).as_dict()
    assert (failure["code"], failure["billed"], failure["provider"]) == (code, billed, "acedata")
    assert words in failure["message"]


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("Model grok-4.7 does not support parameter presencePenalty.", "presence_penalty"),
        ("Argument not supported on this model: presencePenalty", "presence_penalty"),
        ("Argument not supported on this model: stop", "stop"),
        ("Unsupported parameter: 'max_tokens' is not supported with this model.", "max_tokens"),
        ("Invalid value for `temperature`: 3", "temperature"),
        ("reasoning_effort is not valid", "reasoning_effort"),
        ("the user is not known, please stop", None),
        ("Only messages of role 'user' can have a name.", None),
        ("Please use a valid role: user", None),
        ("Unsupported value: 'stop' is not supported", "stop"),
        ("Argument not supported on this model: user", "user"),
        ("Extra inputs are not permitted: no_such_thing", None),
        ("", None),
    ],
)
def test_refusal_names_its_parameter(message: str, param: str | None) -> None:
    body = json.dumps({"code": "Client specified an invalid argument", "error": message}).encode()
    error = http_error(endpoint_of("xai"), 400, {}, body).as_dict()
    assert error.get("param") == param
    assert error["type"] == "invalid_request_error"
