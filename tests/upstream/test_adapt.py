"""What is left out of a call because its provider or its model is documented not to take it, and what is not."""

import json
from typing import Any

import pytest

from mcp_grok.errors import InvalidRequest
from mcp_grok.models import MODELS, find_model
from mcp_grok.providers import PROVIDERS
from mcp_grok.settings import Settings
from mcp_grok.upstream.adapt import EFFORTS, PENALTIES, fitted
from mcp_grok.upstream.request import PARAMETERS, ChatRequest, read_request

HELLO = [{"role": "user", "content": "Hello"}]


def request(provider: str, *, progress_wanted: bool = False, strict: bool = False, **arguments: Any) -> ChatRequest:
    """A call of a provider."""
    address = {"base_url": "https://example.org"} if provider == "custom" else {}
    settings = Settings(provider=provider, strict=strict, **address)  # type: ignore[arg-type]
    return read_request({"messages": HELLO, **arguments}, settings, progress_wanted=progress_wanted)


def sent(provider: str, **arguments: Any) -> Any:
    """The parameters of a call as they are sent, without the model and the messages."""
    body = json.loads(request(provider, **arguments).body)
    return {name: value for name, value in body.items() if name not in ("model", "messages")}


@pytest.mark.parametrize(
    ("provider", "given", "name"),
    [
        ("acedata", "max_tokens", "max_tokens"),
        ("acedata", "max_completion_tokens", "max_completion_tokens"),
        ("llmprovider", "max_tokens", "max_tokens"),
        ("llmprovider", "max_completion_tokens", "max_tokens"),
        ("xai", "max_tokens", "max_completion_tokens"),
        ("xai", "max_completion_tokens", "max_completion_tokens"),
        ("custom", "max_tokens", "max_tokens"),
    ],
)
def test_the_most_tokens_go_under_the_name_that_the_provider_wants(provider: str, given: str, name: str) -> None:
    assert sent(provider, model="m", **{given: 5}) == {name: 5}


@pytest.mark.parametrize(
    ("provider", "stop"), [("acedata", "END"), ("custom", "END"), ("llmprovider", ["END"]), ("xai", ["END"])]
)
def test_a_stop_sequence_alone_goes_as_a_list_where_the_provider_wants_one(provider: str, stop: Any) -> None:
    assert sent(provider, model="m", stop="END") == {"stop": stop}


@pytest.mark.parametrize(
    ("model", "given", "left"),
    [
        ("grok-4.7", {"presence_penalty": 0.5, "temperature": 1}, {"temperature": 1}),
        ("grok-4.7", {"frequency_penalty": 0.5, "stop": "END", "seed": 1}, {"seed": 1}),
        ("grok-4.20-0309-non-reasoning", {"presence_penalty": 1, "stop": ["END"]}, {"stop": ["END"]}),
        ("grok-4.20-0309-reasoning", {"reasoning_effort": "low"}, {}),
        ("grok-4.5", {"reasoning_effort": "none"}, {}),
        ("grok-4.3", {"reasoning_effort": "none"}, {"reasoning_effort": "none"}),
        ("grok-4.6", {"reasoning_effort": "xhigh"}, {"reasoning_effort": "xhigh"}),
        ("grok-4.7", {"reasoning_effort": "anything"}, {"reasoning_effort": "anything"}),
        ("grok-9", {"presence_penalty": 1, "stop": "END"}, {"presence_penalty": 1, "stop": ["END"]}),
        ("grok-9", {"logit_bias": {"1": 1}}, {}),
    ],
)
def test_what_a_model_is_known_to_refuse_is_left_out_and_told(
    model: str, given: dict[str, Any], left: dict[str, Any]
) -> None:
    made = request("xai", model=model, **given)
    assert sent("xai", model=model, **given) == left
    assert made.dropped.keys() == given.keys() - left.keys()
    assert all(reason for reason in made.dropped.values())


