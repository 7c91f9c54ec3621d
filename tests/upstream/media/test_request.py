"""The body and the fingerprint of a request for pictures or a video."""

import pytest

from mcp_grok.upstream.media.request import MediaRequest
from tests.upstream.media.requests import image_request, payload, text_request


def test_same_content_has_the_same_fingerprint() -> None:
    assert image_request(n=2, resolution="1k").fingerprint == image_request(resolution="1k", n=2).fingerprint


@pytest.mark.parametrize(
    "other", [image_request(n=2), image_request(prompt="a dog"), text_request(), text_request("acedata")]
)
def test_other_content_has_another_fingerprint(other: MediaRequest) -> None:
    assert other.fingerprint != image_request().fingerprint


def test_pictures_and_a_video_with_one_content_have_two_fingerprints() -> None:
    same = {"model": "grok-imagine"}
    requests = [MediaRequest.of(kind, "https://example.com", same, {}) for kind in ("image", "video")]
    assert requests[0].fingerprint != requests[1].fingerprint
    assert requests[0].body == requests[1].body == b'{"model":"grok-imagine"}'


def test_half_a_character_is_sent_as_a_replacement() -> None:
    assert payload(image_request(prompt="cat \ud83d"))["prompt"] == "cat \ufffd"
