"""The body of a request over HTTP, in the ASGI scope: its counted bytes, and its arguments if they are large.

The SDK holds five copies of a body until its call has ended. Large arguments pass it by.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp_grok.calls import HeldBytes

BODY_KEY = "mcp_grok.request_body"
"""The key of the body in the ASGI scope."""


@dataclass(slots=True)
class RequestBody:
    """The body of a request.

    Attributes:
        held: Its counted bytes.
        arguments: The large arguments of the call of a tool, until they are taken; None for any other request.
        on_handled: Called when the handler of the request begins.
    """

    held: HeldBytes
    arguments: Any = None
    on_handled: Callable[[], None] = lambda: None

    def take_arguments(self) -> Any:
        """The large arguments, of which nothing is kept here."""
        arguments, self.arguments = self.arguments, None
        return arguments


def body_of(request: Any) -> RequestBody | None:
    """The body of a request; None over stdio."""
    return None if request is None else request.scope.get(BODY_KEY)
