"""The options of a service: only admitted callers may spend the operator's key."""

import shlex

import pytest

from mcp_grok.cli.main import parser
from mcp_grok.http.app import transport_security
from mcp_grok.http.options import LimitOptions, ServiceOptions
from mcp_grok.settings import Settings

OIDC = "--oidc-issuer https://id.example.com --oidc-audience grok --public-url https://grok.example.com/mcp"


def read(options: str, **settings: str) -> ServiceOptions:
    """The options of a command line."""
    given = parser().parse_args(["serve", "--transport", "http", *shlex.split(options)])
    return ServiceOptions.read(given, Settings(**settings))  # type: ignore[arg-type]


def test_defaults_serve_this_machine_without_authentication() -> None:
    options = read("")
    assert (options.hosts, options.authenticates, options.caller_keys, options.sse) == ((), False, "off", True)
    assert options.limits == LimitOptions()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "grok.example.com"])
@pytest.mark.parametrize("others", ["", "--caller-keys allow", "--requests-per-minute 5"])
def test_other_hosts_need_authentication(host: str, others: str) -> None:
    with pytest.raises(ValueError, match=r"--token-file FILE or --oidc-issuer URL.*--caller-keys require"):
        read(f"--host {host} --allowed-host grok.example.com {others}")


@pytest.mark.parametrize("way", ["--token-file t", "--caller-keys require", OIDC])
def test_other_hosts_are_served_with_authentication_or_caller_keys(way: str) -> None:
    assert "grok.example.com" in read(f"--host 0.0.0.0 --allowed-host grok.example.com {way}").hosts


def test_wildcard_address_needs_a_host_name() -> None:
    with pytest.raises(ValueError, match="--allowed-host NAME"):
        read("--host 0.0.0.0 --token-file t")
    assert read("--host 192.168.1.5 --token-file t").hosts == ("192.168.1.5",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--oidc-issuer https://id.example.com", "--oidc-audience and --public-url"),
        ("--oidc-audience grok", "need --oidc-issuer"),
        ("--oidc-scope grok", "need --oidc-issuer"),
        ("--token-file t --public-url http://grok.example.com", "must be an https URL"),
        ("--workers 2", "MCP_GROK_STORE"),
        ("--drain -1", "--drain"),
        ("--metrics-host 127.0.0.1", "needs --metrics-port"),
        ("--drain nan", "--drain"),
    ],
)
def test_conflicting_options_are_refused(options: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(options)


def test_workers_have_no_common_metrics() -> None:
    with pytest.raises(ValueError, match="cannot be used with --workers"):
        read("--workers 2 --metrics-port 9464", store="disk:/tmp/x")


def test_workers_need_a_shared_store() -> None:
    assert read("--workers 2", store="redis://localhost:6379")
    assert read("--workers 2", store="disk:/tmp/x")


@pytest.mark.parametrize("limit", ["--requests-per-minute 5", "--tokens-per-day 5"])
def test_workers_count_over_time_only_in_redis(limit: str) -> None:
    assert read(f"--workers 2 {limit}", store="redis://localhost:6379")
    assert read("--workers 2 --calls-at-once 5", store="disk:/tmp/x")
    with pytest.raises(ValueError, match="redis"):
        read(f"--workers 2 {limit}", store="disk:/tmp/x")


@pytest.mark.parametrize(
    ("options", "apart"),
    [("", False), ("--calls-at-once 5", False), ("--token-file t", True), ("--caller-keys allow", True), (OIDC, True)],
)
def test_callers_are_told_apart_by_tokens_or_keys(options: str, apart: bool) -> None:
    assert read(options).tells_callers_apart is apart


def test_origins_of_own_and_named_hosts_are_allowed() -> None:
    options = read("--token-file t --allowed-host grok.example.com --allowed-origin https://app.example.com")
    security = transport_security(options)
    assert "grok.example.com" in security.allowed_hosts
    assert "grok.example.com:*" in security.allowed_hosts
    assert {"https://grok.example.com", "https://app.example.com"} <= set(security.allowed_origins)
    assert "https://evil.example.com" not in security.allowed_origins


@pytest.mark.parametrize(
    "option",
    ["--no-sse", "--token-file t", "--workers 2", "--metrics-port 1", "--metrics-host ::1", "--drain 3", "--port 1"],
)
def test_http_option_is_refused_over_stdio(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = parser().parse_args(["serve", *option.split()])
    assert options.run(options) == 2
    assert f"{option.split()[0]} needs --transport http" in capsys.readouterr().err
