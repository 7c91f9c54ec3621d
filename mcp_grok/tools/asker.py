"""Whoever made a request."""

from collections.abc import Callable
from dataclasses import dataclass

from mcp_grok.completions import ANYONE, Call, Caller
from mcp_grok.tools.progress import Report


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever made a request, as far as a tool must know.

    Attributes:
        report: Sends a progress notification; None where none was asked for.
        hangs_up: Whether it goes away by closing its connection, instead of saying so.
        waits_for: Notes the call that the request waits for, so that a cancellation of the request finds it.
        caller: Who it is.
    """

    report: Report | None = None
    hangs_up: bool = False
    waits_for: Callable[[Call], None] = lambda call: None
    caller: Caller = ANYONE
