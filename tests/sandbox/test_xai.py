"""What xAI alone refuses, and in which words."""

from typing import Any

import pytest

from tests.sandbox.conftest import Poster

pytestmark = pytest.mark.parametrize("dialect", ["xai"], indirect=True)

INVALID = "Client specified an invalid argument"
REASONING = ("grok-4.7", "grok-4.6", "grok-4.5", "grok-4.3", "grok-4.20-0309-reasoning", "grok-build-0.1")
CURRENT = (*REASONING, "grok-4.20-0309-non-reasoning", "grok-4.20-non-reasoning")
RETIRED = ("grok-3", "grok-3-mini", "grok-4", "grok-4-0709", "grok-4-fast-reasoning", "grok-4-fast-non-reasoning")
RETIRED_TOO = ("grok-4-1-fast", "grok-4-1-fast-reasoning", "grok-4-1-fast-non-reasoning")
REFUSED: list[tuple[str, str, Any, str]] = [
    *[(model, "presence_penalty", value, "presencePenalty") for model in CURRENT for value in (0, 0.5)],
    *[(model, "frequency_penalty", 0, "frequencyPenalty") for model in REASONING],
    *[(model, "stop", ["."], "stop") for model in REASONING],
    *[(model, "logit_bias", {}, "logitBias") for model in CURRENT],
    *[(model, "reasoning_effort", "low", "reasoningEffort") for model in CURRENT[4:]],
]
EFFORTS = {
    "grok-4.7": ("low", "medium", "high", "xhigh"),
    "grok-4.6": ("low", "medium", "high", "xhigh"),
    "grok-4.5": ("low", "medium", "high"),
    "grok-4.3": ("none", "low", "medium", "high"),
}


@pytest.mark.parametrize(("model", "name", "value", "said"), REFUSED)
async def test_a_parameter_that_a_model_does_not_take_is_refused(
    post: Poster, model: str, name: str, value: Any, said: str
) -> None:
    response = await post(model=model, **{name: value})
    message = f"Model {model} does not support parameter {said}."
    assert (response.status_code, response.json()) == (400, {"code": INVALID, "error": message})


@pytest.mark.parametrize("model", CURRENT)
@pytest.mark.parametrize("name", ["presence_penalty", "frequency_penalty", "stop", "logit_bias", "reasoning_effort"])
async def test_null_is_not_given(post: Poster, model: str, name: str) -> None:
    assert (await post(model=model, **{name: None})).status_code == 200


@pytest.mark.parametrize("model", CURRENT[-2:])
async def test_a_model_that_does_not_reason_takes_what_the_others_refuse(post: Poster, model: str) -> None:
    answer = (await post(model=model, frequency_penalty=0.5, stop=["mcp"])).json()
    assert answer["choices"][0]["message"]["content"] == "This is the "


async def test_stop_sequences_must_be_an_array(post: Poster) -> None:
    response = await post(model="grok-4.20-non-reasoning", stop="mcp")
    assert (response.status_code, response.json()) == (400, {"code": INVALID, "error": "stop must be an array."})


@pytest.mark.parametrize("model", EFFORTS)
@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh"])
async def test_each_model_takes_its_own_efforts(post: Poster, model: str, effort: str) -> None:
    response = await post(model=model, reasoning_effort=effort)
    assert response.status_code == (200 if effort in EFFORTS[model] else 400)
    if effort in EFFORTS[model]:
        message = response.json()["choices"][0]["message"]
        assert ("reasoning_content" in message) == (effort != "none")
    else:
        assert response.json()["error"].startswith(f"reasoning_effort of {model} must be one of ")


@pytest.mark.parametrize("model", ["foo", "grok-beta", "grok-local", *RETIRED, *RETIRED_TOO])
async def test_a_model_that_is_unknown_or_retired_is_not_found(post: Poster, model: str) -> None:
    response = await post(model=model)
    assert (response.status_code, response.json()["code"]) == (404, "Some requested entity was not found")
    assert response.json()["error"].startswith(f"The model {model} does not exist or your team ")


async def test_half_a_character_in_a_name_is_told_as_far_as_it_can_be(post: Poster) -> None:
    response = await post.http.post(
        post.dialect.path, content=b'{"model": "\\ud83d", "messages": [{"role": "user", "content": "Hello"}]}'
    )
    assert (response.status_code, response.json()["error"][:30]) == (404, "The model ? does not exist or ")


async def test_live_search_is_gone(post: Poster) -> None:
    response = await post(search_parameters={"mode": "off"})
    assert (response.status_code, list(response.json())) == (410, ["error"])
    assert "Live search is deprecated" in response.json()["error"]


@pytest.mark.parametrize(("most", "status"), [(0, 200), (8, 200), (9, 400)])
async def test_at_most_eight_logprobs_are_told(post: Poster, most: int, status: int) -> None:
    assert (await post(top_logprobs=most)).status_code == status


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("data:image/png;base64,AAAA", 200),
        ("data:image/jpeg;base64,AAAA", 200),
        ("https://example.com/a.webp", 200),
        ("data:image/webp;base64,AAAA", 400),
        ("data:image/gif;base64,R0lG", 400),
    ],
)
@pytest.mark.parametrize("role", ["user", "tool"])
async def test_only_png_and_jpeg_images_are_read(post: Poster, url: str, status: int, role: str) -> None:
    parts = [{"type": "image_url", "image_url": {"url": url}}]
    response = await post(messages=[{"role": role, "tool_call_id": "call_1", "content": parts}])
    assert response.status_code == status
    if status == 400:
        message = "Downloaded response does not contain a valid JPG or PNG image."
        assert response.json() == {"code": INVALID, "error": message}


async def test_a_fault_is_no_model_with_rules_of_its_own(post: Poster) -> None:
    answer = (await post(model="sandbox-slow:0", reasoning_effort="xhigh", stop=["mcp"], frequency_penalty=0)).json()
    assert answer["choices"][0]["message"]["content"] == "This is the "
