"""Configuration, read once from the environment and never changed."""

import difflib
import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, create_model, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from mcp_grok.address import check_base_url
from mcp_grok.concealment import concealed
from mcp_grok.endpoint import PRIVATE_TOOLS, Endpoint, SettingNames
from mcp_grok.providers import PROVIDERS, Provider, provider_of_key
from mcp_grok.toolsets import ALL, DEFAULT, GET, TOOLS, TOOLSETS, missing_toolsets, tools_in, toolsets_of

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
SECONDS = "a number of seconds"
SWITCH = "true or false, or 1 or 0"

PREFIX = "MCP_GROK_"

DISK = "disk:"
REDIS = ("redis://", "rediss://")

PLACEHOLDER = re.compile(r"\$\{[\w.:]+\}")
"""A placeholder that a client does not replace if it has no value, like `${user_config.key}` or `${env:KEY}`."""

MIN_RESULT_BYTES = 2000
"""Minimum size of a result: the fields around an answer need this room."""

MAX_RESULT_BYTES = 2**30


def _key_field(provider: Provider) -> str:
    return f"{provider.name}_api_key"


WITH_OWN_VARIABLE = [provider for provider in PROVIDERS.values() if provider.key_variable]

KEY_FIELDS = ("api_key", *map(_key_field, WITH_OWN_VARIABLE))
"""The fields that are API keys."""


def decide_provider(provider: str | None, api_key: str, own: Collection[str | None]) -> Provider | None:
    """The provider that settings decide on; None if they do not.

    The name decides before the keys. A key without a name decides only if its start, or its variable, tells its
    provider, so that no company gets the key of another.

    Args:
        provider: The name of a provider.
        api_key: The key in `MCP_GROK_API_KEY`; empty if there is none.
        own: The variables of providers that hold keys.
    """
    if provider:
        return PROVIDERS[provider]
    return provider_of_key(api_key) or next((one for one in WITH_OWN_VARIABLE if one.key_variable in own), None)


_ProviderKeys = create_model(
    "_ProviderKeys",
    __base__=BaseSettings,
    **{  # type: ignore[call-overload]  # one field for each provider of the table
        _key_field(provider): (
            SecretStr | None,
            Field(
                None,
                alias=provider.key_variable,
                description=f"The key for {provider.title}, under the provider's own name",
            ),
        )
        for provider in WITH_OWN_VARIABLE
    },
)


