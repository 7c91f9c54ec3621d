"""A video as AceData answers: https://platform.acedata.cloud/documents/grok-tasks."""

import uuid
from typing import Any

from mcp_grok.sandbox.api_errors import acedata_error
from mcp_grok.sandbox.faults import documented_error
from mcp_grok.sandbox.video_jobs import VideoJob, not_found


def task(job: VideoJob, now: float) -> dict[str, Any]:
    """The task of a job at a time.

    Raises:
        ApiError: The job expired.
    """
    about = {
        "id": job.id,
        "created_at": job.created_at,
        "started_at": job.created_at,
        "request": job.request.model_dump(by_alias=True, exclude_unset=True),
        "type": "videos",
    }
    if job.progress(now) < 100:
        return {**about, "response": {}}
    if job.fault == "expired":
        raise not_found(job.id)
    times = {"finished_at": job.created_at + job.seconds, "elapsed": job.seconds}
    return {**about, **times, "response": finished(job)}


def finished(job: VideoJob) -> dict[str, Any]:
    """The answer of a job that has ended: its video or its error."""
    if job.refusal:
        return {**acedata_error(documented_error(job.refusal))[1], "task_id": job.id}
    video = {"id": f"{job.request.model}:{job.id}", "video_url": job.url, "state": "succeeded"}
    return {"success": True, "task_id": job.id, "trace_id": str(uuid.uuid4()), "data": [video]}
