"""The images and videos of the sandbox as a web application: creation, the state of a video, and the files."""

import time
from collections.abc import Iterator

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mcp_grok.sandbox.acedata_video import finished, task
from mcp_grok.sandbox.apis import APIS, Api
from mcp_grok.sandbox.exchange import Respond, json_response, read, whole_answer, with_key
from mcp_grok.sandbox.faults import HEADER, VIDEO_BEHAVIOURS, Fault, documented_error, requested_fault
from mcp_grok.sandbox.images import images
from mcp_grok.sandbox.media_files import media_file
from mcp_grok.sandbox.media_request import (
    AcedataVideoRequest,
    EditRequest,
    ImageRequest,
    TaskRequest,
    XaiVideoRequest,
)
from mcp_grok.sandbox.video_jobs import VideoJob, VideoJobs
from mcp_grok.sandbox.xai_video import video

MEDIA = "/media/"


def media_app(chunk_seconds: float, video_seconds: float) -> Starlette:
    """The application.

    Args:
        chunk_seconds: The pause after each half of an answer.
        video_seconds: How long a video takes.
    """
    routes = [route for api in APIS.values() for route in _routes(api, chunk_seconds, video_seconds)]
    return Starlette(routes=[*routes, Route(MEDIA + "{name}", _send_file)])


def _routes(api: Api, chunk_seconds: float, video_seconds: float) -> Iterator[Route]:
    if api.has_images:
        for path, kind in (("/images/generations", ImageRequest), ("/images/edits", EditRequest)):
            yield Route(api.root + path, with_key(api, _image_maker(api, kind, chunk_seconds)), methods=["POST"])
    if api.videos == "acedata":
        yield from _acedata_routes(api, VideoJobs(video_seconds), chunk_seconds)
    if api.videos == "xai":
        yield from _xai_routes(api, VideoJobs(video_seconds), chunk_seconds)


async def _send_file(request: Request) -> Response:
    """Sends a file, which needs no key."""
    file = media_file(request.path_params["name"])
    if not file:
        raise HTTPException(404)
    return Response(file[0], media_type=file[1])


def _image_maker(api: Api, kind: type[ImageRequest], chunk_seconds: float) -> Respond:
    async def make(request: Request) -> Response:
        asked = read(kind, await request.body())
        fault = requested_fault(asked.model, request.headers.get(HEADER))
        if fault.name == "slow":
            await anyio.sleep(fault.seconds)
        return whole_answer(images(asked, _folder(request), api.cost), fault, chunk_seconds)

    return make


def _acedata_routes(api: Api, jobs: VideoJobs, chunk_seconds: float) -> Iterator[Route]:
    async def make(request: Request) -> Response:
        asked = read(AcedataVideoRequest, await request.body())
        fault, job = _started(asked, jobs, request)
        if asked.at_once or asked.callback_url:
            return whole_answer({"task_id": job.id}, fault, chunk_seconds)
        await anyio.sleep(job.seconds)
        if job.refusal:
            raise documented_error(job.refusal)
        return whole_answer(finished(job), fault, chunk_seconds)

    async def retrieve(request: Request) -> Response:
        job = jobs.find(read(TaskRequest, await request.body()).id)
        return json_response(task(job, time.time()))

    yield Route(f"{api.root}/videos", with_key(api, make), methods=["POST"])
    yield Route(f"{api.root}/tasks", with_key(api, retrieve), methods=["POST"])


def _xai_routes(api: Api, jobs: VideoJobs, chunk_seconds: float) -> Iterator[Route]:
    async def make(request: Request) -> Response:
        fault, job = _started(read(XaiVideoRequest, await request.body()), jobs, request)
        return whole_answer({"request_id": job.id}, fault, chunk_seconds)

    async def retrieve(request: Request) -> Response:
        status, state = video(jobs.find(request.path_params["id"]), time.time(), api.cost)
        return json_response(state, status)

    yield Route(f"{api.root}/videos/generations", with_key(api, make), methods=["POST"])
    yield Route(api.root + "/videos/{id}", with_key(api, retrieve))


def _started(asked: AcedataVideoRequest | XaiVideoRequest, jobs: VideoJobs, request: Request) -> tuple[Fault, VideoJob]:
    """The checked job of a video, and the fault that its request asks for."""
    asked.check()
    fault = requested_fault(asked.model, request.headers.get(HEADER), VIDEO_BEHAVIOURS)
    return fault, jobs.start(asked, fault, _folder(request))


def _folder(request: Request) -> str:
    return str(request.base_url).rstrip("/") + MEDIA
