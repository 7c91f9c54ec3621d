"""The request for pictures or a video, as it is posted."""

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from mcp_grok.json_parser import JSONObject
from mcp_grok.surrogates import as_utf8
from mcp_grok.upstream.request import AS_JSON

Kind = Literal["image", "video"]


@dataclass(frozen=True, slots=True)
class MediaRequest:
    """A checked request.

    Attributes:
        kind: What it makes.
        url: The address to post to; empty for a sandbox that has not been started.
        body: The JSON to post, in UTF-8.
        model: The requested model.
        fingerprint: A digest, equal for requests with the same content.
        given: The caller's name of each parameter, by the name that is sent.
        dropped: The parameters that were given but are not sent, each with the reason.
    """

    kind: Kind
    url: str
    body: bytes
    model: str
    fingerprint: str
    given: dict[str, str]
    dropped: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, kind: Kind, url: str, payload: JSONObject, given: dict[str, str]) -> "MediaRequest":
        """The request that posts a payload, which names its model."""
        # In one order whatever the caller's, so that the body tells the content.
        body = as_utf8(AS_JSON(dict(sorted(payload.items()))))
        return cls(
            kind=kind,
            url=url,
            body=body,
            model=payload["model"],
            fingerprint=hashlib.sha256(f"{kind} ".encode() + body).hexdigest(),
            given=given,
        )
