"""The documents, and their tables that are made from the code: `python -m tests.documents` writes them."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from mcp_grok import errors
from mcp_grok.cli.install.clients import ALL_CLIENTS, ANY_SYSTEM, CLIENTS, McpClient
from mcp_grok.cli.install.entry import entry
from mcp_grok.providers import PROVIDERS
from mcp_grok.sandbox import api_errors, faults
from mcp_grok.settings import Settings, variable
from mcp_grok.tools import generate_image, image_to_video, search
from mcp_grok.tools.chat import input_schema
from mcp_grok.upstream import failures
from mcp_grok.upstream.media.media_models import VIDEO_MODELS
from mcp_grok.upstream.parameters import PARAMETERS
from tests import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
"""What users read."""

BLOCK = re.compile(r"(<!-- (\w+): make docs -->\n).*?(<!-- end -->)", re.DOTALL)


def _table(*rows: tuple[str, ...]) -> str:
    head, *body = rows
    lines = [head, tuple("---" for _ in head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _allowed(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "string or array")
    if values := schema.get("enum") or schema.get("items", {}).get("enum"):
        return f"{kind} of {', '.join(values)}" if kind == "array" else ", ".join(values)
    least, most = schema.get("minimum"), schema.get("maximum")
    if most is not None:
        return f"{kind}, {least} to {most}"
    if least is not None:
        return f"{kind}, at least {least}"
    return str(kind)


def parameters() -> str:
    """The parameters of the schema, and the names of the others."""
    schema = input_schema(Settings.model_construct())
    others = ", ".join(f"`{name}`" for name in PARAMETERS if name not in schema["properties"])
    return f"{_properties(schema)}\nAlso accepted: {others} (merged into the request last).\n"


def search_parameters() -> str:
    """The parameters of `grok_search`."""
    return _properties(search.definition(Settings.model_construct()).input_schema)


def media() -> str:
    """What each provider makes."""
    rows = [
        (f"`{name}`", "yes" if provider.images_path else "no", "yes" if provider.video_api else "no")
        for name, provider in PROVIDERS.items()
    ]
    return _table(("provider", "pictures", "videos"), *rows)


def pictures() -> str:
    """The parameters of `grok_generate_image`."""
    return _properties(generate_image.definition(Settings.model_construct()).input_schema)


def videos() -> str:
    """The parameters of `grok_image_to_video`, which has those of `grok_text_to_video`."""
    return _properties(image_to_video.definition(Settings.model_construct()).input_schema)


def video_models() -> str:
    """The models for videos."""
    bills = {True: "charged", False: "free", None: "as its cost says"}
    rows = [
        (
            f"`{model.name}`",
            model.api,
            "{} to {}".format(*model.seconds),
            ", ".join(model.resolutions),
            "an image only" if model.needs_image else "text or an image",
            "yes" if model.references else "no",
            bills[model.bills_moderation],
        )
        for model in VIDEO_MODELS
    ]
    heads = ("model", "provider", "seconds", "resolutions", "made from", "`reference_images`", "if moderation refuses")
    return _table(heads, *rows)


def _properties(schema: dict[str, Any]) -> str:
    rows = [
        (f"`{name}`" + (" (required)" if name in schema["required"] else ""), _allowed(part), part["description"])
        for name, part in schema["properties"].items()
    ]
    return _table(("parameter", "what", "meaning"), *rows)


def _meaning(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def error_codes() -> str:
    """The error codes of this server."""
    kinds = [kind for kind in errors.GrokError.__subclasses__() if kind is not errors.UpstreamError]
    return _table(("code", "meaning"), *((f"`{kind.code}`", _meaning(kind.__doc__)) for kind in kinds))


def refusals() -> str:
    """The codes and types of errors that a provider states without a code."""
    kinds = [value for value in vars(failures).values() if isinstance(value, failures.Category)]
    rows = dict.fromkeys((f"`{kind.code}`", f"`{kind.type}`", "yes" if kind.retryable else "no") for kind in kinds)
    return _table(("code", "`type`", "`retryable`"), *rows)


def configuration() -> str:
    """The variables, with meanings and defaults."""
    rows = []
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        plain = {None: "–", False: "off"}.get(field.default, f"`{field.default}`")
        rows.append((f"`{variable(name)}`", field.description or "", str(extra.get("default", plain))))
    return _table(("variable", "meaning", "default"), *rows)


def _elsewhere(name: str, status: int) -> str:
    other = api_errors.XAI_OWN.get(name, (status, ""))[0]
    return "" if other == status else f", as xAI HTTP {other}"


def sandbox_faults() -> str:
    """What the sandbox does wrong on request."""
    documented = [
        (f"`{name}`", f"the documented error, HTTP {status}{_elsewhere(name, status)}")
        for name, (status, _) in faults.ERRORS.items()
    ]
    behaviours = [(f"`{name}`", meaning) for name, meaning in faults.VIDEO_BEHAVIOURS.items()]
    return _table(("name", "what happens"), *documented, *behaviours)


def providers() -> str:
    """The variable, the address and the default model of each provider."""
    rows = []
    for name, provider in PROVIDERS.items():
        if name != "sandbox":
            key = f"`{provider.key_variable}`" if provider.key_variable else "`MCP_GROK_API_KEY`, if it wants one"
            address = f"`{provider.base_url}` `{provider.path}`" if provider.base_url else "[yours](#addresses)"
            model = f"`{provider.default_model}`" if provider.default_model else "none: `MCP_GROK_DEFAULT_MODEL`"
            rows.append((f"`{name}`", key, address, model))
    return _table(("provider", "key", "address", "default model"), *rows)


def _place(client: McpClient) -> str:
    """The file of a client on Linux, or where the user puts its entry."""
    if client.by_hand:
        return f"by hand: {client.by_hand}"
    return f"`{'/'.join(filter(None, ('~', client.folders[ANY_SYSTEM].usual, client.files[0])))}`"


def clients() -> str:
    """The command, the file and the place of the key of each client."""
    rows = []
    for client in ALL_CLIENTS:
        command = f"mcp-grok install {'--print ' if client.by_hand else ''}{client.name}"
        key = "your environment" if client.references or client.forwards else "the entry"
        rows.append((f"[{client.title}]({client.source})", f"`{command}`", _place(client), key))
    return _table(("client", "command", "file, on Linux", "the key is in"), *rows)


def links() -> str:
    """Links that install the server into Cursor and VS Code."""
    keys = {"ACEDATACLOUD_API_TOKEN": ""}
    for_cursor = json.dumps(entry(CLIENTS["cursor"], ["mcp-grok"], {}, keys))
    for_vscode = json.dumps({"name": "grok", **entry(CLIENTS["vscode"], ["mcp-grok"], {}, keys)})
    config = quote(base64.b64encode(for_cursor.encode()).decode())
    cursor = f"cursor://anysphere.cursor-deeplink/mcp/install?name=grok&config={config}"
    vscode = f"https://vscode.dev/redirect?url=vscode:mcp/install%3F{quote(for_vscode, safe='')}"
    return f"With `mcp-grok` on the `PATH` and the key in your environment: [VS Code]({vscode}), [Cursor]({cursor}).\n"


def targets() -> str:
    """What `CLIENT` can be."""
    *names, last = (f"`{name}`" for name in CLIENTS)
    return f"`CLIENT` is {', '.join(names)} or {last}.\n"


BLOCKS: dict[str, Callable[[], str]] = {
    "parameters": parameters,
    "search": search_parameters,
    "media": media,
    "pictures": pictures,
    "videos": videos,
    "models": video_models,
    "errors": error_codes,
    "refusals": refusals,
    "configuration": configuration,
    "faults": sandbox_faults,
    "clients": clients,
    "links": links,
    "targets": targets,
    "providers": providers,
}


def rendered(text: str) -> str:
    """A document, with each block as the code has it now."""
    return BLOCK.sub(lambda match: f"{match[1]}{BLOCKS[match[2]]()}{match[3]}", text)


if __name__ == "__main__":
    for document in DOCUMENTS:
        document.write_text(rendered(document.read_text(encoding="utf-8")), encoding="utf-8")
