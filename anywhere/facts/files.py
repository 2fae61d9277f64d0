"""Reading a host's files so that absent, forbidden and empty stay three different answers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from anywhere.frozen import frozen
from anywhere.hosts.base import Host


class Access(StrEnum):
    """How a reading went."""

    READ = "read"
    MISSING = "missing"
    FORBIDDEN = "forbidden"


@frozen
class Text:
    """A file as text; `content` is empty unless it was read."""

    path: str
    content: str = ""
    access: Access = Access.READ

    @property
    def exists(self) -> bool | None:
        """None where that is not known."""
        return {Access.READ: True, Access.MISSING: False}.get(self.access)


def read_text(host: Host, path: str, *, tail: int = 0) -> Text:
    """A file's text, or its last `tail` bytes. Never raises for what the file system does."""
    try:
        return Text(path, host.read(path, tail=tail).decode("utf-8", "replace"))
    except (FileNotFoundError, NotADirectoryError):
        return Text(path, access=Access.MISSING)
    except OSError:
        return Text(path, access=Access.FORBIDDEN)


def list_folder(host: Host, path: str) -> tuple[str, ...] | None:
    """The names in a folder; empty when there is no such folder, None when it may not be listed."""
    try:
        return host.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError:
        return None


def has_folder(host: Host, path: str) -> bool | None:
    """Whether a folder is there; None when that cannot be seen."""
    try:
        host.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return None
    return True


def shell_line(script: Path) -> tuple[str, ...]:
    """The last line of a script beside the code, as a command: what runs on a host is checked as shell, and is known in a
    bundle by its text."""
    return ("sh", "-c", script.read_text("utf-8").splitlines()[-1])
