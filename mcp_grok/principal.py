"""The principal: the identity that makes a call."""

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Principal:
    """The identity that makes a call. Calls, usage and limits belong to one principal; no other can access them.

    Attributes:
        name: The authenticated name; empty without authentication, when all callers are one principal.
        key: The principal's own key for the provider, used instead of the operator's.
    """

    name: str = ""
    key: SecretStr | None = None

    @property
    def secret(self) -> str | None:
        """The key in clear text; None without one."""
        return self.key.get_secret_value() if self.key else None


ANONYMOUS = Principal()
"""The principal without authentication."""
