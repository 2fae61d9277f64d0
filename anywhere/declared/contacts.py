"""What a run will ask, read, start and log in to: the rows that `check --plan` prints before anything is done."""

from __future__ import annotations

from fnmatch import fnmatchcase

from anywhere.frozen import frozen

QUESTION, CONNECTION, FILE, FOLDER, COMMAND, LOGIN = "question", "connection", "file", "folder", "command", "login"
KINDS = (LOGIN, QUESTION, CONNECTION, COMMAND, FILE, FOLDER)


@frozen
class Contact:
    """One row. `target` is a name, path or command, in which `*` stands for any characters; `address` whom it is asked of
    or sent to (a nameserver, a proxy, or any address of the name); `port` 0 where there is none. `who` is the component
    whose way it is, `when` the condition, empty for always."""

    kind: str
    target: str
    address: str = ""
    port: int = 0
    protocol: str = ""
    who: str = ""
    when: str = ""
    why: str = ""

    def covers(self, kind: str, target: str) -> bool:
        """Whether something that was seen is this row's."""
        return self.kind == kind and (target == self.target or fnmatchcase(target, self.target))


@frozen
class Announced:
    """The rows of one host, and what cannot be known before the run."""

    host: str
    rows: tuple[Contact, ...]
    notes: tuple[str, ...] = ()
