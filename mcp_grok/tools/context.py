"""The context of a tool call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mcp_grok.calls import Calls, Request
from mcp_grok.settings import Settings

Report = Callable[[float, float | None, str | None], Awaitable[None]]
"""Sends one progress notification: progress, total, message."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The inputs of a tool call besides its arguments.

    Attributes:
        calls: The calls of this process.
        settings: The configuration.
        request: The client's request, which the tool attaches to a call.
        report: Sends a progress notification; None if the client did not ask for any.
        takes_task: Whether the client gets a task for a long call: it declares them, and the settings allow them.
    """

    calls: Calls
    settings: Settings
    request: Request
    report: Report | None = None
    takes_task: bool = False
