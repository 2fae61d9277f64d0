"""Where the SSM agent's lines are: its log, the rolled one before it, and the log of errors alone.

seelog.xml may move the log; its rolled files end in a number, or in what logrotate adds.
"""

from __future__ import annotations

import re

from anywhere.facts.files import Access, list_folder, read_text
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

PATH = "/var/log/amazon/ssm/amazon-ssm-agent.log"
ERRORS = "errors.log"
SEELOG = "/etc/amazon/ssm/seelog.xml"
TAIL = 64 * 1024  # bytes
_FILE = re.compile(r'<(?:rolling)?file\b[^>]*\b(?:filename|path)="(/[^"]+)"')
_STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.M)

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (PATH, SEELOG)
FOLDERS: tuple[str, ...] = ()


@frozen
class SsmText:
    """The end of the log, and where it was read. `errors_only` is whether successes are not written there."""

    text: str = ""
    path: str = PATH
    errors_only: bool = False
    forbidden: bool = False


def ssm_text(host: Host, start: re.Pattern[str]) -> SsmText:
    """The log's end; with the rolled log before it where this one is short and no line of a start is in it."""
    path = _path(host)
    read = read_text(host, path, tail=TAIL)
    if read.access is Access.FORBIDDEN:
        return SsmText(path=path, forbidden=True)
    text = read.content
    if len(text) < TAIL and not start.search(text):
        text = _rolled(host, path) + text
    if text.strip():
        return SsmText(text, path)
    errors = f"{path.rpartition('/')[0]}/{ERRORS}"
    return SsmText(read_text(host, errors, tail=TAIL).content, errors, errors_only=True)


def _path(host: Host) -> str:
    named = [path for path in _FILE.findall(read_text(host, SEELOG).content) if not path.endswith(f"/{ERRORS}")]
    return named[0] if named else PATH


def _rolled(host: Host, path: str) -> str:
    """The rolled log whose last line is the newest: seelog's numbers grow with time, logrotate's with age."""
    folder, _, name = path.rpartition("/")
    older = [one for one in list_folder(host, folder) or () if one.startswith((f"{name}.", f"{name}-"))]
    texts = [read_text(host, f"{folder}/{one}", tail=TAIL).content for one in older if not one.endswith((".gz", ".xz"))]
    return max(texts, key=lambda text: max(_STAMP.findall(text[-8192:]), default=""), default="")
