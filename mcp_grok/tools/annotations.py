"""What every tool says of itself to clients."""

from mcp_types import ToolAnnotations


def annotations(title: str) -> ToolAnnotations:
    """A tool that changes nothing of the user's, so that clients may run several side by side."""
    return ToolAnnotations(title=title, read_only_hint=True, destructive_hint=False, open_world_hint=True)
