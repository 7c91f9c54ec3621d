"""The documented models for pictures and videos, each with its source. Models not listed here can be used too."""

from dataclasses import dataclass
from typing import Literal

VideoAPI = Literal["acedata", "xai"]

IMAGE_MODELS = ("grok-imagine-image", "grok-imagine-image-2.0", "grok-imagine-image-quality")
"""xAI's models for pictures; the first is the default (https://github.com/xai-org/xai-sdk-python, types/model.py)."""

IMAGE_RATIOS = (
    "1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2", "9:19.5", "19.5:9", "9:20", "20:9", "1:2", "2:1", "auto"
)  # fmt: skip
"""https://docs.x.ai/docs/api-reference#image-generations"""

IMAGE_RESOLUTIONS = ("1k", "2k")

MAX_PICTURES = 10
"""Pictures of one request (https://docs.x.ai/developers/model-capabilities/images)."""

MAX_EDITED = 3
"""Pictures that one request edits (https://docs.x.ai/developers/model-capabilities/images/multi-image-editing)."""

VIDEO_RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")
"""The ratios of both APIs for videos."""

VIDEO_RESOLUTIONS = ("480p", "720p", "1080p")

REFERENCE_RESOLUTIONS = ("480p", "720p")
"""The resolutions with reference images: https://github.com/vercel/ai/releases/tag/@ai-sdk%2Fxai@4.0.36"""

MAX_SECONDS = 30
"""Seconds of the longest video of any model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoModel:
    """A model for videos.

    Attributes:
        name: The value of the `model` parameter.
        api: The API that documents it.
        source: The documentation that states these properties.
        seconds: The shortest and the longest duration.
        resolutions: The resolutions that it makes.
        needs_image: Whether it makes videos only from an image.
        references: Whether it takes reference images beside the image.
        bills_moderation: Whether a video that moderation refuses is charged; None if that is not documented.
    """

    name: str
    api: VideoAPI
    source: str
    seconds: tuple[int, int] = (1, 15)
    resolutions: tuple[str, ...] = VIDEO_RESOLUTIONS
    needs_image: bool = False
    references: bool = True
    bills_moderation: bool | None = None


ACEDATA_VIDEOS = "https://platform.acedata.cloud/documents/grok-videos"
XAI_VIDEOS = "https://docs.x.ai/developers/model-capabilities/video; https://github.com/xai-org/xai-sdk-python video.py"


def _acedata(name: str, *, official: bool, seconds: tuple[int, int] = (1, 15), needs_image: bool = False) -> VideoModel:
    return VideoModel(
        name=name,
        api="acedata",
        source=ACEDATA_VIDEOS,
        seconds=seconds,
        needs_image=needs_image,
        bills_moderation=official,
    )


VIDEO_MODELS = (
    _acedata("grok-imagine-video-1.5-fast:reverse", official=False, seconds=(6, MAX_SECONDS)),
    _acedata("grok-imagine-video:reverse", official=False),
    _acedata("grok-imagine-video:official", official=True),
    _acedata("grok-imagine-video-1.5:official", official=True, needs_image=True),
    # References beside an image: only 1.5 documents that it takes both.
    VideoModel(name="grok-imagine-video", api="xai", source=XAI_VIDEOS, resolutions=("480p", "720p"), references=False),
    VideoModel(name="grok-imagine-video-1.5", api="xai", source=XAI_VIDEOS),
)


def video_models(api: VideoAPI) -> tuple[VideoModel, ...]:
    """The models of an API; the first is the default."""
    return tuple(model for model in VIDEO_MODELS if model.api == api)


def find_video_model(api: VideoAPI, name: object) -> VideoModel | None:
    """The properties of an API's model; None if it is not documented."""
    return next((model for model in video_models(api) if model.name == name), None)
