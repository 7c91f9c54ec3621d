"""A caller's own key on its way through Redis: sealed, so that a dump or a backup of Redis does not hold it."""

import base64
import hashlib
from urllib.parse import urlsplit

from mcp_grok.errors import NotConfigured
from mcp_grok.settings import Settings


class Seal:
    """Seals with what only the processes that share calls know: the operator's key, and the password of the store.

    Args:
        settings: They must agree on both.
    """

    def __init__(self, settings: Settings) -> None:
        known = (settings.key.get_secret_value() if settings.key else "", urlsplit(settings.store).password or "")
        digest = hashlib.sha256(b"mcp-grok callers' keys\n" + "\n".join(known).encode()).digest()
        self._secret = base64.urlsafe_b64encode(digest)

    def close(self, key: str) -> str:
        """The key, sealed."""
        # The SDK brings it; importing it is only worth it for those who bring keys.
        from cryptography.fernet import Fernet

        return Fernet(self._secret).encrypt(key.encode()).decode()

    def open(self, sealed: str) -> str:
        """The key that was sealed.

        Raises:
            NotConfigured: another process sealed it with other settings.
        """
        from cryptography.fernet import Fernet, InvalidToken

        try:
            return Fernet(self._secret).decrypt(sealed).decode()
        except InvalidToken:
            raise NotConfigured(
                "The process that runs calls cannot read the caller's key: all that share MCP_GROK_STORE must have the "
                "same key of the operator, and the same password for the store."
            ) from None
