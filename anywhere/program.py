"""How this program was started, so that a command in a report can be pasted into the same shell."""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache

NAME = "anywhere"
ROOTS_PATH = frozenset({"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"})


@cache
def program(by_sudo: bool = False) -> tuple[str, ...]:
    """The words that start this program again: its name where the shell finds it (`by_sudo`: in the PATH of sudo), else its
    path. The name alone where another program uses this package."""
    started = sys.argv[0] if sys.argv else ""
    name = os.path.basename(started)
    if name == "__main__.py" and os.path.basename(os.path.dirname(started)) == NAME:
        return (sys.executable, "-m", NAME)
    if name.partition(".")[0] != NAME or not os.path.isfile(started):
        return (NAME,)
    found, path = shutil.which(NAME), os.path.abspath(started)
    if not found or not os.path.samefile(found, path) or (by_sudo and os.path.dirname(found) not in ROOTS_PATH):
        return (path,)
    return (NAME,)
