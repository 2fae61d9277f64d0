"""`anywhere taskdef fit`: read the definitions, ask the hosts, place the tasks, say what is missing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from anywhere.cli.taskdef.check import UNREADABLE, complain, show_documents
from anywhere.flows.fit import Request, place
from anywhere.model import Report
from anywhere.wording import now

__all__ = ["Request", "run"]


def run(files: Sequence[str], request: Request, format: str, output: str) -> int:
    """Place the tasks of these files on the hosts and show the answer; the exit code."""
    from anywhere.flows.documents import read_documents
    from anywhere.report import renderer

    renderer(format)
    found = read_documents(files)
    complain(found.problems)
    began, started = time.monotonic(), now()
    targets = place(found.documents, request)
    if not targets:
        return UNREADABLE if found.problems else 0
    seconds = round(time.monotonic() - began, 3)
    report = Report(tuple(replace(target, started=started, seconds=seconds) for target in targets))
    show_documents(report, format, output)
    return UNREADABLE if found.problems else report.exit_code()
