"""The answers with pictures: our form, or an error that says what happened."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.errors import GrokError
from mcp_grok.json_parser import JSONObject
from mcp_grok.upstream.media.image_answer import read_images
from tests.upstream.media.requests import endpoint_of, image_request
from tests.upstream.strategies import JSON

URL = "https://imgen.x.ai/xai-imgen/a.jpeg"
PICTURE = {"url": URL, "mime_type": "image/jpeg", "revised_prompt": "", "respect_moderation": True}
BLOCKED = {"url": "", "b64_json": None, "respect_moderation": False}
PAID = {"cost_in_usd_ticks": 200_000_000}

REQUEST, ENDPOINT = image_request(), endpoint_of("xai")

ITEMS = st.fixed_dictionaries(
    {}, optional={"url": JSON | st.just(URL), "b64_json": JSON, "respect_moderation": JSON, "moderated": JSON}
)
ANSWERS = JSON | st.fixed_dictionaries(
    {},
    optional={
        "data": JSON | st.lists(JSON | ITEMS, max_size=4),
        "usage": JSON | st.fixed_dictionaries({"cost_in_usd_ticks": JSON}),
        **dict.fromkeys(("error", "model", "expires_at", "block_reason", "images", "object"), JSON),
    },
)


def read(answer: Any) -> JSONObject:
    """The pictures of an answer."""
    return read_images(200, answer, REQUEST, ENDPOINT)


def error_of(answer: Any) -> GrokError:
    """The error for an answer."""
    with pytest.raises(GrokError) as caught:
        read(answer)
    assert caught.value.provider == "xai"
    return caught.value


def test_pictures_come_in_our_form_with_the_other_fields_whole() -> None:
    result = read({"data": [PICTURE], "usage": PAID, "created": 1, "x": {"y": [1]}})
    left = result.pop("expires_at") - time.time()
    assert 3590 < left <= 3600
    assert result == {
        "object": "image",
        "model": "grok-imagine-image",
        "images": [PICTURE],
        "usage": PAID,
        "created": 1,
        "x": {"y": [1]},
    }


def test_model_and_end_of_the_links_are_those_that_the_answer_states() -> None:
    result = read({"data": [PICTURE], "model": "grok-imagine-image-2.0", "expires_at": 1_800_000_000})
    assert (result["model"], result["expires_at"]) == ("grok-imagine-image-2.0", 1_800_000_000)


def test_picture_inside_the_answer_does_not_expire() -> None:
    result = read({"data": [{"b64_json": "aGk=", "url": None}]})
    assert result["images"] == [{"b64_json": "aGk="}]
    assert "expires_at" not in result


def test_picture_that_moderation_withholds_is_marked_beside_another() -> None:
    first, second = read({"data": [BLOCKED, PICTURE]})["images"]
    assert first == {"respect_moderation": False, "moderated": True}
    assert second == PICTURE


@pytest.mark.parametrize(
    ("usage", "billed", "says"),
    [
        (PAID, "yes", "It is billed all the same. It cost 0.02 USD."),
        ({"cost_in_usd_ticks": 0}, "no", "It is not billed."),
        (None, "unknown", "It may be billed."),
    ],
)
def test_pictures_that_moderation_withholds_are_an_error_with_the_bill(usage: Any, billed: str, says: str) -> None:
    error = error_of({"data": [BLOCKED, BLOCKED], "usage": usage})
    assert (error.code, error.type, error.billed) == ("content_filter", "permission_error", billed)
    assert says in error.message
    assert "change the prompt" in error.message


def test_reason_of_moderation_is_quoted() -> None:
    error = error_of({"data": [], "block_reason": "no violence"})
    assert (error.code, error.upstream_message) == ("content_filter", "no violence")


def test_error_of_moderation_is_one() -> None:
    assert error_of({"error": "Generated image rejected by content moderation."}).code == "content_filter"


def test_error_under_status_200_is_told() -> None:
    error = error_of({"error": {"code": "rate_limited", "message": "Slow down"}})
    assert (error.code, error.upstream_message, error.billed) == ("rate_limited", "Slow down", "unknown")


def test_pictures_beside_an_error_are_kept() -> None:
    answer = {"data": [PICTURE], "error": {"message": "one failed"}}
    assert read(answer)["images"] == [PICTURE]


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"url": 1},
        {"url": ""},
        {"url": "javascript:alert(1)"},
        {"url": "https://a/\r\n"},
        {"b64_json": 1},
        "x",
        None,
    ],
)
def test_item_that_is_no_picture_is_dropped(item: Any) -> None:
    assert read({"data": [item, PICTURE]})["images"] == [PICTURE]
    error = error_of({"data": [item], "usage": PAID})
    assert (error.code, error.billed) == ("bad_upstream_response", "yes")


def test_list_of_a_million_is_cut() -> None:
    assert len(read({"data": [PICTURE] * 1_000_000})["images"]) == 20


@given(ANSWERS)
def test_any_answer_is_pictures_or_an_error(answer: Any) -> None:
    try:
        result = read(answer)
    except GrokError:
        return
    assert result["object"] == "image"
    assert isinstance(result["model"], str)
    for image in result["images"]:
        assert image.get("moderated", True) is True
        assert isinstance(image.get("url", ""), str)
        assert "url" in image or "b64_json" in image or "moderated" in image
