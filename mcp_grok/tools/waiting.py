"""Waiting for a call, up to a point: what clients that give up early get instead of nothing."""

import math

import anyio
from mcp_types import CallToolResult

from mcp_grok.completions import Call, Completions, Outcome
from mcp_grok.settings import Settings
from mcp_grok.tools.asker import Asker
from mcp_grok.tools.cutting import GET
from mcp_grok.tools.progress import Progress, Report
from mcp_grok.tools.result import json_result, outcome_result

IN_LINE = "[waiting in line: as many calls as the API takes at once are under way]\n"
"""Told before the first piece of the answer, by clients' wish to see that something happens."""

PARTIAL_CHARACTERS = 1000
"""How much of the text so far, from its end, a pending result shows."""


async def answered(
    completions: Completions, settings: Settings, call: Call, asker: Asker, *, wait: float | None = None
) -> CallToolResult:
    """The result for a call: its outcome, or after some time that it is pending.

    Args:
        completions: Where it runs.
        settings: How long to wait by default, and the form of the result.
        call: The call.
        asker: Who waits.
        wait: Seconds to wait.
    """
    if wait is None:
        wait = settings.handoff_after or math.inf
    try:
        outcome = await waited(call, wait, asker.report)
        if outcome is None:
            await completions.keep(call)
            return pending_result(call)
        result, is_cut = outcome_result(call, outcome, settings)
        if is_cut:
            await completions.keep(call)
    except anyio.get_cancelled_exc_class():
        # Whoever waited is gone. What that means for the call is decided here, and once the reason is known.
        with anyio.CancelScope(shield=True):
            await completions.abandon(call)
        raise
    return result


async def waited(call: Call, seconds: float, report: Report | None) -> Outcome | None:
    """Waits for a call.

    Args:
        call: The call.
        seconds: The longest wait.
        report: Sends a progress notification; None when nobody asked for any. None is sent after the return.

    Returns:
        How the call ended; None if it still runs.
    """
    if report is None:
        return await _outcome(call, seconds)
    progress = Progress(report, status=lambda: None if call.sent else IN_LINE)
    call.follow(progress.add, progress.think)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(progress.run)
            outcome = await _outcome(call, seconds)
            progress.close()
    finally:
        call.unfollow(progress.add)
    return outcome


async def _outcome(call: Call, seconds: float) -> Outcome | None:
    with anyio.move_on_after(seconds):
        await call.wait()
    return call.outcome


def pending_result(call: Call) -> CallToolResult:
    """The result for a call that is handed off: where it stands, and how to get its answer."""
    partial = {"partial": call.text[-PARTIAL_CHARACTERS:]} if call.text else {}
    return json_result(
        {
            "object": "chat.completion.pending",
            "id": call.id,
            "status": "in_progress",
            "model": call.model,
            "elapsed": round(call.elapsed, 1),
            **partial,
            "message": f"The answer is still being made. Call {GET} with this id to get it; asking the question again "
            "would be billed again.",
            "next": {"tool": GET, "arguments": {"id": call.id}},
        },
        call.notes,
    )
