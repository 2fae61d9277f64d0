"""What a run that takes an instance apart has to remember until its end, should it be killed: a file beside the journals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from anywhere.changes.base import ChangeFailed, Step
from anywhere.changes.files import file_step
from anywhere.changes.journal import FOLDER
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

PATH = f"{FOLDER}/leave.json"


@frozen
class Note:
    """Who the instance was, and the packages that came with it (those that were there before its registration stay).
    `recorded` is whether `register` left a record, which then puts the settings back, `copied` how it shows that the
    registration is another machine's."""

    instance: str = ""
    region: str = ""
    cluster: str = ""
    arn: str = ""
    packages: tuple[str, ...] = ()
    recorded: bool = False
    copied: str = ""


def read_note(host: Host) -> Note | None:
    """The note of a run that did not end; None where there is none. Raises ChangeFailed for one that is damaged."""
    try:
        found = json.loads(host.read(PATH))
        return Note(**{**found, "packages": tuple(found["packages"])})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ChangeFailed(f"{PATH}: {error.strerror}: run as root") from None
    except (ValueError, KeyError, TypeError):
        raise ChangeFailed(f"{PATH} is damaged: remove it, then run the same command again") from None


def note_step(host: Host, note: Note) -> Iterator[Step]:
    """Write it, unless an earlier run has."""
    if read_note(host) is None:
        text = json.dumps(asdict(note)).encode() + b"\n"
        yield from file_step(host, PATH, text, "note who this instance is, for a run that is killed", mode="0600")
