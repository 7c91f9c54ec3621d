"""The work on a call: from its request to its outcome."""

from dataclasses import replace
from functools import partial

import anyio

from mcp_grok.calls.call import Call, Outcome, Reason, State, Work
from mcp_grok.calls.token_count import estimated_tokens
from mcp_grok.errors import LOST, CallTimeout, Cancelled, GrokError, InternalError, Lost
from mcp_grok.upstream.api_request import ApiRequest, OnJob
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.cost import can_estimate, estimate_is_quick, estimated_cost
from mcp_grok.upstream.json_output import violations
from mcp_grok.upstream.request import ChatRequest


async def run_call(
    call: Call, work: Work, client: ChatClient, api_request: ApiRequest | None, key: str | None, on_job: OnJob
) -> Outcome:
    """Sends a call and returns its outcome. Any failure is returned as an outcome.

    Args:
        call: The record, whose state becomes `running` when the call is sent.
        work: Receives the text; its scope stops the work.
        client: Sends it.
        api_request: What to send; None to follow the call's job, which was sent by a process that has died.
        key: The principal's own key; None for the operator's.
        on_job: Called with the API's job of the call, if it makes a video.
    """

    def sent() -> None:
        if call.state is State.QUEUED:
            call.state = State.RUNNING

    outcome: Outcome | None = None
    try:
        with work.scope:
            if isinstance(api_request, ChatRequest):
                outcome = await client.complete(
                    api_request, work.text_came, work.reasoning_came, sent, key=key, caller=call.principal
                )
                outcome = await _examined(outcome, api_request)
            else:
                # Imported only when used: most servers make no pictures.
                from mcp_grok.upstream.media.client import MediaClient
                from mcp_grok.upstream.media.request import MediaRequest

                media = MediaClient(client, key, call.principal)
                if isinstance(api_request, MediaRequest):
                    outcome = await media.make(api_request, sent, on_job, work.percent_came)
                else:
                    outcome = await media.follow(call.job, call.model, work.percent_came)
                outcome = await media.with_files(outcome, call.id)
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
    call.estimated_tokens = estimated_tokens(work, api_request, outcome)
    return outcome


def cancelled(call: Call) -> GrokError:
    """The outcome of a call that is cancelled now."""
    if call.state is State.QUEUED:
        return Cancelled("The call was stopped while it was queued; nothing was sent.", billed="no")
    if call.job:
        return Cancelled(
            f"This server no longer waits for the video. Its job {call.job} goes on at the provider and is billed.",
            billed="yes",
        )
    return Cancelled("The call was cancelled; it may be billed.")


def lost(call: Call) -> GrokError:
    """The outcome of a call that ends with its process."""
    return Lost(f"{LOST} The provider's job is {call.job}." if call.job else LOST)


def _cut(call: Call, work: Work) -> GrokError:
    """The outcome of a call that was stopped by the orphan deadline or the end of the process."""
    is_late = work.scope.cancel_called
    call.reason = Reason.ORPHAN_TIMEOUT if is_late else Reason.SHUTDOWN
    if call.state is State.QUEUED:
        return cancelled(call)
    if is_late:
        return CallTimeout("No request waited for the call any longer, and it took too long; it may be billed.")
    return lost(call)


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
