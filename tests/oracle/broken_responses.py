"""Responses that no document allows and every client meets: `"model": "sandbox-NAME"`."""

from starlette.responses import HTMLResponse, JSONResponse, Response

from mcp_grok.sandbox.apis import Api
from mcp_grok.sandbox.faults import documented_error

CHUNK = b'data: {"choices": [{"index": 0, "delta": {"content": "This"}, "finish_reason": null}]}\n\n'
HALF_A_CHUNK = b'data: {"choices": [{"delta": {"conte\n\n'


def broken_response(model: str, api: Api) -> Response | None:
    """The response that a model's name asks for: a gateway's page, an error with status 200 or a chunk cut short."""
    if model == "sandbox-html":
        return HTMLResponse("<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", 502)
    if model == "sandbox-success_false":
        return JSONResponse(api.error(documented_error("api_error"))[1])
    if model == "sandbox-malformed":
        return Response(CHUNK + HALF_A_CHUNK + CHUNK + b"data: [DONE]\n\n", media_type="text/event-stream")
    return None