def test_the_reason_says_what_the_model_takes() -> None:
    assert request("xai", model="grok-4.5", reasoning_effort="xhigh").dropped == {
        "reasoning_effort": "grok-4.5 takes low, medium or high"
    }
    assert request("xai", model="grok-4", reasoning_effort="low").dropped == {
        "reasoning_effort": "grok-4 does not take it"
    }
    assert request("xai", logit_bias={}).dropped == {"logit_bias": "xAI does not take it"}


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_penalty_of_nothing_is_left_out_without_a_word_where_it_would_be_refused(penalty: str) -> None:
    for zero in (0, 0.0, "0"):
        given: dict[str, Any] = {penalty: zero}
        made = request("xai", strict=True, **given)
        assert penalty not in json.loads(made.body)
        assert made.dropped == {}
    assert sent("acedata", **{penalty: 0}) == {penalty: 0}


def test_a_word_that_is_no_effort_is_refused_where_those_of_the_model_are_known() -> None:
    with pytest.raises(InvalidRequest) as caught:
        request("xai", model="grok-4.5", reasoning_effort="hihg")
    told = caught.value.as_dict()
    assert told["message"] == 'reasoning_effort must be low, medium or high for grok-4.5, got "hihg".'
    assert (told["param"], told["billed"]) == ("reasoning_effort", "no")


def test_strict_settings_make_an_error_of_what_would_be_left_out() -> None:
    with pytest.raises(InvalidRequest) as caught:
        request("xai", model="grok-4.7", strict=True, presence_penalty=1, stop="END")
    told = caught.value.as_dict()
    assert "stop: grok-4.7 does not take it; presence_penalty: grok-4.7 does not take it" in told["message"]
    assert (told["param"], told["billed"]) == ("stop", "no")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_nobody_says_anything_about_goes_through(provider: str) -> None:
    given = {"temperature": 1, "seed": 1, "user": "u", "presence_penalty": 1, "reasoning_effort": "max"}
    assert sent(provider, model="grok-of-tomorrow", **given) == given


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.provider} {model.name}")
def test_the_facts_about_a_model_are_about_parameters_and_efforts_that_there_are(model: Any) -> None:
    assert set(model.rejects) <= set(PARAMETERS)
    assert set(model.efforts or ()) <= set(EFFORTS)
    if model.retired_for:
        replacement = find_model(model.provider, model.retired_for)
        assert replacement is not None
        assert replacement.retired_for is None


def test_fitting_changes_nothing_that_it_was_given() -> None:
    values: dict[str, Any] = {"stop": "END", "max_tokens": 1, "presence_penalty": 1}
    fitted(values, PROVIDERS["xai"], find_model("xai", "grok-4.7"))
    assert values == {"stop": "END", "max_tokens": 1, "presence_penalty": 1}


@pytest.mark.parametrize("provider", ["custom", "xai"])
@pytest.mark.parametrize(("progress_wanted", "stream"), [(True, None), (True, False), (False, True), (False, None)])
def test_usage_is_asked_for_in_a_stream_where_it_would_not_come(
    provider: str, progress_wanted: bool, stream: bool | None
) -> None:
    made = request(provider, model="m", stream=stream, progress_wanted=progress_wanted)
    assert json.loads(made.body).get("stream_options") == ({"include_usage": True} if made.streamed else None)
    assert (made.bare_body is not None) is made.streamed
    if made.bare_body is not None:
        bare = json.loads(made.bare_body)
        assert bare == {"model": "m", "messages": HELLO, "stream": True}


def test_whoever_gives_stream_options_has_them_sent_as_they_are() -> None:
    made = request("custom", model="m", stream=True, stream_options={"include_usage": False})
    assert json.loads(made.body)["stream_options"] == {"include_usage": False}
    assert made.bare_body is None


@pytest.mark.parametrize("provider", ["acedata", "llmprovider"])
def test_usage_is_not_asked_for_where_it_comes_anyway_or_nobody_says_how(provider: str) -> None:
    assert sent(provider, progress_wanted=True) == {"stream": True}


def test_a_call_that_asks_the_same_is_the_same_with_and_without_what_this_server_adds() -> None:
    plain, chosen = request("custom", model="m"), request("custom", model="m", progress_wanted=True)
    assert plain.fingerprint == chosen.fingerprint
