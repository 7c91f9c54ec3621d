"""A real OpenID provider, and the sign-in of a user there."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2


@contextmanager
def running_provider() -> Iterator[str]:
    """The URL of a provider in a process of its own."""
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield next(found[0] for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        finally:
            process.terminate()


async def sign_in(provider: str, *, client: str, user: str) -> dict[str, Any]:
    """The tokens that a user's client gets at the end of the code flow."""
    redirect = "http://127.0.0.1/callback"
    query = {"client_id": client, "redirect_uri": redirect, "response_type": "code", "scope": "openid"}
    async with httpx2.AsyncClient(base_url=provider, trust_env=False) as browser:
        consent = await browser.post("/oauth2/authorize", params=query, data={"sub": user})
        [code] = parse_qs(urlsplit(consent.headers["location"]).query)["code"]
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        answer = await browser.post("/oauth2/token", data=grant, auth=(client, "secret"))
    tokens: dict[str, Any] = answer.json()
    return tokens
