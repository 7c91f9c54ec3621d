"""Waiting for a call, up to a point: what clients that give up early get instead of nothing."""

import anyio
from mcp_types import CallToolResult

from mcp_grok.completions import Call, Outcome
from mcp_grok.tools.progress import Progress, Report
from mcp_grok.tools.result import json_result

GET = "grok_get_completion"

PARTIAL_CHARACTERS = 1000
"""How much of the text so far, from its end, a pending result shows."""


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
    progress = Progress(report)
    call.follow(progress.add)
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
            "model": call.request.model,
            "elapsed": round(call.elapsed, 1),
            **partial,
            "message": f"The answer is still being made. Call {GET} with this id to get it; asking the question again "
            "would be billed again.",
            "next": {"tool": GET, "arguments": {"id": call.id}},
        }
    )
