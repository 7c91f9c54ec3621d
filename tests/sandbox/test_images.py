"""Images, with the official client and byte by byte."""

import base64
from typing import Any

import httpx2
import openai
import pytest

from mcp_grok.sandbox.answers import NOTICE
from mcp_grok.sandbox.apis import Api
from mcp_grok.sandbox.faults import HEADER, documented_error

REQUEST: dict[str, Any] = {"model": "grok-imagine-image", "prompt": "A cat"}
IMAGE = {"url": "https://example.com/cat.png", "type": "image_url"}
PNG = b"\x89PNG\r\n\x1a\n"

with_images = pytest.mark.parametrize("api", ["acedata", "xai"], indirect=True)
at_xai = pytest.mark.parametrize("api", ["xai"], indirect=True)


@with_images
async def test_official_client_gets_images(official: openai.AsyncOpenAI, http: httpx2.AsyncClient) -> None:
    answer = await official.images.generate(n=3, **REQUEST)
    urls = [image.url or "" for image in answer.data or []]
    assert len(set(urls)) == 3
    for url in urls:
        file = await http.get(url, headers={"authorization": ""})
        assert (file.status_code, file.headers["content-type"], file.content[:8]) == (200, "image/png", PNG)


@with_images
async def test_official_client_gets_base64(official: openai.AsyncOpenAI, http: httpx2.AsyncClient) -> None:
    coded = await official.images.generate(response_format="b64_json", **REQUEST)
    linked = await official.images.generate(**REQUEST)
    assert coded.data
    assert linked.data
    file = await http.get(linked.data[0].url or "")
    assert base64.b64decode(coded.data[0].b64_json or "") == file.content


@pytest.mark.parametrize(("api", "cost"), [("acedata", "cost"), ("xai", "cost_in_usd_ticks")], indirect=["api"])
async def test_answer_says_what_it_is(api: Api, http: httpx2.AsyncClient, cost: str) -> None:
    answer = (await http.post(f"{api.root}/images/generations", json=REQUEST)).json()
    [image] = answer["data"]
    assert image.keys() == {"url", "mime_type", "revised_prompt", "respect_moderation"}
    assert image["revised_prompt"] == f"{NOTICE} A cat"
    assert (image["mime_type"], image["respect_moderation"]) == ("image/png", True)
    assert answer["usage"].keys() == {cost}


@at_xai
@pytest.mark.parametrize("given", [{"image": IMAGE}, {"images": [IMAGE, IMAGE]}])
async def test_given_images_are_edited(api: Api, http: httpx2.AsyncClient, given: dict[str, Any]) -> None:
    answer = await http.post(f"{api.root}/images/edits", json={**REQUEST, **given})
    assert (await http.get(answer.json()["data"][0]["url"])).content[:8] == PNG


@at_xai
async def test_moderated_image_is_not_given(api: Api, http: httpx2.AsyncClient) -> None:
    answer = await http.post(f"{api.root}/images/generations", json={**REQUEST, "prompt": "A cat, moderated"})
    [image] = answer.json()["data"]
    assert image["respect_moderation"] is False
    assert not image.keys() & {"url", "b64_json"}


@at_xai
@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("generations", {"model": "grok-4"}),
        ("generations", {"model": None}),
        ("generations", {"prompt": ""}),
        ("generations", {"n": 0}),
        ("generations", {"n": 11}),
        ("generations", {"aspect_ratio": "0:1"}),
        ("generations", {"aspect_ratio": "wide"}),
        ("generations", {"response_format": "png"}),
        ("edits", {}),
        ("edits", {"image": {}}),
        ("edits", {"images": []}),
    ],
)
async def test_malformed_request_is_refused(
    api: Api, http: httpx2.AsyncClient, path: str, wrong: dict[str, Any]
) -> None:
    answer = await http.post(f"{api.root}/images/{path}", json={**REQUEST, **wrong})
    assert (answer.status_code, answer.json()["code"]) == (400, "Client specified an invalid argument")


@with_images
@pytest.mark.parametrize("by_header", [False, True], ids=["model", "header"])
async def test_fault_is_as_in_chat(api: Api, http: httpx2.AsyncClient, by_header: bool) -> None:
    body = REQUEST if by_header else {**REQUEST, "model": "sandbox-api_error"}
    headers = {HEADER: "api_error"} if by_header else {}
    answer = await http.post(f"{api.root}/images/generations", json=body, headers=headers)
    assert (answer.status_code, answer.json().keys()) == (500, api.error(documented_error("api_error"))[1].keys())


@at_xai
@pytest.mark.parametrize(
    ("fault", "error"),
    [("slow:3", httpx2.ReadTimeout), ("stall", httpx2.ReadTimeout), ("cut", httpx2.RemoteProtocolError)],
)
async def test_answer_is_late_or_cut(api: Api, http: httpx2.AsyncClient, fault: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await http.post(f"{api.root}/images/generations", json={**REQUEST, "model": f"sandbox-{fault}"}, timeout=0.5)
