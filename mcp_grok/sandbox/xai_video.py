"""A video as xAI answers: https://docs.x.ai/docs/api-reference#video-generations."""

from typing import Any

from mcp_grok.sandbox.video_jobs import VideoJob


def video(job: VideoJob, now: float, cost: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """The HTTP status and the state of a job at a time.

    Args:
        job: The job.
        now: The time.
        cost: How `usage` states that the video was free.
    """
    progress = job.progress(now)
    if progress < 100:
        return 202, {"status": "pending", "progress": progress}
    if job.fault == "expired":
        return 200, {"status": "expired"}
    if job.fault == "failed":
        error = {"code": "internal_error", "message": "The video could not be made."}
        return 200, {"status": "failed", "error": error}
    url = {} if job.request.moderated else {"url": job.url}
    made = {**url, "duration": job.request.duration, "respect_moderation": not job.request.moderated}
    return 200, {"status": "done", "progress": 100, "model": job.request.model, "video": made, "usage": cost}
