"""`mcp-grok models`: the active provider's models and their documented properties."""

import argparse
import json
import sys
from functools import partial
from typing import Any

from mcp_grok.cli.shell_words import message_in_shell
from mcp_grok.cli.startup import complain, read_settings, run_async
from mcp_grok.cli.terminal import table_row
from mcp_grok.errors import GrokError
from mcp_grok.models import catalogue
from mcp_grok.settings import Settings
from mcp_grok.upstream.live_models import live_models, no_list

FACTS_COLUMN = 32
"""The column of a model's properties, after its name."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options for the provider's current list and for JSON output."""
    parser.add_argument("--live", action="store_true", help="ask the provider which of them it has now, for free")
    parser.add_argument("--json", action="store_true", help="print all properties as JSON")


def run(options: argparse.Namespace) -> int:
    """Lists the models; returns the exit status."""
    return run_async(partial(_list, read_settings(), live=options.live, as_json=options.json))


async def _list(settings: Settings, *, live: bool, as_json: bool) -> int:
    """Prints one line per model, or the content of the resource `grok://models` as JSON.

    Returns:
        The exit status: 1 if asking the provider failed. The documented models are printed even then, and if the
        provider has no list.
    """
    names, status = None, 0
    if live:
        try:
            names = await live_models(settings.endpoint)
        except GrokError as error:
            complain(message_in_shell(error))
            status = 1
        else:
            if names is None:
                complain(f"{no_list(settings.endpoint)}.")
    known = catalogue(settings.active_provider.name, settings.model, names)
    if as_json:
        sys.stdout.write(json.dumps(known, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(_line(model, known.get("default")) for model in known["models"])
    return status


def _line(model: dict[str, Any], default: str | None) -> str:
    refused = [*model.get("rejects", ()), *(["reasoning_effort"] if model.get("efforts") == () else [])]
    facts = [
        "default" if model["name"] == default else "",
        f"same as {model['same_as']}" if "same_as" in model else "",
        f"{model['context']:,} tokens" if "context" in model else "",
        "images" if model.get("images") else "",
        f"reasoning effort {', '.join(model['efforts'])}" if model.get("efforts") else "",
        f"refuses {', '.join(refused)}" if refused else "",
        f"withdrawn, use {model['retired_for']}" if "retired_for" in model else "",
        ("live" if model["live"] else "not live") if "live" in model else "",
    ]
    return table_row(model["name"], "; ".join(filter(None, facts)), FACTS_COLUMN)
