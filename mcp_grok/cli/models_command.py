"""`mcp-grok models`: the models of the provider in force, and what is known of them."""

import json
import sys
from typing import Any

from mcp_grok.errors import GrokError
from mcp_grok.resources import catalogue
from mcp_grok.server import upstream_settings
from mcp_grok.settings import Settings
from mcp_grok.upstream.live_models import live_models


async def list_models(settings: Settings, *, live: bool, as_json: bool) -> int:
    """Prints a line a model, or everything as JSON.

    Args:
        settings: Say which provider.
        live: Asks the provider which models it has now.
        as_json: Prints what the resource `grok://models` holds.

    Returns:
        The exit status: 1 when the provider could not be asked; what the documents say is printed all the same.
    """
    names, status = None, 0
    if live:
        try:
            async with upstream_settings(settings) as located:
                names = await live_models(located.endpoint)
        except GrokError as error:
            sys.stderr.write(f"mcp-grok: {error.message}\n")
            status = 1
    known = catalogue(settings, names)
    if as_json:
        sys.stdout.write(json.dumps(known, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(_line(model, known.get("default")) for model in known["models"])
    return status


def _line(model: dict[str, Any], default: str | None) -> str:
    refused = [*model.get("rejects", ()), *(["reasoning_effort"] if model.get("efforts") == () else [])]
    facts = [
        "default" if model["name"] == default else "",
        f"{model['context']:,} tokens" if "context" in model else "",
        "images" if model.get("images") else "",
        f"reasoning effort {', '.join(model['efforts'])}" if model.get("efforts") else "",
        f"refuses {', '.join(refused)}" if refused else "",
        f"withdrawn, use {model['retired_for']}" if "retired_for" in model else "",
        ("live" if model["live"] else "not live") if "live" in model else "",
    ]
    return f"{model['name']:<32}{'; '.join(filter(None, facts))}".rstrip() + "\n"
