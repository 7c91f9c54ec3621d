"""The types of images, by their first bytes. A name and a label can be wrong."""

HEAD_BYTES = 512
"""Bytes at the start of an image that determine its type; an SVG may begin with a comment."""

SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"\0\0\1\0": "image/x-icon",
    b"\xff\x0a": "image/jxl",
    b"\0\0\0\x0cJXL ": "image/jxl",
    b"%PDF-": "application/pdf",
}

AVIF_BRANDS = (b"avif", b"avis")
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def image_type(head: bytes) -> str | None:
    """The media type of an image, or of a PDF, which is often sent as one; None for anything else."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "image/avif" if brand in AVIF_BRANDS else "image/heic" if brand in HEIC_BRANDS else None
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") and b"<svg" in head:
        return "image/svg+xml"
    return next((found for signature, found in SIGNATURES.items() if head.startswith(signature)), None)
