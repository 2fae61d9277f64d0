"""Colour and width for a terminal, or none of either."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Callable, Mapping
from typing import IO

from anywhere.frozen import frozen

CODES = {"red": "31", "green": "32", "yellow": "33", "magenta": "35", "cyan": "36", "dim": "2", "bold": "1"}
NARROWEST, WIDEST, PLAIN_WIDTH = 40, 140, 120


@frozen
class Style:
    """How text is shown: `width` in characters, with escape codes or without."""

    colour: bool = False
    width: int = PLAIN_WIDTH

    def paint(self, name: str) -> Callable[[str], str]:
        """A function that colours a text."""
        return lambda text: f"\x1b[{CODES[name]}m{text}\x1b[0m" if self.colour else text

    def bold(self, text: str) -> str:
        """Text that stands out."""
        return self.paint("bold")(text)

    def dim(self, text: str) -> str:
        """Text that stands back."""
        return self.paint("dim")(text)


PLAIN = Style()


def style_for(stream: IO[str], environment: Mapping[str, str] = os.environ) -> Style:
    """Colour on a terminal only, and never with NO_COLOR (no-color.org)."""
    if not stream.isatty():
        return PLAIN
    width = min(WIDEST, max(NARROWEST, shutil.get_terminal_size((100, 24)).columns))
    return Style(not environment.get("NO_COLOR") and environment.get("TERM") != "dumb", width)


def hung(first: str, text: str, style: Style = PLAIN) -> str:
    """A row: `first`, then the text, whose further lines stand under its beginning. Ends with a line end."""
    indent = " " * len(first)
    lines = fill(text, style.width - len(first))
    return "".join(f"{first if number == 0 else indent}{line}\n" for number, line in enumerate(lines))


def fill(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` characters; words such as host names are never broken."""
    return textwrap.wrap(text, max(20, width), break_long_words=False, break_on_hyphens=False) or [""]
