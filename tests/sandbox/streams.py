"""The streams of the sandbox."""

import json
from typing import Any

import httpx2


def chunks_of(response: httpx2.Response) -> list[dict[str, Any]]:
    """The chunks of a stream that ends as documented."""
    assert response.headers["content-type"].startswith("text/event-stream")
    *events, done, after = response.text.split("\n\n")
    assert (done, after) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]
