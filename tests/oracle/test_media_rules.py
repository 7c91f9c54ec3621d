"""The oracle's rules for pictures and videos: what they forbid, and what they let pass."""

import json
from typing import Any

import pytest

from tests.oracle.media_rules import RULES

LINK = "https://example.com/cat.png"
PNG = "data:image/png;base64,iVBORw0KGgo="
PICTURE = {"url": LINK, "type": "image_url"}

SIMPLE: dict[tuple[str, str], dict[str, Any]] = {
    ("xai", "/images/generations"): {"prompt": "A cat", "model": "grok-imagine-image"},
    ("xai", "/images/edits"): {"prompt": "A hat", "model": "grok-imagine-image", "image": PICTURE},
    ("xai", "/videos/generations"): {"prompt": "A cat", "model": "grok-imagine-video"},
    ("acedata", "/videos"): {"prompt": "A cat", "model": "grok-imagine-video:reverse", "async": True},
    ("acedata", "/tasks"): {"id": "1", "action": "retrieve"},
}
IMAGES, EDITS, XAI_VIDEOS, ACEDATA_VIDEOS, TASKS = SIMPLE

FORBIDDEN: list[tuple[tuple[str, str], dict[str, Any], str]] = [
    *[(address, {"size": "1k"}, "size") for address in (IMAGES, EDITS, XAI_VIDEOS, ACEDATA_VIDEOS)],
    *[(address, {"resolution": "4k"}, "resolution") for address in (IMAGES, EDITS, XAI_VIDEOS, ACEDATA_VIDEOS)],
    *[(address, {"aspect_ratio": "wide"}, "aspect_ratio") for address in (IMAGES, XAI_VIDEOS, ACEDATA_VIDEOS)],
    *[(address, {"prompt": ""}, "prompt") for address in (IMAGES, EDITS, XAI_VIDEOS, ACEDATA_VIDEOS)],
    *[(address, {"model": "grok-4"}, "model") for address in (IMAGES, EDITS, XAI_VIDEOS, ACEDATA_VIDEOS)],
    *[(IMAGES, {"n": value}, "n") for value in (0, 11, "1", True)],
    (IMAGES, {"response_format": "png"}, "response_format"),
    *[(EDITS, {"image": value}, "image") for value in (LINK, {"url": LINK}, {"url": "cat.png", "type": "image_url"})],
    (EDITS, {"images": [PICTURE, PICTURE]}, "image"),
    *[(XAI_VIDEOS, {"duration": value}, "duration") for value in (0, 16, "6")],
    (XAI_VIDEOS, {"image": LINK}, "image"),
    (XAI_VIDEOS, {"reference_images": [LINK]}, "reference_images"),
    (XAI_VIDEOS, {"image": {"url": PNG}, "reference_images": [{"url": LINK}]}, "reference_images"),
    *[(ACEDATA_VIDEOS, {"duration": value}, "duration") for value in (0, 16)],
    *[(ACEDATA_VIDEOS, {"image_url": value}, "image_url") for value in (PNG, {"url": LINK})],
    (ACEDATA_VIDEOS, {"model": "grok-imagine-video-1.5:official"}, "image_url"),
    (ACEDATA_VIDEOS, {"async": False}, "async"),
    (TASKS, {"action": "cancel"}, "action"),
    (TASKS, {"ids": ["1"]}, "action"),
]

ALLOWED: list[tuple[tuple[str, str], dict[str, Any]]] = [
    *[(address, {}) for address in SIMPLE],
    (IMAGES, {"n": 10, "aspect_ratio": "19.5:9", "resolution": "2k", "response_format": "url"}),
    (EDITS, {"image": {"url": PNG, "type": "image_url"}}),
    (XAI_VIDEOS, {"image": {"url": PNG}}),
    (XAI_VIDEOS, {"model": "grok-imagine-video-1.5", "image": {"url": LINK}, "reference_images": [{"url": PNG}]}),
    (ACEDATA_VIDEOS, {"model": "grok-imagine-video-1.5-fast:reverse", "duration": 30, "image_url": LINK}),
    (ACEDATA_VIDEOS, {"reference_image_urls": [LINK], "aspect_ratio": "16:9", "resolution": "720p"}),
]


@pytest.mark.parametrize(("address", "changes", "param"), FORBIDDEN, ids=lambda value: json.dumps(value)[:50])
def test_forbidden_request_is_refused(address: tuple[str, str], changes: dict[str, Any], param: str) -> None:
    found = [error.param for error in RULES[address]({**SIMPLE[address], **changes})]
    assert found[:1] == [param]


@pytest.mark.parametrize(("address", "changes"), ALLOWED, ids=lambda value: json.dumps(value)[:50])
def test_documented_request_passes(address: tuple[str, str], changes: dict[str, Any]) -> None:
    assert list(RULES[address]({**SIMPLE[address], **changes})) == []
