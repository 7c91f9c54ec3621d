"""Calls. A call belongs to the process, not to the request that started it.

Only `Calls` changes the record of a call. The record has two states:

    state      queued → running → completed | failed | cancelled | lost
    delivery   attached     its requests wait for it
               handed_off   a request fetches it by its id
               orphaned     its client timed out or disconnected: one repeated call with the same fingerprint gets
                            the answer, or a note that it may be billed; so does a request with its id
               delivered    no further request gets it

and three separate fields: `id_given`, whether a client knows the id; `cut_by`, the outcome that a stop has set; `job`,
the id of the API's job that makes a video, which is paid for and goes on without this process.

    event                     condition                            effect
    start                     an orphan with the fingerprint       → attached; the request notes `picked_up`
                              runs, or completed ≤ 30 min ago
    start                     none                                 queued, attached; stored before it is sent
    start                     its request is interrupted meanwhile nothing is sent
    attach (by id)                                                 → attached
    delivered                 the others that wait are doubted,    → delivered, or handed_off if `id_given`; the lost
                              or none waits                        calls in its result count as reported
    interrupt (timed out,     no other request waits               → orphaned; stopped after 15 min; the lost calls
    connection closed),                                            in its result count as unreported
    before or after delivered
    interrupt by the user,    no other request waits; runs         → cancelled immediately
    or ON_DISCONNECT=stop
    doubt: its client may                                          → orphaned, while its request still waits
    have given up
    poll                      handed off with a ttl                → stopped after its ttl instead of 15 min
    cancel (by id)            runs                                 → cancelled immediately; a job stays billed
    the work ends                                                  → completed | failed; stored first
    its job is known                                               `job` is stored; from then on no deadline stops it
    its process stops         runs, and has no answer              → lost; if a video was asked for, once its job is
                                                                   known, or after 3 s
    its process dies          queued or running                    → lost
    its process dies          runs, its job is known, and the      another process takes it up: the state stays running;
                              store outlives the process           orphaned, or handed_off if `id_given`
    its process dies          ended, attached                      → orphaned
"""

from mcp_grok.calls.call import Call, Delivery, JobLeft, Outcome, Reason, Request, State
from mcp_grok.calls.caller_limits import NO_LIMITS, CallerLimits
from mcp_grok.calls.calls import Calls, Timings
from mcp_grok.calls.open_calls import open_calls
from mcp_grok.calls.request_bytes import HeldBytes, RequestBytes
from mcp_grok.calls.store import Interrupted

__all__ = [
    "NO_LIMITS",
    "Call",
    "CallerLimits",
    "Calls",
    "Delivery",
    "HeldBytes",
    "Interrupted",
    "JobLeft",
    "Outcome",
    "Reason",
    "Request",
    "RequestBytes",
    "State",
    "Timings",
    "open_calls",
]
