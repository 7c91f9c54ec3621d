"""Waiting for a call for a limited time, after which the client gets a pending result."""

import math
from contextlib import suppress
from functools import partial

import anyio
from mcp_types import CallToolResult

from mcp_grok.calls import Call, JobLeft, Outcome, State
from mcp_grok.calls.call import VIDEO_MARK, size_of
from mcp_grok.limits import TASK_TTL
from mcp_grok.offload import offload
from mcp_grok.tools.context import RequestContext
from mcp_grok.tools.progress import Progress
from mcp_grok.tools.result import json_result, outcome_result
from mcp_grok.tools.task import TaskObject, new_task
from mcp_grok.tools.tool import PENDING
from mcp_grok.toolsets import GET

QUEUED_STATUS = "[queued: as many calls as allowed are running at the API]\n"
"""Sent as progress while the call waits for a slot."""

MADE_STATUS = f"{VIDEO_MARK} being made\n"
"""Sent as progress while the API makes a video, and has not stated a percentage for a while."""

PARTIAL_CHARACTERS = 1000
"""Maximum characters from the end of the text so far in a pending result."""


async def result_of(context: RequestContext, *, wait: float | None = None) -> CallToolResult | TaskObject:
    """The result for a request: the outcome of its call, or after some time a task or a pending result.

    Args:
        context: The context of a request that is attached to a call.
        wait: Seconds to wait; by default `Settings.task_after` if the client takes a task, or else
            `Settings.handoff_after`.
    """
    call = context.request.call
    assert call is not None  # noqa: S101 - the caller has attached one
    settings = context.settings
    if wait is None:
        wait = (settings.task_after if context.takes_task else settings.handoff_after) or math.inf
    outcome = await wait_for(context, call, wait)
    if outcome is None and context.takes_task:
        await context.calls.give_id(context.request, ttl=TASK_TTL)
        return new_task(call)
    if outcome is None:
        await context.calls.give_id(context.request)
        return pending_result(context, call)
    write = partial(outcome_result, call.id, outcome, settings, context.request.notes)
    result, is_cut = await offload(write, size_of(outcome))
    if is_cut:
        await context.calls.give_id(context.request)
    return result


async def wait_for(context: RequestContext, call: Call, seconds: float) -> Outcome | None:
    """Waits for a call and sends progress if the client asked for it; no progress is sent after the return.

    Returns:
        The outcome of the call; None if it still runs.
    """
    if context.report is None:
        return await _outcome(call, seconds)
    progress = Progress(context.report, status=lambda: _status(call))
    call.follow(progress.add, progress.add_reasoning)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(progress.run)
            outcome = await _outcome(call, seconds)
            progress.close()
    finally:
        call.unfollow(progress.add)
    return outcome


def _status(call: Call) -> str | None:
    if call.state is State.QUEUED:
        return QUEUED_STATUS
    return MADE_STATUS if call.job else None


async def _outcome(call: Call, seconds: float) -> Outcome | None:
    with anyio.move_on_after(seconds), suppress(JobLeft):
        await call.wait()
    return call.outcome


def pending_result(context: RequestContext, call: Call) -> CallToolResult:
    """The result for a call that is handed off: its status, and the call that gets its answer."""
    text = {"partial": call.text[-PARTIAL_CHARACTERS:]} if call.text else {}
    job = {"job_id": call.job} if call.job else {}
    percent = {"progress": call.work.percent} if call.work and call.work.percent is not None else {}
    return json_result(
        {
            "object": PENDING[call.kind],
            "id": call.id,
            "status": "in_progress",
            "model": call.model,
            "elapsed": round(call.elapsed, 1),
            **job,
            **percent,
            **text,
            "message": f"The answer is not ready yet. Call {GET} with this id to get it; asking the question again "
            "would be billed again.",
            "next": {"tool": GET, "arguments": {"id": call.id}},
        },
        {"pending": call.id, **context.request.notes},
    )
