"""The record of a call in Redis: its keys, its fields, and its decoding."""

import hashlib
import logging
import time
from typing import Any

from mcp_grok.calls.call import Call, Outcome, State
from mcp_grok.calls.candidate import billed_of
from mcp_grok.calls.codec import decoded
from mcp_grok.calls.redis_servers import PREFIX

logger = logging.getLogger(__name__)

ENDED_KEY = f"{PREFIX}:ended"
TRIM_KEY = f"{PREFIX}:trim"
JOBS_KEY = f"{PREFIX}:jobs"

SUMMARY = ("server", "state", "created_at", "ended_at", "billed", "cancel")
"""The fields from which a candidate is built."""

Record = dict[str, Any]


def call_key(call_id: str) -> str:
    """The key of a record."""
    return f"{PREFIX}:call:{call_id}"


def holders_key(call_id: str) -> str:
    """The key of the servers on which a request waits for a call."""
    return f"{PREFIX}:holders:{call_id}"


def asked_key(fingerprint: str) -> str:
    """The key of the calls with a fingerprint that can be claimed, or must be reported as lost."""
    return f"{PREFIX}:asked:{_digest(fingerprint)}"


def running_key(principal: str) -> str:
    """The key of a principal's running calls."""
    return f"{PREFIX}:running:{_digest(principal)}"


def usage_key(principal: str) -> str:
    """The key of a principal's usage."""
    return f"{PREFIX}:usage:{_digest(principal)}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def identity(call: Call, now: float) -> Record:
    """The fields of a call that runs on this server.

    Args:
        call: The call.
        now: The time by the clock of Redis, in seconds since 1970.
    """
    return {
        "id": call.id,
        "principal": call.principal,
        "fingerprint": call.fingerprint,
        "model": call.model,
        "kind": call.kind,
        "job": call.job,
        "server": call.process,
        "state": str(call.state),
        "created_at": now - call.elapsed,
        # Another server may have given it.
        **({"id_given": 1} if call.id_given else {}),
    }


def end(call: Call, outcome: Outcome, content: bytes, now: float) -> Record:
    """The fields that the end of a call adds."""
    return {
        "state": str(call.state),
        "billed": billed_of(outcome),
        "size": len(content),
        "outcome": content,
        "ended_at": now,
    }


async def call_of(record: Record, now: float) -> Call | None:
    """The record as a call; None if it cannot be read."""
    try:
        created_at = float(record["created_at"])
        call = Call(
            *(record["model"], record["fingerprint"], record["principal"], record["id"], record["server"]), created_at
        )
        call.started = time.monotonic() - max(0.0, now - created_at)
        call.state, call.id_given = State(record["state"]), record.get("id_given") == "1"
        call.ended_at = float(record["ended_at"]) if "ended_at" in record else None
        call.kind, call.job = record.get("kind", "chat"), record.get("job", "")
    except (ValueError, LookupError, TypeError) as error:
        logger.error("the record of a call cannot be read: %s", type(error).__name__)
        return None
    call.outcome = await outcome_of(record.get("outcome"))
    return call


async def outcome_of(content: str | None) -> Outcome | None:
    """The outcome in a field, as decoded by the Redis client; None without one."""
    return None if content is None else await decoded(content.encode("utf-8", "surrogateescape"))


def is_readable(summary: Record) -> bool:
    """Whether the fields of a summary are those of a call."""
    try:
        float(summary["created_at"])
        State(summary["state"])
    except (TypeError, ValueError):
        return False
    return bool(summary["server"])
