"""`mcp-grok demo`: shows the tools on a real server process with the sandbox."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from rich.console import Console
from rich.rule import Rule

from mcp_grok.cli.demo_scenes import Scene, Stage, scenes_of
from mcp_grok.cli.startup import run_async
from mcp_grok.cli.terminal import styled_stdout
from mcp_grok.providers import SANDBOX_KEY
from mcp_grok.sandbox.apis import APIS, Api
from mcp_grok.sandbox.routes import sandbox_app
from mcp_grok.sandbox.serve_sandbox import running_sandbox

LEGEND = "> goes to the server, < comes back. The sandbox has no model, and costs nothing."
VIDEO_SECONDS = 0.2
"""Seconds that the sandbox takes to make a video."""

NEXT = "Next: README says how to add the server to your client."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the choice of the API that the sandbox simulates, and of waiting between the scenes."""
    text = "the API that the sandbox simulates (default: acedata)"
    parser.add_argument("--provider", choices=APIS, default="acedata", help=text)
    parser.add_argument("--pause", action="store_true", help="in a terminal, wait for Enter after each scene")


def run(options: argparse.Namespace) -> int:
    """Shows every scene; returns the exit status."""
    status = 1
    pause = options.pause and sys.stdin.isatty() and sys.stdout.isatty()
    console = Console(highlight=False, file=styled_stdout())
    try:
        status = run_async(partial(run_demo, options.provider, console, pause=pause))
    except* SystemExit:
        # rich raises it if the reader of its output has ended.
        pass
    return status


async def run_demo(provider: str, console: Console, *, pause: bool) -> int:
    """Shows every scene and a summary; returns 0, or 1 if a scene did not go as it should.

    Args:
        provider: The provider that the sandbox simulates, a key of `APIS`.
        console: Where they are shown.
        pause: Whether to wait for Enter between two scenes.
    """
    went_well = await show_scenes(provider, console, scenes_of(APIS[provider]), pause=pause)
    console.print()
    console.print(Rule(f"{sum(went_well)} of {len(went_well)} scenes went as they should"))
    console.print(NEXT, soft_wrap=True)
    return 0 if all(went_well) else 1


async def show_scenes(
    provider: str, console: Console, scenes: Mapping[Scene, str], *, pause: bool = False
) -> Sequence[bool]:
    """Shows scenes on a server process with the sandbox; returns whether each went as it should."""
    console.print(Rule(f"mcp-grok over stdio, with the sandbox that simulates {provider}"))
    went_well = []
    async with (
        running_sandbox(sandbox_app(video_seconds=VIDEO_SECONDS)) as address,
        Client(stdio_client(_server(APIS[provider], address))) as client,
    ):
        stage = Stage(client, console)
        stage.show("", LEGEND, "dim")
        for number, (scene, point) in enumerate(scenes.items(), 1):
            if pause and number > 1:
                await _enter(stage)
            stage.show(f"\n{number}. ", point, "bold")
            went_well.append(await _goes_well(scene, stage))
    return went_well


async def _goes_well(scene: Scene, stage: Stage) -> bool:
    try:
        went_well = await scene(stage)
    except (LookupError, ValueError):
        # The result lacks what the scene looks for.
        went_well = False
    if not went_well:
        stage.show("  ! ", "This is not what the scene should show.", "red")
    return went_well


async def _enter(stage: Stage) -> None:
    stage.show("\n", "Enter shows the next scene.", "dim")
    if sys.platform != "win32":
        # Ctrl-C ends this wait; it would not end reading a line.
        await anyio.wait_readable(sys.stdin)
    sys.stdin.readline()


def _server(api: Api, address: str) -> StdioServerParameters:
    # The user's settings are removed, so that the demo calls only the sandbox.
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith("MCP_GROK_")}
    settings = {
        "MCP_GROK_PROVIDER": api.provider.name,
        "MCP_GROK_API_KEY": SANDBOX_KEY,
        "MCP_GROK_BASE_URL": address + api.base,
        "MCP_GROK_LOG_LEVEL": "ERROR",
        "MCP_GROK_HANDOFF_AFTER": "2",
        "MCP_GROK_TOOLSETS": "chat,video" if api.videos else "chat",
        "MCP_GROK_DEFAULT_MODEL": api.provider.default_model or api.models[0],
    }
    return StdioServerParameters(command=sys.executable, args=["-m", "mcp_grok"], env={**inherited, **settings})
