"""What an answer says of its files."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_grok.endpoint import Endpoint
from mcp_grok.settings import Settings
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.media.answer_files import with_files
from mcp_grok.upstream.media.download import PICTURE
from mcp_grok.upstream.media.media_files import PREVIEW_BYTES
from tests.upstream.media.samples import PNG


@pytest.fixture(params=[True, False], ids=["folder", "no folder"])
def endpoint(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Endpoint:
    """An API, with an output folder and without one."""
    return replace(settings.endpoint, output_folder=tmp_path / "made" if request.param else None)


def pictures(*items: dict[str, Any]) -> Completion:
    """An answer with pictures."""
    return Completion({"object": "image", "model": "grok", "images": list(items)}, 1)


async def test_fields_of_the_api_are_not_taken_for_ours(endpoint: Endpoint) -> None:
    link = "http://192.0.2.1/cat.png"
    stated = {"file": "/etc/passwd", "file_error": "None", "media_type": "text/x-sh", "bytes": 7}
    answer = await with_files(pictures({"url": link, **stated}, {"moderated": True, **stated}), endpoint, "made")
    first, second = answer.body["images"]
    assert first.keys() == ({"url", "file_error"} if endpoint.output_folder else {"url"})
    assert "not https" in first.get("file_error", "not https")
    assert second == {"moderated": True}


async def test_encoded_picture_over_the_limit_is_not_saved(endpoint: Endpoint) -> None:
    most = PICTURE.size if endpoint.output_folder else PREVIEW_BYTES
    allowed, larger = (PNG.ljust(size, b"x") for size in (most, most + 3))
    for content in (allowed, larger):
        answer = await with_files(
            pictures({"b64_json": base64.b64encode(content).decode()}), endpoint, f"made-{len(content)}"
        )
        [picture] = answer.body["images"]
        if endpoint.output_folder:
            assert ("file" in picture) == (content is allowed)
            assert ("has more than" in picture.get("file_error", "")) == (content is larger)
        else:
            assert (answer.preview is not None) == (content is allowed)
