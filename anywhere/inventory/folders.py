"""Variables that stand beside an inventory: group_vars/GROUP.yml and host_vars/HOST.yml."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from anywhere.documents.yaml import Reader, read_yaml
from anywhere.errors import ParseError
from anywhere.hosts.base import Deadline
from anywhere.hosts.bounds import Limit
from anywhere.hosts.reading import read_file
from anywhere.inventory.arguments import NAMES as ARGUMENTS
from anywhere.inventory.book import VARIABLES, Book, Problem

WANTED = frozenset((*(name for names in VARIABLES.values() for name in names), *ARGUMENTS))
VARIABLES_FILE = Limit("a file of variables", 1 << 20)
SECONDS = 5.0
VAULT = "$ANSIBLE_VAULT"
ENDINGS = ("", ".yml", ".yaml", ".json")


def add_folders(path: Path, book: Book) -> None:
    """Add the variables of both folders; a file that cannot be understood (a vault) is noted."""
    place = path if path.is_dir() else path.parent
    for name in ("all", *book.groups):
        for values in _read(place / "group_vars", name, book):
            book.group(name).variables.update(values)
    for name, host in book.hosts.items():
        for values in _read(place / "host_vars", name, book):
            host.variables = {**values, **host.variables}


def _read(folder: Path, name: str, book: Book) -> Iterator[dict[str, object]]:
    if not os.path.isdir(folder) or "/" in name:
        return
    files = [folder / f"{name}{ending}" for ending in ENDINGS]
    inner: list[Path] = []
    if os.path.isdir(folder / name):
        try:
            inner = sorted((folder / name).iterdir())
        except OSError as error:
            book.notes.append(Problem(0, f"{folder / name} is left out: {error.strerror}"))
    for file in filter(os.path.isfile, (*files, *inner)):
        values = _values(file)
        if isinstance(values, str):
            book.notes.append(Problem(0, f"{file} is left out: {values}"))
        else:
            yield {key: value for key, value in values.items() if key in WANTED or isinstance(value, str | int)}


def _values(file: Path) -> dict[str, object] | str:
    """The variables, or why there are none."""
    try:
        text = read_file(str(file), VARIABLES_FILE, Deadline(SECONDS)).decode("utf-8")
        data = {} if text.startswith(VAULT) else read_yaml(text, Reader())
    except OSError as error:
        return error.strerror or str(error)
    except (UnicodeDecodeError, ParseError):
        return "not plain YAML"
    if text.startswith(VAULT):
        return "it is encrypted (ansible-vault), and nothing is decrypted here"
    if data is None:
        return {}
    return {str(key): value for key, value in data.items()} if isinstance(data, dict) else "not plain YAML"
