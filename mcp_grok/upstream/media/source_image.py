"""The images that pictures and videos are made from."""

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import InvalidRequest
from mcp_grok.upstream.data_uris import is_data_uri
from mcp_grok.upstream.image_files import names_file
from mcp_grok.upstream.images import Images
from mcp_grok.upstream.media.link import is_link

EXAMPLE = "https://example.com/cat.png"


class SourceImages:
    """Reads the images of one request.

    Args:
        endpoint: The provider with its image types, and the allowed folders.
        links_only: Whether the API takes no image itself, only the link to one.
    """

    def __init__(self, endpoint: Endpoint, *, links_only: bool = False) -> None:
        self._endpoint = endpoint
        self._links_only = links_only
        self._images = Images(endpoint)

    def read_all(self, param: str, addresses: list[str]) -> list[str]:
        """A list of images; see `read`."""
        return [self.read(f"{param}[{index}]", address) for index, address in enumerate(addresses)]

    def read(self, param: str, address: str) -> str:
        """The image as it is sent: a link, or a `data:` URI.

        Args:
            param: The path of the address among the arguments, for errors.
            address: A link, a `data:` URI or a file.

        Raises:
            InvalidRequest: the image cannot be sent.
        """
        if is_link(address):
            return address
        if not (names_file(address) or is_data_uri(address)):
            forms = "a URL" if self._links_only else "a URL, a data URI or the path of a file"
            raise InvalidRequest(f"{param} is not {forms}; give an address like {EXAMPLE}.", param=param)
        if self._links_only:
            raise InvalidRequest(
                f"{param} must be a URL like {EXAMPLE}: {self._endpoint.provider.title} takes no data URI and no file "
                "here. Put the image where the API can fetch it, or use xAI, which takes both.",
                param=param,
            )
        return self._images.address(param, address)