class Settings(_ProviderKeys):
    """The configuration.

    Each field is an environment variable: its alias, or `MCP_GROK_` and its name in capitals. A variable that
    is empty, or contains a placeholder like `${user_config.…}` that a client did not replace, counts as unset.

    Raises:
        pydantic.ValidationError: a value is wrong; `explain` renders it as one line.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    provider: str | None = Field(
        None,
        description=f"{', '.join(f'`{name}`' for name in list(PROVIDERS)[:-1])} or `{list(PROVIDERS)[-1]}`",
        json_schema_extra={"default": "the first provider whose key is set, or `acedata`"},
    )
    api_key: SecretStr | None = Field(
        None,
        description="The key for that provider. Without `MCP_GROK_PROVIDER`, only a key of xAI counts: it starts with "
        "`xai-`",
    )
    base_url: str | None = Field(
        None,
        description="Replaces the provider's address: a base URL, or the whole address that ends in "
        "`/chat/completions`, each also with a query. https, or http to a loopback address",
        json_schema_extra={"default": "the provider's; required by `custom`"},
    )
    allow_http: bool = Field(
        False,
        description="With `custom`: allows http to any host, for a model server on your local network",
        json_schema_extra={"must_be": SWITCH},
    )
    default_model: str | None = Field(
        None,
        description="The model for calls that do not name one",
        json_schema_extra={
            "default": ", ".join(
                f"{name} `{provider.default_model}`"
                for name, provider in PROVIDERS.items()
                if provider.default_model and provider.needs_key
            )
        },
    )
    timeout: Seconds = Field(
        900,
        description="Maximum seconds for a whole call, including the wait for a slot and all attempts. A video that is "
        "being made is waited for up to an hour: it is paid for",
        json_schema_extra={"must_be": f"{SECONDS} above 0, at most 86400"},
    )
    idle_timeout: Seconds = Field(
        300,
        description="Maximum seconds without a byte from the API",
        json_schema_extra={"must_be": f"{SECONDS} above 0, at most 86400"},
    )
    max_retries: Annotated[int, Field(ge=0, le=10)] = Field(
        2,
        description="Maximum attempts after the first; a call is sent again only if it was not sent, or if the API "
        "answers that it failed",
        json_schema_extra={"must_be": "a whole number from 0 to 10"},
    )
    max_concurrency: Annotated[int, Field(ge=1, le=100_000)] = Field(
        20,
        description="Maximum calls at the API at the same time; the others wait in order, or several callers in turns",
        json_schema_extra={"must_be": "a whole number of calls from 1 to 100000"},
    )
    handoff_after: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = Field(
        50,
        description="Seconds after which an unfinished call continues in the background; `grok_get_completion` fetches "
        "its answer. 0 for never",
        json_schema_extra={"must_be": f"{SECONDS} from 0 to 86400"},
    )
    task_after: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = Field(
        10,
        description="Seconds after which an unfinished call becomes a task, for clients that take tasks and poll them. "
        "0 for never",
        json_schema_extra={"must_be": f"{SECONDS} from 0 to 86400"},
    )
    on_disconnect: Literal["finish", "stop"] = Field(
        "finish",
        description="Effect on a call when its client times out or disconnects: `finish` continues it for up to 15 "
        "minutes, and repeating the same call returns its answer; `stop` ends it",
        json_schema_extra={"must_be": "finish or stop"},
    )
    store: str = Field(
        "memory",
        description="Storage of the answers to be fetched: `memory`; `disk:` and a folder, which keeps them after a "
        "restart; or `redis://…` for servers that share their calls",
    )
    max_result_bytes: Annotated[int, Field(ge=0, le=MAX_RESULT_BYTES)] = Field(
        100_000,
        description="Maximum bytes of a result; a longer one is cut, and its full text can be read in parts. At least "
        "2000, or 0 for no limit",
        json_schema_extra={"must_be": f"a whole number of bytes: 0, or {MIN_RESULT_BYTES} to {MAX_RESULT_BYTES}"},
    )
    toolsets: str = Field(
        ",".join(DEFAULT),
        description=f"Tools that are listed: {', '.join(f'`{name}`' for name in TOOLSETS)}, separated by commas, or "
        f"`{ALL}`; of these, what the provider has",
        json_schema_extra={"must_be": f"{', '.join(TOOLSETS)}, separated by commas, or {ALL}"},
    )
    exclude_tools: str = Field(
        "",
        description="Names of tools that are not listed, separated by commas",
        json_schema_extra={"default": "none"},
    )
    read_only: bool = Field(
        False,
        description="List only tools whose `readOnlyHint` is true, whatever the other settings say",
        json_schema_extra={"must_be": SWITCH},
    )
    output_dir: str = Field(
        "",
        description="Folder in which pictures and videos are saved, over stdio; an absolute path",
        json_schema_extra={"default": "none", "must_be": "the absolute path of a folder"},
    )
    allowed_dirs: str = Field(
        "",
        description="Folders from which a call may send images by path, over stdio; absolute paths, separated by `:`, "
        "or `;` on Windows",
        json_schema_extra={"default": "none"},
    )
    strict: bool = Field(
        False,
        description="Reject a call with parameters that its model is known to refuse, instead of omitting them",
        json_schema_extra={"must_be": SWITCH},
    )
    shared_tools: str = Field(
        "",
        description="Server-side tools that callers with names may use besides search and code, on a server for "
        "several: `file_search`, `mcp`, separated by commas. Both act with your rights",
        json_schema_extra={"default": "none", "must_be": "file_search, mcp, or both separated by a comma"},
    )
    structured: bool = Field(
        False,
        description="Also send the completion as `structuredContent`, for programs that want it",
        json_schema_extra={"must_be": SWITCH},
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "WARNING",
        description="Minimum level of the log on stderr, which never contains prompts, answers or keys: `DEBUG`, "
        "`INFO`, `WARNING`, `ERROR` or `CRITICAL`",
        json_schema_extra={"must_be": "DEBUG, INFO, WARNING, ERROR or CRITICAL"},
    )

    log_format: Literal["text", "json"] = Field(
        "text",
        description="`json` for one object per line, with the fields of each call",
        json_schema_extra={"must_be": "text or json"},
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_unset(cls, values: Any) -> Any:
        values = {key: value.strip() if isinstance(value, str) else value for key, value in values.items()}
        return {key: value for key, value in values.items() if not _is_unset(value)}

    @field_validator("provider")
    @classmethod
    def _check_provider(cls, name: str | None) -> str | None:
        if name is not None and name not in PROVIDERS:
            raise ValueError(f"must be one of {', '.join(PROVIDERS)}")
        return name

    @field_validator(*KEY_FIELDS)
    @classmethod
    def _check_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None:
            return None
        text = key.get_secret_value()
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("must have only printable ASCII characters and no spaces; copy it again")
        return key

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, level: Any) -> Any:
        return level.upper() if isinstance(level, str) else level

    @field_validator("store")
    @classmethod
    def _check_store(cls, store: str) -> str:
        if store == "memory":
            return store
        if store.startswith(REDIS):
            return _checked_address(store)
        if not store.startswith(DISK) or store == DISK:
            raise ValueError(
                "must be memory, a folder like disk:~/.local/share/mcp-grok, or a store like redis://localhost:6379/0"
            )
        try:
            Path(store.removeprefix(DISK)).expanduser()
        except RuntimeError:
            raise ValueError("names the home folder of an unknown user; give the path from the root") from None
        return store

    @field_validator("toolsets")
    @classmethod
    def _check_toolsets(cls, names: str) -> str:
        if not _names(names) or not {ALL, *TOOLSETS}.issuperset(_names(names)):
            raise ValueError
        return names

    @field_validator("exclude_tools")
    @classmethod
    def _check_exclude_tools(cls, names: str) -> str:
        for name in _names(names):
            if name not in TOOLS:
                [nearest] = difflib.get_close_matches(name, TOOLS, n=1, cutoff=0)
                raise ValueError(f"must be names of tools, separated by commas, such as {nearest}")
        return names

    @field_validator("output_dir")
    @classmethod
    def _check_output_dir(cls, folder: str) -> str:
        if folder and not _folder(folder).is_absolute():
            raise ValueError
        return folder

    @field_validator("allowed_dirs")
    @classmethod
    def _check_allowed_dirs(cls, folders: str) -> str:
        for folder in _folders(folders):
            if not folder.is_absolute():
                raise ValueError(f"must be absolute paths of folders, separated by {os.pathsep}")
        return folders

    @field_validator("shared_tools")
    @classmethod
    def _check_shared_tools(cls, names: str) -> str:
        if not set(_names(names)) <= set(PRIVATE_TOOLS):
            raise ValueError
        return names

    @field_validator("max_result_bytes")
    @classmethod
    def _check_max_result_bytes(cls, size: int) -> int:
        if 0 < size < MIN_RESULT_BYTES:
            raise ValueError
        return size

    @model_validator(mode="after")
    def _check_base_url(self) -> "Settings":
        provider, name = self.active_provider, variable("base_url")
        if self.base_url is None:
            if provider.name == "custom":
                raise ValueError(f"{name} is required when {variable('provider')} is custom")
            return self
        try:
            check_base_url(self.base_url, any_http=provider.name == "custom" and self.allow_http)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
        return self

    @model_validator(mode="after")
    def _check_tools(self) -> "Settings":
        if not self.tools:
            given = [variable(field) for field in ("toolsets", "exclude_tools", "read_only") if getattr(self, field)]
            provider = self.active_provider
            raise ValueError(
                f"{', '.join(given)}: no tool is left; {provider.title} has the toolsets "
                f"{', '.join(toolsets_of(provider))}"
            )
        if self._fetches and GET in _names(self.exclude_tools):
            raise ValueError(
                f"{variable('exclude_tools')} must not name {GET}, which gets late and cut answers, unless "
                f"{variable('handoff_after')} and {variable('max_result_bytes')} are 0"
            )
        return self

    @property
    def tools(self) -> list[str]:
        """The names of the tools in force, in the order in which they are listed."""
        return tools_in(
            _names(self.toolsets),
            self.active_provider,
            excluded=_names(self.exclude_tools),
            read_only=self.read_only,
            fetches=self._fetches,
        )

    @property
    def makes_videos(self) -> bool:
        """Whether a tool in force makes videos."""
        return any(TOOLS[name].toolset == "video" for name in self.tools)

    @property
    def missing_toolsets(self) -> list[str]:
        """The toolsets that are asked for by name, and that the provider does not have."""
        return missing_toolsets(_names(self.toolsets), self.active_provider)

    @property
    def _fetches(self) -> bool:
        """Whether an answer may come late or be cut, so that tools fetch it."""
        return bool(self.handoff_after or self.max_result_bytes)

    @property
    def output_folder(self) -> Path | None:
        """The folder in which pictures and videos are saved; None without one."""
        return _folder(self.output_dir) if self.output_dir else None

    @property
    def active_provider(self) -> Provider:
        """The configured provider; without one, the provider of the key that is set, or AceData."""
        return self.decided_provider or next(iter(PROVIDERS.values()))

    @property
    def provider_unknown(self) -> bool:
        """Whether a key is set, but nothing tells the provider that it is for."""
        return self.api_key is not None and self.decided_provider is None

    @property
    def key(self) -> SecretStr | None:
        """The key for the active provider."""
        provider = self.active_provider
        if provider.key is not None:
            return SecretStr(provider.key)
        is_for_provider = self.provider is not None or provider_of_key(self._api_key) is provider
        return (self.api_key if is_for_provider else None) or self._own_key(provider)

    @property
    def _api_key(self) -> str:
        return self.api_key.get_secret_value() if self.api_key else ""

    @property
    def decided_provider(self) -> Provider | None:
        """The provider that is named, or whose key is set; None without either."""
        own = [provider.key_variable for provider in WITH_OWN_VARIABLE if self._own_key(provider)]
        return decide_provider(self.provider, self._api_key, own)

    @property
    def key_names(self) -> str:
        """The variable of the key that is used, or of no known provider; else the variables that could hold one."""
        provider, key = self.active_provider, self.key
        is_general = provider.key_variable is None or (key is not None and key is self.api_key)
        if is_general or self.provider_unknown:
            return variable("api_key")
        if provider.key_variable is not None and (self.provider is not None or key is not None):
            return provider.key_variable
        *others, last = (each.key_variable for each in WITH_OWN_VARIABLE)
        return f"{', '.join(map(str, others))} or {last}"

    def _own_key(self, provider: Provider) -> SecretStr | None:
        return getattr(self, _key_field(provider), None)

    @property
    def store_folder(self) -> Path | None:
        """The folder of the answers on disk; None with another store."""
        return Path(self.store.removeprefix(DISK)).expanduser() if self.store.startswith(DISK) else None

    @property
    def store_url(self) -> str | None:
        """The address of the shared Redis or Valkey; None with another store."""
        return self.store if self.store.startswith(REDIS) else None

    @property
    def model(self) -> str | None:
        """The model for calls that do not name one; None if there is no default."""
        return self.default_model or self.active_provider.default_model

    @property
    def url(self) -> str:
        """The address that calls are posted to; empty for a sandbox that has not been started."""
        base_url = self.base_url or self.active_provider.base_url
        return self.active_provider.completions_url(base_url) if base_url else ""

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that calls go to."""
        return Endpoint(
            provider=self.active_provider,
            url=self.url,
            key=self.key.get_secret_value() if self.key else "",
            provider_unknown=self.provider_unknown,
            default_model=self.model,
            timeout=self.timeout,
            idle_timeout=self.idle_timeout,
            max_retries=self.max_retries,
            max_concurrency=self.max_concurrency,
            image_folders=_folders(self.allowed_dirs),
            output_folder=self.output_folder,
            strict=self.strict,
            shared_tools=_names(self.shared_tools),
            names=SettingNames(**{**NAMES, "api_key": self.key_names}),
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _folders(text: str) -> tuple[Path, ...]:
    return tuple(_folder(folder) for folder in text.split(os.pathsep) if folder.strip())


def _folder(text: str) -> Path:
    # Unlike Path.expanduser, this leaves the home of an unknown user as it is.
    return Path(os.path.expanduser(text))  # noqa: PTH111


def variable(field: str) -> str:
    """The environment variable of a field of `Settings`."""
    return Settings.model_fields[field].alias or PREFIX + field.upper()


TOKEN_VARIABLE = f"{PREFIX}TOKEN"
"""The variable of the token that a client sends to a server that runs elsewhere. It is not a setting of a server."""


def unknown_variables(environment: Iterable[str]) -> dict[str, str]:
    """The unknown variables with the settings' prefix, each with the most similar known name, or an empty string."""
    known = [*map(variable, Settings.model_fields), TOKEN_VARIABLE]
    return {
        name: next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.8)), "")
        for name in environment
        if name.upper().startswith(PREFIX) and name.upper() not in known
    }


