"""The health checks of a server."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcp_grok.calls import Calls

ALIVE_PATH = "/healthz"
READY_PATH = "/readyz"


def health_routes(calls: Calls) -> list[Route]:
    """The routes `ALIVE_PATH` and `READY_PATH`.

    Args:
        calls: The calls of this process.
    """

    async def alive(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        # Not while it drains, and not while the shared store is away.
        if await calls.is_ready():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready"}, 503)

    return [Route(ALIVE_PATH, alive), Route(READY_PATH, ready)]
