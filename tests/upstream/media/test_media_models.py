"""The documented models for pictures and videos."""

import pytest

from mcp_grok.upstream.media.media_models import (
    MAX_SECONDS,
    VIDEO_MODELS,
    VIDEO_RESOLUTIONS,
    VideoAPI,
    find_video_model,
    video_models,
)


@pytest.mark.parametrize(
    ("api", "name"), [("acedata", "grok-imagine-video-1.5-fast:reverse"), ("xai", "grok-imagine-video")]
)
def test_first_model_of_an_api_is_its_documented_default(api: VideoAPI, name: str) -> None:
    assert video_models(api)[0].name == name


def test_models_stay_within_what_the_tools_offer() -> None:
    for model in VIDEO_MODELS:
        assert 1 <= model.seconds[0] <= model.seconds[1] <= MAX_SECONDS
        assert set(model.resolutions) <= set(VIDEO_RESOLUTIONS)
        assert model.source.startswith("https://")


def test_model_is_found_only_at_its_api() -> None:
    assert find_video_model("xai", "grok-imagine-video-1.5") is not None
    assert find_video_model("acedata", "grok-imagine-video-1.5") is None
    assert find_video_model("xai", ["grok-imagine-video"]) is None
