"""The calls of many processes, on any machines, as one: what `Completions` is for a process alone.

A call is a task in a queue, run in the servers themselves or in `mcp-grok worker` processes. It is sent at most once:
its request can be taken from Redis once. Whoever waits for it hears of its text and its end, wherever it runs. A
process that dies is known for dead; its calls are lost, and those that it waited for are abandoned.

Whoever can write to that Redis can run code in every process that runs calls, since the queue unpickles what it holds,
and whoever can read it can read prompts and answers: it must be private.
"""

from mcp_grok.completions.distributed.joining import open_distributed, open_runner

__all__ = ["open_distributed", "open_runner"]
