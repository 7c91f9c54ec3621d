"""Reading H.264 bit by bit."""


class Bits:
    """The bits of some bytes, read from the start."""

    def __init__(self, content: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in content)
        self.position = 0

    def take(self, count: int) -> int:
        """The number in the next bits."""
        self.position += count
        return int(self._bits[self.position - count : self.position], 2)

    def number(self) -> int:
        """The next number in Exp-Golomb code."""
        zeros = self._bits.index("1", self.position) - self.position
        return self.take(2 * zeros + 1) - 1

    def align(self) -> None:
        """Goes on to the next whole byte."""
        while self.position % 8:
            assert self.take(1) == 0
