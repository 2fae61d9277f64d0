"""Where a result goes: standard output or a file, in one piece; and the one line of progress."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from anywhere.errors import BadInput
from anywhere.flows.hosts import Hosts
from anywhere.model import Report
from anywhere.printable import printable, printable_lines
from anywhere.windows import IS_WINDOWS

PIECE = 1 << 20  # characters encoded at once: the report of a large fleet is long


def show(report: Report, format: str, output: str = "", detail: str = "problems") -> None:
    """Render a report and write it. A table on a terminal has colors; `detail` is how much of it is shown."""
    from anywhere.report import renderer

    render = renderer(format)
    if format == "table":
        from anywhere.report.shown.harmless import harmless
        from anywhere.report.style import PLAIN, style_for
        from anywhere.report.table import Detail
        from anywhere.report.table import render as table

        style = PLAIN if output else style_for(sys.stdout)
        write(table(harmless(report), style, Detail(detail)), output, coloured=style.colour)
        return
    if format == "json":
        from anywhere.report.json import pieces

        write_pieces(pieces(report), output)
        return
    write(render(report), output)


def verified(hosts: Hosts, judge: Callable[[], Report], format: str, output: str, detail: str = "problems") -> int:
    """Check hosts with a line of progress, and show the report; the exit code."""
    from anywhere.report import renderer

    format = format_for(format, output)
    renderer(format)
    named = hosts.entries[0].name if len(hosts.entries) == 1 else f"{len(hosts.entries)} hosts"
    with progress(f"verifying {named}"):
        report = judge()
    show(report, format, output, detail)
    return report.exit_code()


def write(text: str, output: str = "", *, coloured: bool = False, exact: bool = False) -> None:
    """Write to standard output or to a file. A closed pipe ends quietly, a full disk is one line and exit code 2.

    Characters that steer a terminal are replaced, but for the colours of a `coloured` text. `exact` is for scripts,
    which quote such characters themselves.
    """
    write_pieces((text,), output, coloured=coloured, exact=exact)


def write_pieces(texts: Iterable[str], output: str = "", *, coloured: bool = False, exact: bool = False) -> None:
    """The same for a text that comes in pieces."""
    texts = texts if exact else (printable_lines(text, coloured) for text in texts)
    cut = (text[start : start + PIECE] for text in texts for start in range(0, len(text), PIECE))
    if output and output != "-":
        from anywhere.files import write_file

        write_file(output, (text.encode("utf-8", "replace") for text in cut))
        return
    try:
        sys.stdout.flush()
        if IS_WINDOWS and sys.stdout.isatty():  # a console takes characters, not the bytes of an encoding
            sys.stdout.writelines(cut)
            return
        for text in cut:
            data = memoryview(text.encode("utf-8", "replace"))
            while data:
                data = data[os.write(sys.stdout.fileno(), data) :]
    except OSError as error:
        if error.errno == errno.EPIPE:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        raise BadInput(f"cannot write the result: {error.strerror}") from error


ENDINGS = {
    "html": "html",
    "htm": "html",
    "json": "json",
    "jsonl": "jsonl",
    "md": "markdown",
    "xml": "junit",
    "tap": "tap",
    "prom": "prometheus",
    "sarif": "sarif",
}


def format_for(format: str, output: str) -> str:
    """The format that was asked for, else the one that the file's name ends in, else the table."""
    return format or ENDINGS.get(output.rpartition(".")[2].lower(), "table")


@contextmanager
def progress(text: str) -> Iterator[None]:
    """A line that counts seconds on standard error while something runs, on a terminal only."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    done, text = threading.Event(), printable(text)

    def tick() -> None:
        started = time.monotonic()
        while not done.wait(0.1):
            sys.stderr.write(f"\r\x1b[K{text} … {time.monotonic() - started:.1f} s")
            sys.stderr.flush()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
