"""The requests for images and videos that the sandbox reads: only what shapes its answer."""

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from mcp_grok.sandbox.api_errors import ApiError
from mcp_grok.sandbox.chat_request import ImageUrl
from mcp_grok.sandbox.media_files import SIDE

MODERATED = "moderated"
"""A word of the prompts that moderation refuses."""

ImageModel = Annotated[str, Field(pattern="^(grok-imagine-image|sandbox-)")]
VideoModel = Annotated[str, Field(pattern="^(grok-imagine-video|sandbox-)")]


class MediaRequest(BaseModel):
    """What all of them have."""

    prompt: str = ""
    aspect_ratio: str | None = Field(None, pattern=f"^(auto|{SIDE}:{SIDE})$")

    @property
    def ratio(self) -> str:
        """The width and height, as of `16:9`."""
        return "16:9" if self.aspect_ratio in (None, "auto") else str(self.aspect_ratio)

    @property
    def moderated(self) -> bool:
        """Whether moderation refuses it."""
        return MODERATED in self.prompt.lower()


class ImageRequest(MediaRequest):
    """The body of a request for images: https://docs.x.ai/docs/api-reference#image-generations."""

    model: ImageModel
    prompt: str = Field(min_length=1)
    n: int | None = Field(None, ge=1, le=10)
    response_format: Literal["url", "b64_json"] | None = None


def _list(given: Any) -> Any:
    return [given] if isinstance(given, dict) else given


class EditRequest(ImageRequest):
    """The body of a request to edit images."""

    images: Annotated[list[ImageUrl], BeforeValidator(_list)] = Field(
        min_length=1, validation_alias=AliasChoices("image", "images")
    )


class XaiVideoRequest(MediaRequest):
    """The body of a request for a video at xAI: https://docs.x.ai/docs/api-reference#video-generations."""

    model: VideoModel
    duration: int = Field(6, ge=1, le=15)
    image: ImageUrl | None = None

    def check(self) -> None:
        """Refuses what no single parameter shows.

        Raises:
            ApiError: What is wrong.
        """
        if not self.prompt and not self.image:
            raise ApiError(400, "bad_request", "prompt: needed without an image", "prompt")


class AcedataVideoRequest(MediaRequest):
    """The body of a request for a video at AceData: https://platform.acedata.cloud/documents/grok-videos."""

    model_config = ConfigDict(extra="allow")  # a task repeats its request

    model: VideoModel = "grok-imagine-video-1.5-fast:reverse"
    duration: int = 6
    image_url: str | None = None
    callback_url: str | None = None
    at_once: bool = Field(False, alias="async")

    def check(self) -> None:
        """Refuses what no single parameter shows.

        Raises:
            ApiError: What is wrong.
        """
        shortest, longest = (6, 30) if "-fast" in self.model else (1, 15)
        if not shortest <= self.duration <= longest:
            message = f"duration: from {shortest} to {longest} for {self.model}"
            raise ApiError(400, "bad_request", message, "duration")
        if self.model == "grok-imagine-video-1.5:official" and not self.image_url:
            raise ApiError(400, "bad_request", f"image_url: needed for {self.model}", "image_url")
        if not self.prompt and not self.image_url:
            raise ApiError(400, "bad_request", "prompt: needed without image_url", "prompt")


class TaskRequest(BaseModel):
    """The body of a request for a task of AceData: https://platform.acedata.cloud/documents/grok-tasks."""

    id: str
    action: Literal["retrieve"] = "retrieve"