def explain(error: ValidationError) -> str:
    """One line with the name of each wrong variable, what it must be, and what it is unless that may be a secret."""
    return "; ".join(_explain_one(dict(problem)) for problem in error.errors())


def _explain_one(problem: Mapping[str, Any]) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    [field] = (field for field in Settings.model_fields if problem["loc"][0] in (field, variable(field)))
    extra = Settings.model_fields[field].json_schema_extra
    if isinstance(extra, dict) and "must_be" in extra:
        message = f"must be {extra['must_be']}"
    # A key may stand in the place of another setting, and an address may contain a password, whatever its form.
    shown = "" if field in SECRET_FIELDS else f"; it is {concealed(str(problem['input']))[:80]!r}"
    return f"{variable(field)} {message}{shown}"


NAMES = {field.name: variable(field.name) for field in fields(SettingNames)}
"""The variables that messages name."""

SECRET_FIELDS = (*KEY_FIELDS, "base_url", "store")
"""The fields whose values are not shown if they are wrong."""


def _checked_address(store: str) -> str:
    try:
        _ = urlsplit(store).port
    except ValueError:
        # The exception's text may repeat a part of the password.
        raise ValueError(
            "must be an address like redis://:password@localhost:6379/0; in a password, write / ? # [ ] % as %2F %3F "
            "%23 %5B %5D %25"
        ) from None
    return store


def _is_unset(value: Any) -> bool:
    return value is None or (isinstance(value, str) and (not value or PLACEHOLDER.search(value) is not None))
