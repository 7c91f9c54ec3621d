"""Calls. A call belongs to the process, not to the request that asked for it.

One record, one owner: `Calls` alone changes it. The record has two states:

    state      queued → running → completed | failed | cancelled | lost
    delivery   attached     its requests wait for it
               handed_off   a request fetches it by its id
               orphaned     its client timed out or went away: the next call with the same fingerprint gets the
                            answer, once, or learns of the bill; a request with its id does, too
               delivered    no further request gets it

and two facts that these cannot hold: `id_given`, a client knows the id; `cut_by`, what a stop has decided.

    event                     guard                                effect
    start                     an orphan with the fingerprint       → attached; the request notes `picked_up`
                              runs, or completed ≤ 30 min ago
    start                     none                                 queued, attached; written down before it is sent
    start                     its request is interrupted meanwhile nothing begins
    attach (by id)                                                 → attached
    delivered                 the last of its requests             → delivered, or handed_off where `id_given`; the
                                                                   lost calls that it named count as reported
    interrupt (timed out,     no other request waits               → orphaned; stopped after 15 min; the lost calls
    connection closed),                                            that it named count as unreported
    before or after delivered
    interrupt by the user,    no other request waits; runs         → cancelled at once
    or ON_DISCONNECT=stop
    doubt: its client may                                          → orphaned, though its request goes on waiting
    have given up
    cancel (by id)            runs                                 → cancelled at once
    the work ends                                                  → completed | failed; written down first
    its process dies          queued or running                    → lost
    its process dies          ended, attached                      → orphaned
"""

from mcp_grok.calls.call import Call, Delivery, Outcome, Reason, Request, State
from mcp_grok.calls.calls import Calls, OnAnswer, Timings
from mcp_grok.calls.open_calls import open_calls
from mcp_grok.calls.store import Interrupted

__all__ = [
    "Call",
    "Calls",
    "Delivery",
    "Interrupted",
    "OnAnswer",
    "Outcome",
    "Reason",
    "Request",
    "State",
    "Timings",
    "open_calls",
]
