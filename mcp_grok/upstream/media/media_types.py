"""The types of pictures and videos that are saved, by their content. A name and a label can be wrong."""

from mcp_grok.upstream.image_types import HEAD_BYTES, image_type

EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/webm": "webm",
}

MP4_BRANDS = (b"iso", b"mp4", b"avc1", b"M4V", b"dash", b"MSNV")
"""The beginnings of the brands of an MP4 file (https://mp4ra.org/registered-types/brands)."""


def media_type(content: bytes) -> str | None:
    """The media type of a picture or video, by its first `HEAD_BYTES`; None for anything else."""
    head = content[:HEAD_BYTES]
    found = image_type(head)
    if found is not None:
        return found if found in EXTENSIONS else None
    if head[4:8] == b"ftyp" and any(brand.startswith(MP4_BRANDS) for brand in _brands(head)):
        return "video/mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3") and b"\x42\x82\x84webm" in head:
        return "video/webm"
    return None


def _brands(head: bytes) -> list[bytes]:
    """The brands of an MP4 file: the main one, and those after its version."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return [head[8:12], *(head[start : start + 4] for start in range(16, end - 3, 4))]
