"""The arguments for a video, as they are sent to each API or refused."""

from pathlib import Path
from typing import Any

import pytest

from mcp_grok.errors import NotConfigured
from mcp_grok.upstream.media.video_request import (
    IMAGE_TO_VIDEO_PARAMETERS,
    TEXT_TO_VIDEO_PARAMETERS,
    read_video_request,
)
from tests.upstream.media.requests import PNG, URL, animation_request, endpoint_of, payload, text_request
from tests.upstream.refusal import refusal_of

FAST = "grok-imagine-video-1.5-fast:reverse"


def test_text_alone_is_sent_with_the_default_model() -> None:
    acedata, xai = text_request("acedata"), text_request("xai")
    assert acedata.url == "https://api.acedata.cloud/grok/videos"
    assert xai.url == "https://api.x.ai/v1/videos/generations"
    assert payload(acedata) == {"model": FAST, "prompt": "a cat", "async": True}
    assert payload(xai) == {"model": "grok-imagine-video", "prompt": "a cat"}
    assert (acedata.kind, acedata.model) == ("video", FAST)


@pytest.mark.parametrize("provider", ["acedata", "xai"])
def test_all_parameters_are_sent_as_given(provider: str) -> None:
    given = {"duration": 10, "aspect_ratio": "2:3", "resolution": "720p", "prompt": "a dog"}
    assert payload(text_request(provider, **given)).items() >= given.items()


def test_images_are_sent_in_the_form_of_each_api() -> None:
    images: dict[str, Any] = {"reference_images": [f"{URL}?1", f"{URL}?2"]}
    acedata = animation_request("acedata", **images)
    xai = animation_request("xai", **images, model="grok-imagine-video-1.5")
    assert payload(acedata)["image_url"] == URL
    assert payload(acedata)["reference_image_urls"] == images["reference_images"]
    assert not {"image", "reference_images", "prompt"} & set(payload(acedata))
    assert payload(xai)["image"] == {"url": URL}
    assert payload(xai)["reference_images"] == [{"url": f"{URL}?1"}, {"url": f"{URL}?2"}]
    assert acedata.given["reference_image_urls"] == "reference_images"


@pytest.mark.parametrize(
    ("provider", "arguments", "param", "says"),
    [
        ("acedata", {"duration": 5}, "duration", f"from 6 to 30 with {FAST}, got 5. It works with the model grok-"),
        ("acedata", {"duration": 16, "model": "grok-imagine-video:official"}, "duration", "from 1 to 15"),
        ("acedata", {"model": "grok-imagine-video-1.5:official"}, "model", "from text alone"),
        ("xai", {"duration": 16}, "duration", "from 1 to 15 with grok-imagine-video, got 16."),
        ("xai", {"resolution": "1080p"}, "resolution", "It works with the model grok-imagine-video-1.5."),
        ("xai", {"duration": 31}, "duration", "from 1 to 30"),
        ("xai", {"aspect_ratio": "auto"}, "aspect_ratio", "1:1, 16:9"),
    ],
)
def test_what_the_model_does_not_allow_is_refused(
    provider: str, arguments: dict[str, Any], param: str, says: str
) -> None:
    message, refused = refusal_of(lambda: text_request(provider, **arguments))
    assert refused == param
    assert says in message


@pytest.mark.parametrize("provider", ["acedata", "xai"])
def test_reference_images_are_refused_over_720p(provider: str) -> None:
    model = {"xai": "grok-imagine-video-1.5"}.get(provider, FAST)
    message, param = refusal_of(
        lambda: animation_request(provider, reference_images=[URL], resolution="1080p", model=model)
    )
    assert (param, message) == (
        "resolution",
        f'resolution must be 480p or 720p beside reference_images with {model}, got "1080p".',
    )


def test_reference_images_are_refused_for_a_model_that_takes_none_beside_an_image() -> None:
    message, param = refusal_of(lambda: animation_request("xai", reference_images=[URL]))
    assert param == "reference_images"
    assert message.endswith("It works with the model grok-imagine-video-1.5.")


@pytest.mark.parametrize("provider", ["acedata", "xai"])
def test_undocumented_model_has_no_limits_of_its_own(provider: str) -> None:
    given = {"model": "grok-imagine-video-9", "duration": 30, "resolution": "1080p", "reference_images": [URL]}
    assert payload(animation_request(provider, **given))["duration"] == 30


def test_only_the_image_is_required_of_an_animation() -> None:
    assert payload(animation_request("xai"))["image"] == {"url": URL}
    message, param = refusal_of(lambda: read_video_request({}, endpoint_of("xai"), with_image=True))
    assert (message, param) == ("image is missing; give the first frame.", "image")


def test_image_as_a_data_uri_is_sent_where_it_is_taken() -> None:
    assert payload(animation_request("xai", image=PNG))["image"] == {"url": PNG}


@pytest.mark.parametrize("provider", ["acedata", "sandbox"])
@pytest.mark.parametrize("image", [PNG, "/pictures/cat.png", "~/cat.png"])
def test_image_that_is_no_link_is_refused_where_only_links_are_taken(provider: str, image: str) -> None:
    message, param = refusal_of(lambda: animation_request(provider, image=image))
    assert param == "image"
    assert "must be a URL" in message
    assert "xAI" in message


@pytest.mark.parametrize("name", ["image", "reference_images"])
def test_wrong_image_is_named(name: str, tmp_path: Path) -> None:
    value: Any = {"image": "cat.png", "reference_images": [URL, "cat.png"]}[name]
    message, param = refusal_of(lambda: animation_request("acedata", **{name: value}))
    assert param == {"image": "image", "reference_images": "reference_images[1]"}[name]
    assert "not a URL" in message


@pytest.mark.parametrize("provider", ["llmprovider", "custom"])
def test_provider_without_videos_is_named_with_those_that_make_them(provider: str) -> None:
    with pytest.raises(NotConfigured) as caught:
        text_request(provider)
    assert "makes no videos; AceData and xAI do. Set MCP_GROK_PROVIDER to acedata or xai" in caught.value.message


def test_parameters_hold_to_the_form_of_tools() -> None:
    for schema in [*TEXT_TO_VIDEO_PARAMETERS.values(), *IMAGE_TO_VIDEO_PARAMETERS.values()]:
        assert isinstance(schema["type"], str)
        assert (schema["type"] == "array") == ("items" in schema)
        assert not {"anyOf", "default", "$ref", "nullable"} & set(schema)
