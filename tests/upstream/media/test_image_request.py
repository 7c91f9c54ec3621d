"""The arguments for pictures, as they are sent or refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_grok.errors import NotConfigured
from mcp_grok.upstream.media.image_request import IMAGE_PARAMETERS, read_image_request
from tests.upstream.media.requests import PNG, URL, endpoint_of, image_request, payload
from tests.upstream.refusal import refusal_of


def test_prompt_alone_is_sent_with_the_default_model() -> None:
    request = image_request()
    assert (request.kind, request.model) == ("image", "grok-imagine-image")
    assert request.url == "https://api.x.ai/v1/images/generations"
    assert payload(request) == {"prompt": "a cat", "model": "grok-imagine-image", "response_format": "url"}


def test_all_parameters_are_sent_as_given() -> None:
    given: dict[str, Any] = {"n": 10, "aspect_ratio": "auto", "resolution": "2k", "model": "grok-imagine-next"}
    assert payload(image_request(**given)) == {"prompt": "a cat", "response_format": "url", **given}


def test_one_picture_and_several_are_edited() -> None:
    one, several = image_request(images=[URL]), image_request(images=[URL, PNG, URL])
    assert one.url == several.url == "https://api.x.ai/v1/images/edits"
    assert payload(one)["image"] == {"url": URL, "type": "image_url"}
    assert [image["url"] for image in payload(several)["images"]] == [URL, PNG, URL]
    assert "images" not in payload(one)
    assert "image" not in payload(several)
    assert one.given["image"] == "images"


def test_empty_list_of_pictures_means_none() -> None:
    assert image_request(images=[]).fingerprint == image_request().fingerprint


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("n", 0, "from 1 to 10"),
        ("n", 11, "from 1 to 10"),
        ("aspect_ratio", "5:4", "1:1, 3:4"),
        ("resolution", "4k", "1k, 2k"),
        ("images", [URL] * 4, "at most 3"),
        ("prompt", "", "with text"),
        ("model", "x" * 201, "200 characters"),
    ],
)
def test_value_that_is_not_allowed_is_refused(name: str, value: Any, says: str) -> None:
    message, param = refusal_of(lambda: image_request(**{name: value}))
    assert param == name
    assert says in message


def test_count_of_pictures_is_checked_without_the_schema() -> None:
    refusal = refusal_of(lambda: read_image_request({"prompt": "x", "images": [URL] * 4}, endpoint_of("xai")))
    assert refusal == ("images must have at most 3 items, got 4.", "images")


def test_picture_of_an_allowed_folder_is_sent_as_a_data_uri(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    endpoint = endpoint_of("xai", allowed_dirs=str(tmp_path))
    request = read_image_request({"prompt": "x", "images": [str(tmp_path / "cat.png")]}, endpoint)
    assert json.loads(request.body)["image"]["url"] == PNG


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("cat.png", "not a URL, a data URI or the path of a file"),
        ("ftp://example.com/cat.png", "not a URL"),
        ("https://example.com/a b", "not a URL"),
        ("https://example.com/\r\nx: y", "not a URL"),
        (f"https://example.com/{'a' * 9000}", "not a URL"),
        ("/etc/passwd", "may open no folder"),
        ("data:image/png;base64,AAAA", "not an image"),
        ("data:image/png;base64,", "without data"),
    ],
)
def test_picture_that_cannot_be_sent_is_refused(address: str, says: str) -> None:
    message, param = refusal_of(lambda: image_request(images=[URL, address]))
    assert param == "images[1]"
    assert says in message


@pytest.mark.parametrize("provider", ["acedata", "llmprovider", "custom"])
def test_provider_without_pictures_is_named_with_the_one_that_makes_them(provider: str) -> None:
    with pytest.raises(NotConfigured) as caught:
        image_request(provider)
    assert caught.value.billed == "no"
    assert "makes no pictures; xAI does. Set MCP_GROK_PROVIDER to xai" in caught.value.message


def test_parameters_hold_to_the_form_of_tools() -> None:
    for schema in IMAGE_PARAMETERS.values():
        assert isinstance(schema["type"], str)
        assert (schema["type"] == "array") == ("items" in schema)
        assert not {"anyOf", "default", "$ref", "nullable"} & set(schema)
