"""Where images, videos and their files are, and where they are not."""

import httpx2
import pytest

from mcp_grok.sandbox.apis import APIS
from mcp_grok.sandbox.media_files import picture_name

PATHS = {"/images/generations", "/images/edits", "/videos", "/tasks", "/videos/generations"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("acedata", {"/images/generations", "/images/edits", "/videos", "/tasks"}),
        ("llmprovider", set()),
        ("xai", {"/images/generations", "/images/edits", "/videos/generations"}),
        ("custom", set()),
    ],
)
async def test_each_api_has_what_it_documents(http: httpx2.AsyncClient, name: str, expected: set[str]) -> None:
    root = APIS[name].root
    statuses = {path: (await http.post(root + path, json={})).status_code for path in PATHS}
    assert {path for path in PATHS if statuses[path] == 400} == expected
    assert {statuses[path] for path in PATHS - expected} <= {404, 405}


async def test_file_is_only_fetched(http: httpx2.AsyncClient) -> None:
    path = f"/media/{picture_name('A cat', '1:1')}"
    assert (await http.get(path)).status_code == 200
    assert (await http.post(path)).status_code == 405
    assert (await http.get("/media/other.png")).status_code == 404


async def test_other_paths_are_unknown_as_before(http: httpx2.AsyncClient) -> None:
    unknown, wrong = await http.post("/grok/nothing"), await http.get("/grok/chat/completions")
    assert (unknown.status_code, unknown.text) == (404, "Not Found")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
