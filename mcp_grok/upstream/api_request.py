"""The common part of the requests that calls send: for a chat completion, pictures or a video."""

from collections.abc import Awaitable, Callable
from typing import Protocol

OnJob = Callable[[str], Awaitable[None]]
"""Records the API's job of a call, before the call goes on."""


class ApiRequest(Protocol):
    """A checked request."""

    @property
    def kind(self) -> str:
        """What it asks for: `chat`, `image` or `video`."""
        ...

    @property
    def model(self) -> str:
        """The requested model."""
        ...

    @property
    def body(self) -> bytes:
        """The JSON to post, in UTF-8."""
        ...

    @property
    def fingerprint(self) -> str:
        """A digest, equal for requests with the same content."""
        ...
