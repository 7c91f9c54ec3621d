"""A body in the form of a completion → the error that says why it holds no answer, or None if it holds one."""

from typing import Any

import pytest

from mcp_grok.errors import GrokError
from mcp_grok.upstream.completion import is_completion
from mcp_grok.upstream.failed_completion import failure_in_completion
from tests.conftest import settings_for
from tests.replay import COMPLETION, Replay
from tests.upstream.clients import ask, client_for
from tests.upstream.test_failures import ACEDATA

USAGE = {"prompt_tokens": 11, "completion_tokens": 0, "total_tokens": 11}
WHOLE = {"index": 0, "message": {"role": "assistant", "content": "whole"}, "finish_reason": "stop"}


def choice(finish: Any, content: Any = "", **fields: Any) -> dict[str, Any]:
    """A choice with a message and a finish reason."""
    return {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish, **fields}


def failure_of(*choices: Any, **fields: Any) -> dict[str, Any]:
    """The error object for a completion that must hold no answer."""
    error = failure_in_completion(ACEDATA, {"choices": [*choices], **fields})
    assert error is not None
    assert (error.status, error.billed) == (200, "unknown")
    return error.as_dict()


@pytest.mark.parametrize("choices", [[], None])
def test_answer_without_choices_is_an_empty_answer(choices: Any) -> None:
    body = {"choices": choices, "promptFeedback": {"blockReason": "OTHER"}, "usage": USAGE}
    error = failure_in_completion(ACEDATA, body)
    assert error is not None
    shown = error.as_dict()
    assert (shown["code"], shown["retryable"], shown["billed"]) == ("bad_upstream_response", False, "unknown")
    assert "AceData gave no answer (no choices)" in shown["message"]
    assert "MCP_GROK_BASE_URL" not in shown["message"]
    assert "counts 11 tokens" in shown["message"]
    assert '"blockReason": "OTHER"' in shown["upstream_message"]


@pytest.mark.parametrize(
    "finish", ["error", "failed", "network_error", "abort", "insufficient_system_resource", "MALFORMED_FUNCTION_CALL"]
)
def test_failed_answer_is_an_error_with_its_text(finish: str) -> None:
    error = failure_of(choice(finish, "I will now ", native_finish_reason="overload"))
    assert (error["code"], error["type"], error["retryable"]) == ("api_error", "server_error", True)
    assert f"finish_reason: {finish}, native_finish_reason: overload" in error["message"]
    assert error["partial"] == "I will now "
    assert "upstream_message" not in error


@pytest.mark.parametrize("finish", ["content_filter", "SAFETY", "content_filter: RECITATION", "sensitive", "refusal"])
def test_answer_withheld_by_a_filter_names_the_finish_reason(finish: str) -> None:
    error = failure_of({"index": 0, "message": None, "finish_reason": finish}, usage=USAGE)
    assert (error["code"], error["type"], error["retryable"]) == ("content_filter", "permission_error", False)
    assert f"withheld the answer (finish_reason: {finish})" in error["message"]
    assert finish in error["upstream_message"]


@pytest.mark.parametrize("finish", ["length", "stop", None])
def test_message_that_is_null_is_an_empty_answer(finish: str | None) -> None:
    error = failure_of({"index": 0, "message": None, "finish_reason": finish})
    assert error["code"] == "bad_upstream_response"
    assert (finish or "no finish_reason") in error["message"]


def test_texts_of_all_failed_choices_are_kept() -> None:
    error = failure_of(choice("error", "one"), choice("content_filter", None, message=None), choice("failed", "two"))
    assert error["partial"] == "one\n\ntwo"


def test_error_of_the_only_choice_is_the_error_of_the_call() -> None:
    error = failure_of(choice(None, "so far", error={"code": "api_error", "message": "died"}))
    assert (error["upstream_message"], error["partial"]) == ("died", "so far")


@pytest.mark.parametrize(
    "choices",
    [
        [WHOLE],
        [choice("error", "broke off"), WHOLE],
        [{"index": 0, "message": None, "finish_reason": "SAFETY"}, WHOLE],
        [choice("stop", None, error={"message": "died"}), WHOLE],
        [choice("content_filter", "Here is")],
        [choice("content_filter", None, message={"role": "assistant", "refusal": "I cannot"})],
        [choice("stop", "")],
        [choice("length", "cut")],
        [choice("", None, message={"tool_calls": [{}]})],
        [choice("end_turn", "x")],
    ],
)
async def test_answer_that_holds_one_comes_through_whole(upstream: Replay, choices: list[dict[str, Any]]) -> None:
    body = {**COMPLETION, "choices": choices}
    assert is_completion(body)
    upstream.answer(body)
    async with client_for(settings_for(upstream)) as client:
        assert (await ask(client)).body == body


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"choices": 7}, {"choices": ["x"]}, {"choices": [{}]}, {"choices": [{"text": "x"}]},
     {"choices": [{"message": "x"}]}, {"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}],
)  # fmt: skip
def test_other_json_is_neither_an_answer_nor_a_failed_one(body: Any) -> None:
    assert failure_in_completion(ACEDATA, body) is None
    assert not is_completion(body)


async def test_failed_plain_answer_keeps_its_text(upstream: Replay) -> None:
    upstream.answer({**COMPLETION, "choices": [choice("server_error", "so far")]})
    async with client_for(settings_for(upstream, max_retries=2)) as client:
        with pytest.raises(GrokError) as caught:
            await ask(client)
    assert caught.value.partial == "so far"
    assert len(upstream.requests) == 1
