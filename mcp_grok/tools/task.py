"""A call as a task of MCP: what a client that polls it sees."""

from datetime import UTC, datetime
from typing import Any

from mcp_grok.calls import Call, State
from mcp_grok.errors import Cancelled
from mcp_grok.limits import TASK_TTL

TaskObject = dict[str, Any]

POLL_INTERVALS = (1.0, 15.0)
"""Least and most seconds between two polls."""

POLLS_BY_AGE = 10
"""The interval is this part of the call's age: a call that has taken a minute is polled every 6 seconds."""

LAST_WORDS = 200
"""Characters from the end of the text so far in a status message."""


def new_task(call: Call) -> TaskObject:
    """The result of a tool call that goes on as a task."""
    return {"resultType": "task", **task_fields(call)}


def task_fields(call: Call) -> TaskObject:
    """What every answer about a task says."""
    updated = datetime.now(UTC) if call.ended_at is None else datetime.fromtimestamp(call.ended_at, UTC)
    return {
        "taskId": call.id,
        "status": _status(call),
        "statusMessage": _message(call),
        "createdAt": datetime.fromtimestamp(call.created_at, UTC).isoformat(),
        "lastUpdatedAt": updated.isoformat(),
        # MCP counts it from the creation, and each poll gives the task a further hour.
        "ttlMs": int(1000 * (call.elapsed + TASK_TTL)),
        "pollIntervalMs": int(1000 * min(max(call.elapsed / POLLS_BY_AGE, POLL_INTERVALS[0]), POLL_INTERVALS[1])),
    }


def _status(call: Call) -> str:
    """The status by MCP's names. An error of a tool is a completed task, too."""
    if call.outcome is None:
        return "working"
    return "cancelled" if isinstance(call.outcome, Cancelled) else "completed"


def _message(call: Call) -> str:
    if call.outcome is not None:
        return call.state.value
    if call.state is State.QUEUED:
        return "queued: as many calls as allowed are running at the API"
    words = " ".join(call.text[-LAST_WORDS:].split())
    made = f", {call.work.percent} % made" if call.work and call.work.percent is not None else ""
    return f"running for {call.elapsed:.0f} s{made}{f': … {words}' if words else ''}"
