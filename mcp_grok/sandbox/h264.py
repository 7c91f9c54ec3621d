"""Pictures of a video in H.264, not compressed, so that few lines make what every player shows.

https://www.itu.int/rec/T-REC-H.264; https://cardinalpeak.com/blog/worlds-smallest-h-264-encoder/
"""

BLOCK = 16
"""The side of a macroblock, in pixels."""

PROFILE = bytes((66, 0xC0, 10))
"""The constrained baseline profile, level 1."""

PICTURE_PARAMETERS = b"\x68\xce\x38\x80"
"""The defaults of everything."""

RAW_BLOCK = "000011010"
"""The type of a macroblock whose samples follow as they are: 25 as `_number` writes it."""


def sequence_parameters(width: int, height: int) -> bytes:
    """The parameters of all pictures of this size, whose sides are even."""
    columns, rows = _blocks(width), _blocks(height)
    cropped = _number(0), _number((columns * BLOCK - width) // 2), _number(0), _number((rows * BLOCK - height) // 2)
    bits = [
        *map(_number, (0, 0, 2, 0)),  # its id, bits of a picture's number, shown as decoded, no references
        "0",
        *map(_number, (columns - 1, rows - 1)),
        "111",  # whole frames, cropped
        *cropped,
        "01",  # nothing about its display; the end
    ]
    return b"\x67" + PROFILE + _bytes("".join(bits))


def picture(number: int, colours: bytes, width: int, height: int) -> bytes:
    """A picture that needs no other: a gradient that moves to the left from picture to picture.

    Args:
        number: Its number; two in succession must differ.
        colours: Six bytes that the colours depend on.
        width: Its width in pixels.
        height: Its height in pixels.
    """
    # First block, only blocks of this picture's own, parameters 0, number 0, id, nothing kept for long, quality.
    head = f"1{_number(7)}10000{_number(number % 2)}001"
    # No sample is 0, so that no bytes look like the start of a picture.
    hues = b"".join(bytes([64 + hue // 2]) * (BLOCK * BLOCK // 4) for hue in colours[:2])
    wave = [32 + abs((x * 4 + colours[2]) % 384 - 192) for x in range(_blocks(width) * BLOCK + number * 8)]
    row = [bytes(wave[x + number * 8 :][:BLOCK]) * BLOCK + hues for x in range(0, _blocks(width) * BLOCK, BLOCK)]
    blocks = row * _blocks(height)
    return b"\x65" + _bytes(head + RAW_BLOCK) + _bytes(RAW_BLOCK).join(blocks) + b"\x80"


def _blocks(pixels: int) -> int:
    return -(-pixels // BLOCK)


def _number(value: int) -> str:
    """A number in Exp-Golomb code: a zero for each bit after the first, then the bits."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def _bytes(bits: str) -> bytes:
    """The bits, filled up with zeros."""
    size = -(-len(bits) // 8)
    return int(bits.ljust(size * 8, "0"), 2).to_bytes(size, "big")
