"""Output of many background jobs of the far side, in records that are each written at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.channels.session import Enough
from anywhere.hosts.ssh.shell import Shell


def run_records(shell: Shell, lines: Sequence[str], seconds: float, answered: Callable[[str, int, str], None]) -> None:
    """Run lines whose output is records; each is handed on (key, exit code, text) as soon as it is whole. A host that
    writes many more than it was asked for is not heard any longer."""
    mark = script.token()
    unread, left = bytearray(), MORE + EACH * len(lines)

    def sink(data: bytes, is_error: bool) -> None:
        nonlocal left
        if is_error:
            return
        unread.extend(data)
        for record in take_records(mark, unread):
            left -= 1
            if left < 0:
                raise Enough
            answered(*record)

    shell.jobs(mark, lines, seconds, sink)


MORE, EACH = 32, 8  # records beside one a line: a line asks each nameserver


def take_records(mark: str, output: bytearray) -> Iterator[tuple[str, int, str]]:
    """Removes the complete records (`record` of `records.sh`) from the output: key, exit code, text."""
    end = f"|{mark} end\n".encode()
    while (place := output.find(end)) >= 0:
        begun = output.rfind(mark.encode(), 0, place)
        found = re.match(rb"[^ ]+ (\d{1,3}) ([^|]*)\|(.*)", bytes(output[begun:place]), re.S) if begun >= 0 else None
        del output[: place + len(end)]
        if found:
            key, text = (part.decode("utf-8", "replace") for part in found.groups()[1:])
            yield key, int(found[1]), text.replace("|", "\n")
