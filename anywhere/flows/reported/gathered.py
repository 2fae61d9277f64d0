"""Reports that another engine gathered, a file a host: also of hosts that gave none."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence

from anywhere.errors import BadInput, HostUnreachable
from anywhere.flows.target import Lost
from anywhere.model import Target
from anywhere.report.read import read_report, without_banner

ENDINGS = (".gz", ".json", ".jsonl")
REMEDY = "see whether the engine reached this host, and whether `ssh HOST anywhere --version` works there"


def gathered(paths: Sequence[str], read: Callable[[str], str]) -> list[tuple[Target, ...]]:
    """The hosts of these files, whose texts `read` gives. Of many, a file that is empty or cut off, as `ssh HOST ... > FILE`
    leaves it where the host is down, is a host that was not checked, and keeps none of the others back. Raises BadInput."""
    failures: dict[str, BadInput] = {}
    found = []
    for path in paths:
        text = read(path)
        try:
            found.append(read_report(text, path))
        except BadInput as error:
            if not (said := _missing(text)):
                raise
            failures[path] = error
            found.append((_lost(path, said),))
    if len(failures) == len(paths):
        raise failures[paths[0]]
    return found


def _missing(text: str) -> str:
    """Why there is no report in it; empty for one, and for what never was to be one."""
    text = without_banner(text)
    if not text.strip():
        return "it gave no report: the file is empty"
    if not text.lstrip().startswith("{"):
        return ""
    try:
        json.loads(text)
    except ValueError as error:
        # JSON lines go on behind the first object; a report that was cut off has no end of its first.
        is_cut = isinstance(error, json.JSONDecodeError) and error.msg != "Extra data"
        return "its report is cut off" if is_cut else ""
    except RecursionError:
        return ""
    return ""


def _lost(path: str, said: str) -> Target:
    name = os.path.basename(path)
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return Lost.of(name, HostUnreachable(said, remedy=REMEDY)).target()
