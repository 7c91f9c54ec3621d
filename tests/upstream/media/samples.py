"""The beginnings of pictures and videos."""

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + bytes(range(256))
WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm\x42\x87"

SAVED = {
    "png": PNG,
    "jpg": b"\xff\xd8\xff\xe0" + bytes(range(256)),
    "webp": b"RIFF\0\0\0\0WEBPVP8 " + bytes(range(256)),
    "gif": b"GIF89a" + bytes(range(256)),
    "mp4": MP4,
    "webm": WEBM,
}
"""One of each type, by its extension."""
