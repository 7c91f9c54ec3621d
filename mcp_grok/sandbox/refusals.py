"""What the sandbox refuses, before a dialect puts it into words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error to be told.

    Attributes:
        status: The HTTP status, where the dialect has no other for it.
        code: AceData's name for it.
        message: What is wrong.
        param: The parameter that is wrong, where it is one.
    """

    status: int
    code: str
    message: str
    param: str | None = None


def bad_request(message: str, param: str | None = None) -> Refusal:
    """The refusal of a request that breaks a rule."""
    return Refusal(400, "bad_request", message, param)
