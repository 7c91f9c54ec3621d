"""The provider of an entry: what is set now decides, then what the entry holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_grok.cli.install.clients import McpClient
from mcp_grok.cli.install.entry import NOTHING, keys_in, settings_in
from mcp_grok.cli.install.entry_form import KEY_VARIABLES, environment_of, forwarded
from mcp_grok.cli.install.references import referred
from mcp_grok.providers import PROVIDERS, Provider, provider_of_key
from mcp_grok.settings import Settings, decide_provider, variable

PROVIDER, API_KEY = variable("provider"), variable("api_key")

OF_PROVIDER = [variable(field) for field in ("base_url", "allow_http", "default_model")]
"""The settings that fit one provider only. A key must not go to the address of another."""


@dataclass(frozen=True, slots=True)
class Held:
    """What an entry holds.

    Attributes:
        settings: Its variables without the keys.
        keys: The variables with keys, each with its value, a reference, or None if the client passes it on.
    """

    settings: dict[str, str]
    keys: dict[str, str | None]

    def key(self, client: McpClient, name: str, environment: Mapping[str, str]) -> str:
        """A key that the server gets; empty if it refers to a variable that is not set."""
        held = self.keys[name]
        source = name if held is None else referred(client, held)
        return environment.get(source, "") if source else held or ""

    def provider(self, client: McpClient, environment: Mapping[str, str]) -> Provider | None:
        """The provider that the entry decides on; None if it does not.

        Keys that are in the environment go before those that the entry only refers to.
        """
        name = self.settings.get(PROVIDER, "")
        name = name if name in PROVIDERS else ""
        values = {key: self.key(client, key, environment) for key in self.keys}
        found = decide_provider(name, values.get(API_KEY, ""), [key for key, value in values.items() if value])
        return found or decide_provider(name, "", list(self.keys))


def held_in(client: McpClient, entry: Mapping[str, Any]) -> Held:
    """The settings and keys of an entry."""
    variables = environment_of(client, entry)
    keys: dict[str, str | None] = dict.fromkeys(forwarded(client, entry))
    keys |= {name: value for name, value in variables.items() if name in KEY_VARIABLES and value}
    return Held({name: value for name, value in variables.items() if name not in KEY_VARIABLES}, keys)


def is_ambiguous(held: Held) -> bool:
    """Whether an entry has a key that nothing tells the provider of, as earlier versions wrote it."""
    return API_KEY in held.keys and PROVIDER not in held.settings


def mended(client: McpClient, held: Held, environment: Mapping[str, str]) -> Held:
    """The same with the provider of such a key, which was AceData's for those versions, unless it is one of xAI."""
    if not is_ambiguous(held):
        return held
    value = held.key(client, API_KEY, environment)
    provider = provider_of_key(value) or PROVIDERS["acedata"]
    stored = held.keys[API_KEY]
    if stored is None or referred(client, stored) or provider.key_variable is None:
        return Held({**held.settings, PROVIDER: provider.name}, {API_KEY: stored})
    return Held(held.settings, {provider.key_variable: stored})


@dataclass(slots=True)
class Choice:
    """The provider of an entry, with its variables.

    Attributes:
        provider: The provider; None if nothing decides.
        before: The provider of the existing entry; None without one.
        settings: The variables that are written with their values.
        keys: The variables with keys that the entry takes from the environment, with their values there.
        notes: What the user should know.
    """

    provider: Provider | None
    before: Provider | None
    settings: dict[str, str]
    keys: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def has_key(self) -> bool:
        """Whether the entry contains a key, or refers to one."""
        return bool(self.keys) or any(name in KEY_VARIABLES for name in self.settings)


def choose(
    client: McpClient, settings: Settings, environment: Mapping[str, str], existing: Mapping[str, Any] = NOTHING
) -> Choice:
    """The provider and the variables of an entry.

    Args:
        client: The client.
        settings: The settings of this shell.
        environment: Its environment variables.
        existing: The existing entry.
    """
    as_it_was = held_in(client, existing)
    held = mended(client, as_it_was, environment)
    before, now = held.provider(client, environment), settings.decided_provider
    provider = now or before
    moves = now is not None and before is not None and now is not before
    left = {PROVIDER, *OF_PROVIDER} if moves else {PROVIDER} if held.settings.get(PROVIDER) not in PROVIDERS else set()
    kept = {name: value for name, value in held.settings.items() if name not in left}
    choice = Choice(provider, before, {**kept, **settings_in(environment)})
    own = _key_set_now(choice, settings, environment)
    if own:
        choice.keys = {own: environment[own]}
        if own == API_KEY and provider:
            choice.settings[PROVIDER] = provider.name
    else:
        _keep_keys(choice, held, only_own=moves and provider is not PROVIDERS["sandbox"])
    gone = [name for name in (*as_it_was.settings, *as_it_was.keys) if name not in (*choice.settings, *choice.keys)]
    _add_notes(choice, gone, is_mended=held is not as_it_was, environment=environment)
    return choice


def _key_set_now(choice: Choice, settings: Settings, environment: Mapping[str, str]) -> str:
    """The variable of the key that is set now for the provider of an entry; empty if there is none."""
    provider, keys = choice.provider, keys_in(environment)
    if provider is None or provider.key is not None:
        return ""
    is_named = settings.provider is not None or choice.settings.get(PROVIDER) == provider.name
    if API_KEY in keys and (is_named or provider_of_key(keys[API_KEY]) is provider):
        return API_KEY
    own = provider.key_variable or ""
    return own if own in keys else ""


def _keep_keys(choice: Choice, held: Held, *, only_own: bool) -> None:
    """Keeps the keys that the entry holds; `only_own`, those of its provider."""
    for name, value in held.keys.items():
        if only_own and (choice.provider is None or name != choice.provider.key_variable):
            continue
        if value is None:
            choice.keys[name] = ""
        else:
            choice.settings[name] = value


def _add_notes(choice: Choice, gone: list[str], *, is_mended: bool, environment: Mapping[str, str]) -> None:
    provider, before = choice.provider, choice.before
    if is_mended and provider:
        choice.notes.append(f"The entry's {API_KEY} did not say which provider it is for: it is now {provider.title}.")
    if provider and before and provider is not before:
        choice.notes.append(f"The entry is now for {provider.title}; it was for {before.title}.{_gone(gone)}")
    elif provider:
        choice.notes.append(f"The entry is for {provider.title}.{'' if is_mended else _gone(gone)}")
    for name in keys_in(environment):
        if name not in choice.keys and not (provider and provider.key is not None):
            choice.notes.append(_unused(name, provider))


def _gone(names: list[str]) -> str:
    return f" It no longer has {', '.join(names)}." if names else ""


def _unused(name: str, provider: Provider | None) -> str:
    own = next((one.name for one in PROVIDERS.values() if one.key_variable == name), "")
    if own and provider:
        return f"{name} is set too, and not used: for that provider, set {PROVIDER}={own} and run this again."
    return (
        f"{name} is not used, because it does not say which provider it is for: set {PROVIDER} too, and run this again."
    )
