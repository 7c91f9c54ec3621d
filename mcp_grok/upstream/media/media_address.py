"""The address of a picture or video, as the API states it."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urljoin

from mcp_grok.address import is_loopback
from mcp_grok.upstream.media.download_failed import DownloadFailed

MAX_LENGTH = 8192
"""Characters of an address. A signed one has about 2000."""

FORM = re.compile(
    r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?([/?][!-\"$-~]*)?", re.ASCII | re.IGNORECASE
)
"""Scheme, host, port and target. A user, a password, a fragment, spaces and other characters are refused."""

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class MediaAddress:
    """The parts of an address. What is read here is what is connected to: nothing parses the address again."""

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def read(cls, url: str, *, local: bool) -> Self:
        """The address that a URL states.

        Args:
            url: The URL.
            local: Whether http to this machine is allowed.

        Raises:
            DownloadFailed: the URL is not of this form.
        """
        found = FORM.fullmatch(url) if len(url) <= MAX_LENGTH else None
        if found is None:
            raise DownloadFailed("its address is not a URL like https://media.example.com/file")
        scheme, host, port, target = found.groups()
        scheme, host, number = scheme.lower(), host.lower().strip("[]"), int(port or PORTS[scheme.lower()])
        if scheme == "http" and not (local and is_loopback(url)):
            raise DownloadFailed("its address is not https")
        if not 0 < number < 65536:
            raise DownloadFailed("the port of its address does not exist")
        target = target or "/"
        return cls(scheme, host, number, target if target.startswith("/") else f"/{target}")

    @property
    def authority(self) -> str:
        """The host, and the port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def redirected(self, location: str) -> Self:
        """The address that a redirect leads to.

        Raises:
            DownloadFailed: it is at another host, port or scheme, or is none.
        """
        try:
            url = urljoin(f"{self.scheme}://{self.authority}{self.target}", location)
        except ValueError:
            raise DownloadFailed("its host redirects to no address") from None
        found = self.read(url, local=True)
        if (found.scheme, found.host, found.port) != (self.scheme, self.host, self.port):
            raise DownloadFailed("its host redirects to another host")
        return found
