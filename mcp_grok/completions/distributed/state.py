"""What processes that share their calls know of them, in Redis or Valkey: each method is one stroke there."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from typing import Any

import anyio
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

from mcp_grok.completions.call import Call, Outcome
from mcp_grok.completions.distributed import scripts
from mcp_grok.completions.distributed.lua import BOUNDS_IN_FORCE, FUNCTIONS
from mcp_grok.completions.distributed.spending import increments, nested
from mcp_grok.completions.outcomes import read, written
from mcp_grok.completions.running import CLOSE_TIMEOUT
from mcp_grok.completions.store import BOUNDS
from mcp_grok.errors import GrokError, Lost, StoreUnreachable
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import ChatRequest

PREFIX = "mcp-grok"

ALIVE = 10.0
"""Seconds after which a process that says nothing is taken for dead. One that was killed is known for dead at once,
since its connection closes."""

CONNECT_TIMEOUT = 2.0
ANSWER_TIMEOUT = 5.0
"""Seconds after which a Redis that does not answer is taken for gone."""

REDIS_RETRY = Retry(ExponentialBackoff(cap=0.5, base=0.05), 3)
"""A restart that takes a moment is nobody's business."""


class StoreGoneError(Exception):
    """Redis cannot be reached, or will not do something."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A call that this process is to send.

    Attributes:
        call: What is known of it.
        request: What to send.
        sealed_key: The caller's own key; empty for none.
        waited: Seconds that it waited for a process to run it.
    """

    call: Call
    request: ChatRequest
    sealed_key: str
    waited: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A call as Redis has it.

    Attributes:
        known: Its fields.
        pieces: Its text so far; empty if there is none that the reader does not know.
        runner: `alive`, `dead`, or `none` where nobody has begun it.
        waited: Seconds since it was made.
    """

    known: dict[str, str]
    pieces: list[str]
    runner: str
    waited: float

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while it runs."""
        return read(json.loads(self.known["outcome"])) if "outcome" in self.known else None


