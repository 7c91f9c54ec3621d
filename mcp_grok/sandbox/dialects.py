"""The APIs that the sandbox plays, and how they differ, as data."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp_grok.providers import ACEDATA_PATH, OPENAI_PATH, SANDBOX_KEY
from mcp_grok.sandbox import xai
from mcp_grok.sandbox.faults import ERRORS, FAULTS, MODEL_PREFIX
from mcp_grok.sandbox.refusals import Refusal, bad_request


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one provider speaks.

    Attributes:
        name: What `MCP_GROK_PROVIDER` calls the provider.
        base: What stands behind the sandbox's address in the base URL of a client that is to hear this dialect.
        documented_path: The path that the provider documents.
        new_id: Makes a completion's id.
        error: A refusal as the provider puts it: the HTTP status and the body.
        bad_key: The refusal of a key that is not the sandbox's.
        usage: What is said of so many prompt, answer and reasoning tokens.
        refusal: What is refused of a request that keeps the rules all share.
        parameters: Those that count, where the others are ignored; None where all do.
        models: What is listed under `/models`; empty where there is no such address.
        owner: Whose models those are said to be.
        usage_on_request: Whether a stream tells its usage only where `stream_options.include_usage` asks for it.
        zeros_at_finish: Whether a finish chunk carries a usage of zeros.
    """

    name: str
    base: str
    documented_path: str
    new_id: Callable[[], str]
    error: Callable[[Refusal], tuple[int, dict[str, Any]]]
    bad_key: Callable[[str], Refusal]
    usage: Callable[[int, int, int], dict[str, Any]]
    refusal: Callable[[dict[str, Any]], Refusal | None]
    parameters: tuple[str, ...] | None = None
    models: tuple[str, ...] = ()
    owner: str = "mcp-grok-sandbox"
    usage_on_request: bool = False
    zeros_at_finish: bool = False

    @property
    def path(self) -> str:
        """Where completions are asked for."""
        return self.base + self.documented_path

    @property
    def models_path(self) -> str:
        """Where the models are listed, if they are."""
        return self.path.removesuffix("/chat/completions") + "/models"


def _acedata_error(refusal: Refusal) -> tuple[int, dict[str, Any]]:
    error = {"code": refusal.code, "message": refusal.message}
    return refusal.status, {"success": False, "error": error, "trace_id": str(uuid.uuid4())}


def _openai_error(refusal: Refusal) -> tuple[int, dict[str, Any]]:
    kind = "invalid_request_error" if refusal.status < 500 else "api_error"
    error = {"message": refusal.message, "type": kind, "param": refusal.param, "code": refusal.code}
    return refusal.status, {"error": error}


def _bad_key(key: str) -> Refusal:
    return Refusal(401, "invalid_token", f"{ERRORS['invalid_token'].message} The sandbox's is {SANDBOX_KEY!r}.")


def _acedata_usage(prompt: int, generated: int, reasoning: int) -> dict[str, Any]:
    return {
        **_three_counts(prompt, generated, reasoning),
        "prompt_tokens_details": {"cached_tokens": 0, "text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
        "completion_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "reasoning_tokens": reasoning},
        "input_tokens": 0,
        "output_tokens": 0,
        "input_tokens_details": None,
        # It costs nothing, and says so where newer answers of AceData say what they cost.
        "cost": {"amount": 0.0, "currency": "USD", "list_amount": 0.0},
    }


def _three_counts(prompt: int, generated: int, reasoning: int) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": generated, "total_tokens": prompt + generated}


def _openai_usage(prompt: int, generated: int, reasoning: int) -> dict[str, Any]:
    # OpenAI counts what was thought among what was generated.
    details = {"completion_tokens_details": {"reasoning_tokens": reasoning}}
    return {**_three_counts(prompt, generated + reasoning, reasoning), **details}


def _only_grok(body: dict[str, Any]) -> Refusal | None:
    model = body["model"]
    if model.startswith(("grok", MODEL_PREFIX)):
        return None
    faults = ", ".join(FAULTS)
    return bad_request(
        f"model {model!r} does not exist; the sandbox plays grok…, and {MODEL_PREFIX} with {faults}", "model"
    )


def _llmprovider_refusal(body: dict[str, Any]) -> Refusal | None:
    return bad_request("stop must be an array", "stop") if isinstance(body.get("stop"), str) else _only_grok(body)


LLMPROVIDER_PARAMETERS = (
    *("model", "messages", "stream", "max_tokens", "temperature", "top_p"),
    *("stop", "presence_penalty", "frequency_penalty"),
    # Its reference of 2025-07-13 leaves these to xAI's documentation, to which it points; without them, tools and JSON
    # could not be tried. It leaves out all else, and an answer is whole without that.
    *("tools", "tool_choice", "parallel_tool_calls", "response_format"),
)

DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            name="acedata",
            base="",
            documented_path=ACEDATA_PATH,
            new_id=lambda: f"foaicmpl-{uuid.uuid4()}",
            error=_acedata_error,
            bad_key=_bad_key,
            usage=_acedata_usage,
            refusal=_only_grok,
            zeros_at_finish=True,
        ),
        Dialect(
            name="llmprovider",
            base="/llmprovider",
            documented_path=OPENAI_PATH,
            new_id=lambda: f"cmpl-{uuid.uuid4().hex}",
            error=_openai_error,
            bad_key=_bad_key,
            usage=_three_counts,
            refusal=_llmprovider_refusal,
            parameters=LLMPROVIDER_PARAMETERS,
        ),
        Dialect(
            name="xai",
            base="/xai",
            documented_path=OPENAI_PATH,
            new_id=lambda: str(uuid.uuid4()),
            error=xai.error,
            bad_key=xai.bad_key,
            usage=xai.usage,
            refusal=xai.refusal,
            models=tuple(xai.MODELS),
            owner="xai",
            # https://github.com/zed-industries/zed/pull/45812 and https://github.com/brainlid/langchain/pull/626
            usage_on_request=True,
        ),
        # Any server that is compatible with OpenAI's API.
        Dialect(
            name="custom",
            base="",
            documented_path=OPENAI_PATH,
            new_id=lambda: f"chatcmpl-{uuid.uuid4().hex}",
            error=_openai_error,
            bad_key=_bad_key,
            usage=_openai_usage,
            refusal=lambda body: None,
            models=("grok-local",),
            usage_on_request=True,
        ),
    )
}
