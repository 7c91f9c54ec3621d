"""What links the calls of one conversation: the id that finds its prompt cache, and the ids of stored responses.

Both are made with the key of the call, which every server with that key has, and no caller.
"""

import hashlib
import hmac
import json
import secrets

from mcp_grok.errors import InvalidRequest
from mcp_grok.json_parser import JSONObject

NO_KEY = secrets.token_hex(16)
"""Takes the place of a key that is not set, which callers could know."""

SEPARATOR = "~"
SIGNATURE = 24
"""Hexadecimal digits of a signature."""


def conversation_id(secret: str, caller: str, messages: list[JSONObject]) -> str:
    """The same id for every turn of a conversation: for a caller's system messages and first user message.

    Args:
        secret: The key of the calls.
        caller: The caller's name.
        messages: The conversation so far.
    """
    first = next((message for message in messages if message["role"] == "user"), None)
    beginning = [message for message in messages if message["role"] in ("system", "developer") or message is first]
    return _hmac(secret, caller, f"conversation {json.dumps(beginning, sort_keys=True)}")[:32]


def signed_response_id(secret: str, caller: str, response_id: str) -> str:
    """A stored response's id that only this caller can give back; without a caller's name the id itself."""
    return f"{response_id}{SEPARATOR}{_signature(secret, caller, response_id)}" if caller else response_id


def read_response_id(secret: str, caller: str, given: str) -> str:
    """The id that the API knows.

    Raises:
        InvalidRequest: the response was not given to this caller.
    """
    if not caller:
        return given
    response_id, _, signature = given.rpartition(SEPARATOR)
    if not hmac.compare_digest(signature.encode(), _signature(secret, caller, response_id).encode()):
        raise InvalidRequest(
            "previous_response_id must be the response_id of an answer that you got here with store: true.",
            param="previous_response_id",
        )
    return response_id


def _signature(secret: str, caller: str, response_id: str) -> str:
    return _hmac(secret, caller, f"response {response_id}")[:SIGNATURE]


def _hmac(secret: str, caller: str, text: str) -> str:
    content = f"{len(caller)}:{caller}{text}".encode("utf-8", "surrogatepass")
    return hmac.new((secret or NO_KEY).encode(), content, hashlib.sha256).hexdigest()
