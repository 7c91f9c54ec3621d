"""A request that breaks a documented rule."""

from mcp_grok.sandbox.api_errors import ApiError


def violation(param: str, rule: str) -> ApiError:
    """The error for a parameter that breaks a rule, such as "must be a string"."""
    return ApiError(400, "bad_request", f"{param} {rule}", param)
