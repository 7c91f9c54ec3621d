"""The picture of README, made from a run of the demo: `python -m tests.picture` writes it."""

import io
import re
from collections.abc import Iterator
from html import escape

import anyio
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME as THEME
from rich.text import Text

from mcp_grok.cli.demo_command import show_scenes
from mcp_grok.cli.demo_scenes import SCENES, Scene, error, hand_off, question
from tests import ROOT

PICTURE = ROOT / "examples/demo.svg"
SHOWN: dict[Scene, str] = {scene: SCENES[scene] for scene in (question, error, hand_off)}
COLUMNS = 80

COLUMN, LINE, MARGIN, TOP = 12, 25, 20, 68
"""The grid, in pixels: the width of a column, the height of a line, the left margin, and the first line of text."""

FORM = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<rect width="{width}" height="{height}" rx="10" fill="{background}"/>
<circle cx="26" cy="24" r="7" fill="#ff5f57"/>
<circle cx="48" cy="24" r="7" fill="#febc2e"/>
<circle cx="70" cy="24" r="7" fill="#28c840"/>
<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="20">
<text x="50%" y="31" text-anchor="middle" fill="#9a9b99">mcp-grok demo</text>
{words}
</g>
</svg>
"""


def picture(printed: str) -> str:
    """What a terminal shows, as SVG.

    Each word stands in its column and has its width, so that lines hold together in every font.

    Args:
        printed: The lines, with the escape sequences of their styles.
    """
    lines = [Text.from_ansi(line) for line in printed.splitlines()]
    words = [word for number, line in enumerate(lines) for word in _words(line, TOP + number * LINE)]
    return FORM.format(
        width=COLUMNS * COLUMN + 2 * MARGIN,
        height=TOP + len(lines) * LINE,
        background=THEME.background_color.hex,
        words="\n".join(words),
    )


def _words(line: Text, y: int) -> Iterator[str]:
    console, column = Console(), 0
    for segment in line.render(console):
        for word in re.finditer(r"\S+", segment.text):
            x, width = MARGIN + (column + word.start()) * COLUMN, len(word[0]) * COLUMN
            style = _attributes(segment.style or Style())
            yield f'<text x="{x}" y="{y}" textLength="{width}" {style}>{escape(word[0], quote=False)}</text>'
        column += len(segment.text)


def _attributes(style: Style) -> str:
    colour = style.color.get_truecolor(THEME) if style.color else THEME.foreground_color
    attributes = f'fill="{colour.hex}"'
    if style.bold:
        attributes += ' font-weight="bold"'
    if style.dim:
        attributes += ' opacity="0.6"'
    return attributes


async def made() -> str:
    """The picture of a run of the scenes.

    Raises:
        AssertionError: a scene did not go as it should.
    """
    printed = io.StringIO()
    terminal = Console(file=printed, force_terminal=True, color_system="standard", width=COLUMNS, highlight=False)
    assert all(await show_scenes("acedata", terminal, SHOWN))
    return picture(printed.getvalue())


if __name__ == "__main__":
    PICTURE.write_text(anyio.run(made), encoding="utf-8")
