"""Running calls. A call belongs to the process, not to whoever asked for it."""

from mcp_grok.completions.call import Call, Outcome
from mcp_grok.completions.running import Completions, open_completions

__all__ = ["Call", "Completions", "Outcome", "open_completions"]
