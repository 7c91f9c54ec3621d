"""Running calls. A call belongs to the process, not to whoever asked for it.

What becomes of a call, and who may have its outcome:

    waited for      its waiters; forgotten once they have it
    kept            whoever asks for its id: it was handed off, or its result was cut
    abandoned       the next call that asks the same, once: its client timed out or went away
    cancelled       nobody: its user stopped it, and its waiters are told
    lost            nobody: the server ended while it ran; the next call that asks the same is told, and so is whoever
                    asks for its id
"""

from mcp_grok.completions.call import Call, Outcome
from mcp_grok.completions.caller import ANYONE, Caller
from mcp_grok.completions.running import Completions, OnAnswer, open_completions

__all__ = ["ANYONE", "Call", "Caller", "Completions", "OnAnswer", "Outcome", "open_completions"]
