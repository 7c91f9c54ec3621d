"""The reason why a picture or video was not saved."""


class DownloadFailed(Exception):
    """A picture or video was not saved. The call that made it has not failed, and is paid.

    Attributes:
        reason: The second half of a sentence that begins with "It was not saved: ". It holds no address and no text
            of the host.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
