"""The work on a call: from its request to its outcome."""

from dataclasses import replace
from functools import partial

import anyio

from mcp_grok.calls.call import Call, Outcome, Reason, State, Work
from mcp_grok.calls.call_log import log_call
from mcp_grok.calls.token_count import estimated_tokens
from mcp_grok.errors import CallTimeout, Cancelled, GrokError, InternalError, Lost
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.cost import can_estimate, estimate_is_quick, estimated_cost
from mcp_grok.upstream.json_output import violations
from mcp_grok.upstream.request import ChatRequest


async def run_call(call: Call, work: Work, client: ChatClient, chat: ChatRequest, key: str | None) -> Outcome:
    """Sends a call and returns its outcome. Any failure is returned as an outcome.

    Args:
        call: The record, whose state becomes `running` when the call is sent.
        work: Receives the text; its scope stops the work.
        client: Sends it.
        chat: What to send.
        key: The principal's own key; None for the operator's.
    """

    def sent() -> None:
        if call.state is State.QUEUED:
            call.state = State.RUNNING

    outcome: Outcome | None = None
    try:
        with work.scope:
            outcome = await client.complete(
                chat, work.text_came, work.reasoning_came, sent, key=key, caller=call.principal
            )
            outcome = await _examined(outcome, chat)
    except GrokError as error:
        outcome = error
    except anyio.get_cancelled_exc_class():
        # The process ends. The rest of this task is shielded, so the cancellation need not be raised again.
        pass
    except Exception as error:  # noqa: BLE001 - the top of a call: its requests get every outcome
        # A received answer stays the outcome, even if its examination fails.
        failure = InternalError.of(error)
        outcome = outcome or failure
    outcome = outcome or call.cut_by or _cut(call, work)
    if isinstance(outcome, Cancelled | CallTimeout | Lost | InternalError):
        outcome.partial = outcome.partial or call.text
        client.remove_keys(outcome, key)
    call.estimated_tokens = estimated_tokens(work, chat, outcome)
    log_call(call, outcome)
    return outcome


def cancelled(call: Call) -> GrokError:
    """The outcome of a call that is cancelled now."""
    if call.state is State.QUEUED:
        return Cancelled("The call was stopped while it was queued; nothing was sent.", billed="no")
    return Cancelled("The call was cancelled; it may be billed.")


def _cut(call: Call, work: Work) -> GrokError:
    """The outcome of a call that was stopped by the orphan deadline or the end of the process."""
    is_late = work.scope.cancel_called
    call.reason = Reason.ORPHAN_TIMEOUT if is_late else Reason.SHUTDOWN
    if call.state is State.QUEUED:
        return cancelled(call)
    if is_late:
        return CallTimeout("No request waited for the call any longer, and it took too long; it may be billed.")
    return Lost()


async def _examined(completion: Completion, chat: ChatRequest) -> Completion:
    """The answer, with its JSON violations and, if the provider states no cost, an estimate."""
    if chat.response_format is not None:
        check = partial(violations, completion.body, chat.response_format)
        completion = replace(completion, violations=await anyio.to_thread.run_sync(check))
    if completion.cost is None and can_estimate():
        estimate = partial(estimated_cost, completion.model or chat.model, completion.body.get("usage"))
        cost = estimate() if estimate_is_quick() else await anyio.to_thread.run_sync(estimate)
        completion = replace(completion, cost=cost)
    return completion
