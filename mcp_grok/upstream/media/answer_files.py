"""The files of an answer: its pictures and videos, saved in the output folder, and one preview."""

import base64
import binascii
from dataclasses import replace

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import InternalError
from mcp_grok.json_parser import JSONObject
from mcp_grok.upstream.completion import Completion, Preview
from mcp_grok.upstream.media.download import PICTURE, VIDEO, Downloader, Limits, too_large
from mcp_grok.upstream.media.download_failed import DownloadFailed
from mcp_grok.upstream.media.media_files import MediaFile, MediaFiles
from mcp_grok.upstream.media.output_folder import OutputFolder

LIMITS = {"images": PICTURE, "videos": VIDEO}

OURS = ("file", "file_error", "media_type", "bytes")
"""The fields that say what was saved here. The API's fields with these names are left out."""


async def with_files(answer: Completion, endpoint: Endpoint, name: str) -> Completion:
    """The answer, with the `file` of each picture or video, and a preview of the first picture.

    A picture or video that cannot be saved has `file_error` instead: the call is paid and has not failed.

    Args:
        answer: Pictures or a video.
        endpoint: The API that made them, and the output folder.
        name: The beginning of the files' names.
    """
    folder = OutputFolder(endpoint.output_folder) if endpoint.output_folder else None
    files = MediaFiles(Downloader(endpoint), folder)
    kind = "images" if answer.body["object"] == "image" else "videos"
    items, preview = [], None
    for number, stated in enumerate(answer.body[kind], 1):
        item = {field: value for field, value in stated.items() if field not in OURS}
        # Without a folder, only the preview is of use.
        wanted = folder is not None or (kind == "images" and number == 1)
        saved, file = await _saved(item, files, f"{name}-{number}", LIMITS[kind]) if wanted else (item, None)
        items.append(saved if folder else item)
        preview = preview or _preview(file)
    return replace(answer, body={**answer.body, kind: items}, preview=preview)


async def _saved(item: JSONObject, files: MediaFiles, name: str, limits: Limits) -> tuple[JSONObject, MediaFile | None]:
    """A picture or video with the path of its file, or the reason why there is none."""
    try:
        file = await _received(item, files, name, limits)
    except DownloadFailed as failure:
        return {**item, "file_error": f"It was not saved: {failure.reason}."}, None
    except Exception as error:  # noqa: BLE001 - a defect must not fail a paid call
        return {**item, "file_error": InternalError.of(error).message}, None
    if file is None or file.path is None:
        return item, file
    # The file holds what the base64 does, which clients show as text.
    kept = {field: value for field, value in item.items() if field != "b64_json"}
    return {**kept, "file": str(file.path), "media_type": file.media_type, "bytes": file.size}, file


async def _received(item: JSONObject, files: MediaFiles, name: str, limits: Limits) -> MediaFile | None:
    if "b64_json" in item:
        if 3 * len(item["b64_json"]) > 4 * (files.most_bytes(limits) + 2):
            raise too_large(files.most_bytes(limits))
        try:
            return await files.save(base64.b64decode(item["b64_json"], validate=True), name)
        except binascii.Error:
            raise DownloadFailed("the API sent it in another form than base64") from None
    if "url" not in item or item.get("moderated"):
        return None
    return await files.download(item["url"], name, limits)


def _preview(file: MediaFile | None) -> Preview | None:
    if file is None or file.preview is None:
        return None
    return Preview(media_type=file.media_type, data=base64.b64encode(file.preview).decode())
