"""The options of a service, checked: only admitted callers may spend the operator's key."""

import argparse
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from mcp_grok.address import is_loopback
from mcp_grok.limits import DRAIN_SECONDS
from mcp_grok.listener import LOOPBACK_HOSTS
from mcp_grok.request_principal import KeyRule
from mcp_grok.settings import Settings

HTTP_PATH = "/mcp"
SSE_PATH = "/sse"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOptions:
    """The limits of each caller, as given; None for no limit."""

    requests_per_minute: int | None = None
    calls_at_once: int | None = None
    tokens_per_day: int | None = None

    @property
    def are_counted(self) -> bool:
        """Whether requests or tokens are counted over time."""
        return (self.requests_per_minute, self.tokens_per_day) != (None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """What is served over HTTP, and who may call.

    Attributes:
        transport: `http`, which has streamable HTTP, or `sse`, which has only SSE.
        sse: Whether SSE is served.
        hosts: Further names by which clients may reach the server, besides those of this machine.
        origins: Further origins of web pages that may call, besides those of these hosts.
        token_file: The file of names and token hashes.
        oidc_issuer: The OpenID provider whose users may call.
        oidc_audience: The audience that its tokens must name.
        oidc_scopes: Scopes that its tokens must have.
        public_url: The address of the server as clients know it.
        caller_keys: Whether callers may, or must, use their own key for the provider.
        limits: The quota of each caller.
        drain: Seconds that running calls get to end after a signal.
        metrics_port: The port of the metrics for Prometheus; None for no metrics.
        metrics_host: The address of that port.
        workers: Processes that serve the same address.
    """

    transport: Literal["http", "sse"] = "http"
    sse: bool = True
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    token_file: Path | None = None
    oidc_issuer: str | None = None
    oidc_audience: str = ""
    oidc_scopes: tuple[str, ...] = ()
    public_url: str | None = None
    caller_keys: KeyRule = "off"
    limits: LimitOptions = LimitOptions()
    drain: float = DRAIN_SECONDS
    metrics_port: int | None = None
    metrics_host: str = LOOPBACK_HOSTS[0]
    workers: int = 1

    @property
    def authenticates(self) -> bool:
        """Whether callers must authenticate."""
        return self.token_file is not None or self.oidc_issuer is not None

    @property
    def tells_callers_apart(self) -> bool:
        """Whether there are several callers: they authenticate, or use keys of their own."""
        return self.authenticates or self.caller_keys != "off"

    @classmethod
    def read(cls, given: argparse.Namespace, settings: Settings) -> "ServiceOptions":
        """The options of the command line.

        Raises:
            ValueError: they do not go together, or would let everyone call; the message says which option to choose.
        """
        read = cls(
            transport=given.transport,
            sse=given.transport == "sse" or not given.no_sse,
            hosts=_hosts(given.host, given.allowed_host or (), given.public_url),
            origins=tuple(given.allowed_origin or ()),
            token_file=Path(given.token_file).expanduser() if given.token_file else None,
            oidc_issuer=given.oidc_issuer,
            oidc_audience=given.oidc_audience or "",
            oidc_scopes=tuple(given.oidc_scope or ()),
            public_url=given.public_url,
            caller_keys=given.caller_keys or "off",
            limits=LimitOptions(
                requests_per_minute=given.requests_per_minute,
                calls_at_once=given.calls_at_once,
                tokens_per_day=given.tokens_per_day,
            ),
            drain=DRAIN_SECONDS if given.drain is None else given.drain,
            metrics_port=given.metrics_port,
            metrics_host=given.metrics_host or LOOPBACK_HOSTS[0],
            workers=given.workers or 1,
        )
        read._check(given.host, settings)
        if given.metrics_host and given.metrics_port is None:
            raise ValueError("--metrics-host needs --metrics-port.")
        if read.workers > 1:
            read._check_workers(settings)
        return read

    def _check_workers(self, settings: Settings) -> None:
        if self.metrics_port is not None:
            raise ValueError("--metrics-port: each server has its own metrics, so it cannot be used with --workers.")
        if settings.store_folder is None and settings.store_url is None:
            raise ValueError(
                "--workers: several processes must share their answers: set MCP_GROK_STORE to redis://… or disk:…"
            )
        if settings.store_url is None and self.limits.are_counted:
            raise ValueError(
                "--workers: each process would count --requests-per-minute and --tokens-per-day for itself: set "
                "MCP_GROK_STORE to redis://…"
            )

    def _check(self, host: str | None, settings: Settings) -> None:
        if (host or "127.0.0.1") not in LOOPBACK_HOSTS:
            if not self.authenticates and self.caller_keys != "require":
                raise ValueError(
                    f"--host {host}: everyone who reaches the server could spend your key. Choose --token-file FILE or "
                    "--oidc-issuer URL, or let callers use their own key: --caller-keys require."
                )
            if not self.hosts:
                raise ValueError(f"--host {host}: name the host that clients use: --allowed-host NAME.")
        if self.oidc_issuer and not (self.oidc_audience and self.public_url):
            raise ValueError("--oidc-issuer needs --oidc-audience and --public-url.")
        if (self.oidc_audience or self.oidc_scopes) and not self.oidc_issuer:
            raise ValueError("--oidc-audience and --oidc-scope need --oidc-issuer.")
        if self.public_url and not (is_loopback(self.public_url) or self.public_url.startswith("https://")):
            raise ValueError("--public-url must be an https URL, like https://grok.example.com/mcp.")
        if not 0 <= self.drain < 86_400:
            raise ValueError("--drain must be a number of seconds.")


def _hosts(host: str | None, allowed: Sequence[str], public_url: str | None) -> tuple[str, ...]:
    """The names that clients may reach the server by, besides those of this machine."""
    public = urlsplit(public_url or "").hostname or ""
    own = host if host and host not in LOOPBACK_HOSTS and not _is_any(host) else ""
    return tuple(dict.fromkeys(filter(None, (*allowed, public, own))))


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
