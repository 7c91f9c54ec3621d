"""Whoever calls."""

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever calls: completions, usage and limits belong to one, and no other sees them.

    Attributes:
        name: The authenticated principal; empty where nobody is authenticated, and all are one.
        key: A key of the caller's own for the provider, in place of the operator's.
    """

    name: str = ""
    key: SecretStr | None = None

    @property
    def secret(self) -> str | None:
        """The key in the clear, to be sent; None where the caller has none."""
        return self.key.get_secret_value() if self.key else None


ANYONE = Caller()
"""The caller where nobody is authenticated."""
