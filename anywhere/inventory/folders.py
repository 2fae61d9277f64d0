"""Variables that stand beside an inventory: group_vars/GROUP.yml and host_vars/HOST.yml."""

from __future__ import annotations

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
    if not folder.is_dir() or "/" in name:
        return
    files = [folder / f"{name}{ending}" for ending in ENDINGS]
    inner = sorted((folder / name).iterdir()) if (folder / name).is_dir() else []
    for file in [one for one in (*files, *inner) if one.is_file()]:
        values = _values(file)
        if values is None:
            book.notes.append(Problem(0, f"{file} is left out: not plain YAML"))
        else:
            yield {key: value for key, value in values.items() if key in WANTED or isinstance(value, str | int)}


def _values(file: Path) -> dict[str, object] | None:
    try:
        text = read_file(str(file), VARIABLES_FILE, Deadline(SECONDS)).decode("utf-8")
        if text.startswith("$ANSIBLE_VAULT"):
            return None
        data = read_yaml(text, Reader())
    except (OSError, UnicodeDecodeError, ParseError):
        return None
    return {str(key): value for key, value in data.items()} if isinstance(data, dict) else {} if data is None else None