class SharedState:
    """The calls in Redis.

    Every method raises `StoreGoneError` when Redis fails.

    Args:
        redis: The connections.
        process: Names this process.
    """

    def __init__(self, redis: "Redis", process: str) -> None:
        self.process = process
        self.redis = redis
        self._scripts = {
            name: redis.register_script(BOUNDS_IN_FORCE + FUNCTIONS + source)
            for name, source in vars(scripts).items()
            if name.isupper()
        }

    def inbox(self) -> str:
        """The channel that this process listens to."""
        return f"{PREFIX}:inbox:{self.process}"

    async def ping(self) -> None:
        """Does nothing but fail where Redis does."""
        await self._do(self.redis.ping())

    async def beat(self) -> None:
        """Says that this process is alive, and lets its inbox hear itself."""
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.set(f"{PREFIX}:alive:{self.process}", 1, px=int(ALIVE * 1000))
        pipeline.publish(self.inbox(), '{"what":"beat"}')
        await self._do(pipeline.execute())

    async def die(self) -> None:
        """Says that this process is alive no more."""
        await self._do(self.redis.delete(f"{PREFIX}:alive:{self.process}"))

    async def queue(self, call: Call, request: ChatRequest, sealed_key: str, lifetime: float) -> None:
        """Makes a call known, which this process waits for."""
        fields = {"model": call.model, "notes": json.dumps(call.notes), "request": _request_text(request)}
        known = {**fields, **({"key": sealed_key} if sealed_key else {})}
        pairs = [item for pair in known.items() for item in pair]
        head = (call.id, self.process, lifetime, call.question, call.caller, repr(call.began_at))
        await self._run("QUEUE", *head, *pairs)

    async def begin(self, call_id: str) -> Begun | None:
        """The call, for this process to send it; None if another one has it, or nobody wants it any more."""
        found = await self._run("BEGIN", call_id, self.process)
        if not found:
            return None
        request, key, model, question, caller, began_at, waited = found
        call = Call(model, question, caller, call_id=call_id, began_at=float(began_at))
        return Begun(call, _request(json.loads(request)), key or "", float(waited))

    async def text(self, call_id: str, number: int, piece: str) -> None:
        """Adds a piece to the text; the same piece may be added again."""
        await self._run("TEXT", call_id, number, json.dumps(piece))

    async def thought(self, call_id: str, piece: str) -> None:
        """Tells what the model thinks."""
        await self._run("THOUGHT", call_id, json.dumps(piece))

    async def sent(self, call_id: str) -> None:
        """Says that a call was sent."""
        await self._run("SENT", call_id)

    async def finish(self, call: Call, outcome: Outcome) -> None:
        """Says how a call ended, and counts what it has used."""
        await self._finish(call, outcome, "", "")

    async def save(self, call: Call, outcome: Outcome) -> None:
        """Keeps an ended call as it is now."""
        await self._finish(call, outcome, str(int(call.kept)), str(int(call.abandoned)), spends=False)

    async def keep(self, call_id: str) -> None:
        """Lets a call be found by its id."""
        pipeline = self.redis.pipeline()
        pipeline.hset(self._call_key(call_id), "kept", "1")
        pipeline.expire(self._call_key(call_id), int(BOUNDS.age))
        await self._do(pipeline.execute())

    async def reclaim(self, call_id: str) -> None:
        """Says that somebody wants an abandoned call again."""
        await self._do(self.redis.hset(self._call_key(call_id), "abandoned", "0"))

    async def stop(self, call_id: str, outcome: Outcome, *, abandoned: bool = False) -> None:
        """Stops a call; this is its outcome if nobody has begun it."""
        await self._run("STOP", call_id, written(outcome), int(abandoned))

    async def take(self, question: str) -> str:
        """The id of an abandoned call that asks this, which is then this process' alone; empty if there is none."""
        return str(await self._run("TAKE", question, self.process, written(Lost())))

    async def twin(self, question: str) -> float | None:
        """When the oldest call began that asks this, runs, and is waited for; None if there is none."""
        began_at = await self._run("TWIN", question)
        return float(began_at) if began_at else None

    async def read(self, call_id: str, known_pieces: int = 0, *, wait: bool = False) -> Snapshot | None:
        """A call as it is now.

        Args:
            call_id: Names it.
            known_pieces: How much of the text is known; if there is more, all of it is read.
            wait: Whether this process waits for the call from now on.
        """
        found = await self._run("READ", call_id, known_pieces, self.process if wait else "")
        if not found:
            return None
        fields, text, runner, waited = found
        pieces = sorted((int(number), json.loads(piece)) for number, piece in _pairs(text))
        return Snapshot(dict(_pairs(fields)), [piece for _, piece in pieces], runner, float(waited))

    async def leave(self, call_id: str, *, abandon: bool) -> None:
        """Says that this process waits for a call no more; whether it is abandoned then if nobody else does."""
        await self._run("LEAVE", call_id, self.process, int(abandon))

    async def forget(self, call_id: str) -> None:
        """Keeps nothing of a delivered call, unless somebody may ask for it."""
        await self._run("FORGET", call_id, self.process)

    async def attended(self, call_ids: list[str]) -> list[str]:
        """Of each call `yes` or `no`, whether anybody may still want it, or `stop`."""
        found: list[str] = await self._run("ATTENDED", *call_ids)
        return found

    async def under_way(self, caller: str) -> int:
        """How many calls of a caller run."""
        return int(await self._run("UNDER_WAY", caller))

    async def counts(self, call_id: str) -> bool:
        """Whether the answer of a call is to be counted: it is once, by whoever asks first."""
        key = self._call_key(call_id)
        return bool(await self._do(self.redis.exists(key)) and await self._do(self.redis.hsetnx(key, "counted", "1")))

    async def spending(self, caller: str) -> dict[str, Any]:
        """What a caller's calls have used, as `Spending.as_dict` says it."""
        digest = hashlib.sha1(caller.encode(), usedforsecurity=False).hexdigest()
        return nested(await self._do(self.redis.hgetall(f"{PREFIX}:spent:{digest}")))

    async def _finish(self, call: Call, outcome: Outcome, kept: str, abandoned: str, *, spends: bool = True) -> None:
        spent = []
        if spends and isinstance(outcome, Completion):
            spent = [item for pair in increments(call.model, outcome) for item in pair]
        await self._run(
            "FINISH",
            *(call.id, written(outcome), int(isinstance(outcome, Completion)), int(isinstance(outcome, Lost))),
            *(kept, abandoned, call.model, call.question, call.caller, repr(call.began_at), json.dumps(call.notes)),
            *spent,
        )

    def _call_key(self, call_id: str) -> str:
        return f"{PREFIX}:call:{call_id}"

    async def _run(self, name: str, *arguments: Any) -> Any:
        return await self._do(self._scripts[name](keys=[PREFIX], args=arguments))

    async def _do(self, command: Any) -> Any:
        try:
            return await command
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreGoneError(type(error).__name__) from None


@asynccontextmanager
async def open_redis(url: str, answer_timeout: float | None = ANSWER_TIMEOUT) -> AsyncIterator["Redis"]:
    """Connections to a Redis or Valkey.

    Args:
        url: Its address.
        answer_timeout: Seconds to wait for an answer; None to listen for what may never come.
    """
    redis = Redis.from_url(
        url,
        protocol=2,
        decode_responses=True,
        socket_timeout=answer_timeout,
        socket_connect_timeout=CONNECT_TIMEOUT,
        retry=REDIS_RETRY,
    )
    try:
        yield redis
    finally:
        # Whoever is cancelled while it closes leaves connections open.
        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True), suppress(RedisError, OSError):
            await redis.aclose()


def unreachable(message: str, billed: Any = "no") -> GrokError:
    """The error for a caller when Redis cannot be reached."""
    return StoreUnreachable(f"The store that servers share cannot be reached. {message}", billed=billed)


def _request_text(request: ChatRequest) -> str:
    fields = asdict(request)
    return json.dumps({name: value.decode() if isinstance(value, bytes) else value for name, value in fields.items()})


def _request(fields: dict[str, Any]) -> ChatRequest:
    bare = fields["bare_body"]
    encoded = {"body": fields["body"].encode(), "bare_body": None if bare is None else bare.encode()}
    # A newer version may have written more.
    known = {field.name for field in dataclass_fields(ChatRequest)}
    return ChatRequest(**{name: value for name, value in {**fields, **encoded}.items() if name in known})


def _pairs(flat: list[str]) -> list[tuple[str, str]]:
    return list(zip(flat[::2], flat[1::2], strict=True))
