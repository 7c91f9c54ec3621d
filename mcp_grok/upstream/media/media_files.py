"""Pictures and videos as files in the output folder."""

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from mcp_grok.upstream.media.download import Downloader, Limits
from mcp_grok.upstream.media.download_failed import DownloadFailed
from mcp_grok.upstream.media.media_types import EXTENSIONS, media_type
from mcp_grok.upstream.media.output_folder import NewFile, OutputFolder

PREVIEW_BYTES = 500 * 1024
"""Size of a picture that may be shown in a result.

Claude Desktop refuses results over 1048576 bytes (https://github.com/PrefectHQ/fastmcp/issues/1036). Base64 makes these
683 KB, and leaves a third of the result for the rest.
"""


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A picture or video that was received.

    Attributes:
        path: Its file, as an absolute path; None without an output folder.
        media_type: Its type, by its content.
        size: Its bytes.
        preview: The whole content of a picture of at most `PREVIEW_BYTES`; None for anything else.
    """

    path: Path | None
    media_type: str
    size: int
    preview: bytes | None


class MediaFiles:
    """Saves pictures and videos.

    Args:
        downloader: Gets those of which the API states the address.
        folder: The folder of the files. Without one nothing is saved, and only previews are received.
    """

    def __init__(self, downloader: Downloader, folder: OutputFolder | None) -> None:
        self._downloader = downloader
        self._folder = folder

    async def download(self, url: str, name: str, limits: Limits) -> MediaFile:
        """Receives a picture or video from its address.

        Args:
            url: The address that the API states.
            name: The name of the file without its extension. It must be ours, not the API's.
            limits: The limits of the download. Without a folder, a preview's size is one, too.

        Raises:
            DownloadFailed: it was not received, or not saved.
        """
        limits = replace(limits, size=self.most_bytes(limits))
        async with self._new_file() as file:
            received = _Received(file)
            await self._downloader.download(url, received.write, limits)
            return await received.keep(name)

    def most_bytes(self, limits: Limits) -> int:
        """The size of a picture or video that is received."""
        return limits.size if self._folder else min(limits.size, PREVIEW_BYTES)

    async def save(self, content: bytes, name: str) -> MediaFile:
        """Saves a picture that the API sent in its answer.

        Raises:
            DownloadFailed: it was not saved.
        """
        async with self._new_file() as file:
            received = _Received(file)
            await received.write(content)
            return await received.keep(name)

    def _new_file(self) -> AbstractAsyncContextManager[NewFile | None]:
        return self._folder.new_file() if self._folder else nullcontext()


class _Received:
    """What was received of a picture or video: on disk all of it, in memory no more than a preview."""

    def __init__(self, file: NewFile | None) -> None:
        self._file = file
        self._type = ""
        self._size = 0
        self._start = b""

    async def write(self, content: bytes) -> None:
        """Adds a piece; the first one must hold the bytes that tell the type."""
        if not self._type:
            found = media_type(content)
            if found is None:
                raise DownloadFailed(f"its content is none of {', '.join(EXTENSIONS.values())}")
            self._type = found
        self._size += len(content)
        if self._is_preview():
            self._start += content
        if self._file is not None:
            await self._file.write(content)

    async def keep(self, name: str) -> MediaFile:
        """Ends the file."""
        path = None if self._file is None else await self._file.keep(name, EXTENSIONS[self._type])
        return MediaFile(path, self._type, self._size, self._start if self._is_preview() else None)

    def _is_preview(self) -> bool:
        return self._type.startswith("image/") and self._size <= PREVIEW_BYTES
