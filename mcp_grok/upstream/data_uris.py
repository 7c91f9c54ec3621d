"""Images in `data:` URIs: labelled by their content, in plain base64.

APIs refuse what clients often send: a wrong label, line breaks, missing padding
(https://github.com/cline/cline/pull/5278).
"""

from base64 import b64decode, b64encode
from urllib.parse import unquote_to_bytes

from mcp_grok.errors import InvalidRequest
from mcp_grok.upstream.image_check import ImageCheck
from mcp_grok.upstream.image_types import HEAD_BYTES, image_type

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
WHITE_SPACE = b" \t\r\n\f\v"
FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")

HEAD_CHARACTERS = (HEAD_BYTES + 2) // 3 * 4
"""Characters of base64 that hold `HEAD_BYTES`."""


def is_data_uri(url: str) -> bool:
    """Whether an address is a `data:` URI."""
    return url[:20].lstrip()[:5].lower() == "data:" and "," in url


def clean_data_uri(param: str, url: str, check: ImageCheck) -> str:
    """The URI as every API reads it. A URI that is already so is returned as it is.

    Args:
        param: The path of the URI among the arguments, for errors.
        url: A `data:` URI.
        check: The limits of the call's images.

    Raises:
        InvalidRequest: the data is missing, is not base64, or is not an image that the provider accepts.
    """
    header, _, data = url.partition(",")
    if not data or data.isspace():
        raise InvalidRequest(f"{param} is a data URI without data.", param=param)
    encoded = _base64(header, data)
    if encoded is None:
        raise InvalidRequest(
            f"{param} is not base64 after the comma; encode the bytes of the image as base64, or give an https URL.",
            param=param,
        )
    check.count(param, len(encoded) // 4 * 3 - encoded[-2:].count("="))
    found = check.type_of(param, b64decode(encoded[:HEAD_CHARACTERS])[:HEAD_BYTES])
    label = f"data:{found};base64"
    return url if header == label and encoded is data else f"{label},{encoded}"


def _base64(header: str, data: str) -> str | None:
    """The data as base64 with padding; None if that cannot be known. Takes time in proportion to the size."""
    try:
        octets = data.encode("ascii")
    except UnicodeEncodeError:
        return None
    if ";base64" not in header.lower() and image_type((raw := unquote_to_bytes(octets))[:HEAD_BYTES]):
        return b64encode(raw).decode()
    # Deleting is many times faster than matching a pattern.
    others = octets.translate(None, ALPHABET)
    if len(octets) % 4 == 0 and others in (b"", b"=", b"==") and octets.endswith(others):
        return data
    plain = unquote_to_bytes(octets) if b"%" in others else octets
    plain = plain.translate(FROM_URL_SAFE, WHITE_SPACE).rstrip(b"=")
    if plain.translate(None, ALPHABET) or len(plain) % 4 == 1:
        return None
    return (plain + b"=" * (-len(plain) % 4)).decode("ascii")
