"""The options of `mcp-grok serve`, as a process."""

import os
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from mcp_grok.cli.serve_command import without_files
from mcp_grok.settings import Settings
from tests.chat import CANCEL, CHAT, GET, SEARCH
from tests.cli.commands import run
from tests.process import MCP_GROK

SANDBOX = {"MCP_GROK_PROVIDER": "sandbox"}


@pytest.mark.parametrize(
    ("options", "listed"),
    [
        ([], [CHAT, GET, CANCEL]),
        (["--toolsets", "chat,search"], [CHAT, SEARCH, GET, CANCEL]),
        (["--toolsets", "all", "--exclude-tools", f"{CHAT}, {CANCEL}", "--read-only"], [SEARCH, GET]),
    ],
)
async def test_options_choose_the_tools_in_place_of_the_settings(options: list[str], listed: list[str]) -> None:
    command, *arguments = MCP_GROK
    parameters = StdioServerParameters(
        command=command,
        args=[*arguments, "serve", *options],
        env={**os.environ, **SANDBOX, "MCP_GROK_TOOLSETS": "chat"},
    )
    async with Client(stdio_client(parameters)) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == listed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--toolsets", "pictures"],
            "MCP_GROK_TOOLSETS must be chat, search, image, video, separated by commas, or all",
        ),
        (["--exclude-tools", "grok_serch"], "MCP_GROK_EXCLUDE_TOOLS must be names of tools, separated by commas, such"),
        (["--exclude-tools", CHAT, "--toolsets", "chat"], "MCP_GROK_TOOLSETS, MCP_GROK_EXCLUDE_TOOLS: no tool is left"),
    ],
)
async def test_wrong_choice_of_tools_is_a_usage_error(options: list[str], message: str) -> None:
    ended = await run("serve", *options, env=SANDBOX)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith(f"mcp-grok: {message}")


@pytest.mark.parametrize(
    ("toolsets", "said"),
    [
        ("chat,image,search", "AceData has no search tools; xAI has them|AceData has no image tools; xAI has them"),
        ("chat,search", ""),
        ("all", ""),
    ],
)
async def test_toolset_that_the_provider_lacks_is_named(toolsets: str, said: str) -> None:
    ended = await run("serve", env={"MCP_GROK_PROVIDER": "acedata", "MCP_GROK_TOOLSETS": toolsets})
    assert ended == (0, "", "".join(f"mcp-grok: {line}\n" for line in said.split("|") if line))


@pytest.mark.parametrize("images", [False, True])
def test_server_for_others_saves_no_files(images: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(output_dir=str(tmp_path), allowed_dirs=str(tmp_path))
    left = without_files(settings, images=images)
    assert (left.output_folder, left.endpoint.image_folders) == (None, (tmp_path,) if images else ())
    assert capsys.readouterr().err.startswith("mcp-grok: MCP_GROK_OUTPUT_DIR has no effect over SSE and HTTP")
    without_files(left, images=images)
    assert capsys.readouterr().err == ""
