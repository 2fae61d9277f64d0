"""Files, folders, globs and standard input, as documents. A bad one is a line on standard error, not the end."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from anywhere.errors import BadInput
from anywhere.files import open_input
from anywhere.taskdef.source.load import MARKERS, Document, NothingHere, link, load
from anywhere.taskdef.source.parse import MAX_BYTES, is_utf_16

ENDINGS = (".json", ".yaml", ".yml", ".template")
PASSED_OVER = frozenset({"node_modules", "__pycache__"})
STDIN = "stdin"


@dataclass
class Documents:
    """What was read: linked documents, and one line for each file that could not be used."""

    documents: list[Document] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_documents(arguments: Sequence[str], ignore_others: bool = False) -> Documents:
    """All documents that these arguments name. Files found in folders and by patterns, and with `ignore_others` all of
    them, are passed over when they have nothing to do with ECS."""
    found = Documents()
    for name, is_named in _paths(arguments, found.problems):
        try:
            data = _data(name)
            if (not is_named or ignore_others) and not _is_ours(data):
                continue
            found.documents.append(load(data, name))
        except NothingHere as error:
            if is_named and not ignore_others:
                found.problems.append(str(error))
        except BadInput as error:
            found.problems.append(str(error))
        except OSError as error:
            found.problems.append(f"{name}: {error.strerror}")
    if not (found.documents or found.problems or ignore_others):
        found.problems.append(f"{', '.join(arguments)}: holds no task definition, service or run request")
    found.documents = link(found.documents)
    return found


def _is_ours(data: bytes) -> bool:
    """Whether a file may have to do with ECS; one in UTF-16 too, which is then a fault to report."""
    plain = data.replace(b"\0", b"") if is_utf_16(data) else data
    return any(marker in plain for marker in MARKERS)


def _data(name: str) -> bytes:
    if name == STDIN:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with open_input(name) as file:
        return file.read(MAX_BYTES + 1)


def _paths(arguments: Sequence[str], problems: list[str]) -> Iterator[tuple[str, bool]]:
    """Each file once, and whether it was named itself."""
    seen: set[str] = set()
    for argument in arguments:
        for name, is_named in _expanded(argument, problems):
            if name not in seen:
                seen.add(name)
                yield name, is_named


def _expanded(argument: str, problems: list[str]) -> Iterator[tuple[str, bool]]:
    if argument == "-":
        yield STDIN, True
    elif os.path.isdir(argument):
        yield from ((name, False) for name in _in_folder(argument))
    elif os.path.exists(argument):
        yield argument, True
    elif glob.has_magic(argument):
        names = sorted(name for name in glob.glob(argument, recursive=True) if os.path.isfile(name))
        if not names:
            problems.append(f"{argument}: no file has such a name")
        yield from ((name, False) for name in names)
    else:
        problems.append(f"{argument}: no such file or folder")


def _in_folder(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in PASSED_OVER)
        for name in sorted(files):
            if name.endswith(ENDINGS):
                yield os.path.join(place, name)
