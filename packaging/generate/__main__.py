"""Writes manual pages and completions: `python packaging/generate FOLDER DATE`."""

from __future__ import annotations

import sys
from pathlib import Path

from commands import program
from completions import files
from manpage import pages

from anywhere import __version__


def main(folder: str, date: str) -> None:
    """Write everything into a folder."""
    read = program()
    for name, text in {**pages(read, __version__, date), **files(read)}.items():
        Path(folder, name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
