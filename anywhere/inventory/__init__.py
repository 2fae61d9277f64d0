"""Lists of hosts: a plain list, Ansible's INI and YAML, JSON (also of a dynamic inventory), a folder of these, stdin."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from anywhere.errors import BadInput
from anywhere.files import as_utf8, open_input
from anywhere.inventory.book import NO_SSH, Book, Entry, Problem
from anywhere.inventory.folders import add_folders
from anywhere.inventory.inifile import read_ini
from anywhere.inventory.jsonfile import read_json
from anywhere.inventory.limit import limited
from anywhere.inventory.yamlfile import read_yaml

__all__ = ["Entry", "Problem", "limited", "load", "parse"]

STDIN = "-"
LARGEST = 32 * 1024 * 1024  # bytes
IGNORED = (".cfg", ".orig", ".bak", ".retry", ".pyc", ".rst", ".md", "~", ".swp")  # as Ansible does in a folder


def load(path: str) -> tuple[tuple[Entry, ...], tuple[Problem, ...]]:
    """The hosts in the file's order, each once, and what is worth a word (a host listed twice).

    `-` is standard input. Raises BadInput for what cannot be read; it names the lines.
    """
    book = Book()
    if path == STDIN:
        parse(sys.stdin.buffer.read(LARGEST + 1), "", book)
    else:
        for file in _files(Path(path)):
            parse(_bytes(file), str(file), book)
        add_folders(Path(path), book)
    name = "standard input" if path == STDIN else path
    entries = book.entries()
    if book.fatal:
        raise BadInput(f"{name}: {'; '.join(str(problem) for problem in book.fatal[:5])}{_more(len(book.fatal) - 5)}")
    if not entries:
        left_out = f"{NO_SSH}: {book.notes[0].text}{_more(len(book.notes) - 1)}" if book.notes else ""
        raise BadInput(f"{name}: {left_out or 'no host in it: write one a line'}")
    return entries, tuple(book.notes)


def parse(data: bytes, name: str, book: Book) -> None:
    """Read one file into the book. Its form is recognized by its content, YAML by its name too."""
    if len(data) > LARGEST:
        raise BadInput(f"{name}: larger than a list of hosts can be")
    try:
        text = as_utf8(data).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{name or 'standard input'}: not text: byte {error.start} is no UTF-8") from error
    start = text.lstrip()[:1]
    if start == "{" or (start == "[" and _is_json_list(text)):
        read_json(text, book)
    elif name.endswith((".yml", ".yaml")) or text.lstrip().startswith("---") or _is_yaml(text):
        read_yaml(text, book)
    else:
        read_ini(text, book)


def _is_json_list(text: str) -> bool:
    """Whether a text that starts with a bracket is JSON: a group's header is the other thing."""
    return text.lstrip()[1:].lstrip()[:1] in ('"', "{", "]")


def _is_yaml(text: str) -> bool:
    """Whether the first line that says something is a mapping's key, as in `all:`."""
    lines = (line.split("#")[0].rstrip() for line in text.splitlines())
    first = next((line for line in lines if line.strip()), "")
    return first.endswith(":") and " " not in first and "[" not in first


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
    return [one for one in found if not one.name.endswith(IGNORED)]


def _bytes(path: Path) -> bytes:
    try:
        with open_input(str(path)) as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    if data[:2] == b"#!" and os.access(path, os.X_OK):
        raise BadInput(f"{path} is a program, and is not run: {path} --list | anywhere ... --inventory -")
    return data


def _more(count: int) -> str:
    return f"; and {count} more" if count > 0 else ""
