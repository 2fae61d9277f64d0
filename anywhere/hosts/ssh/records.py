"""Output of many background jobs of the far side, in records that are each written at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.shell import Shell


def run_records(shell: Shell, lines: Sequence[str], seconds: float, answered: Callable[[str, int, str], None]) -> None:
    """Run lines whose output is records; each is handed on (key, exit code, text) as soon as it is whole."""
    mark = script.token()
    unread = bytearray()

    def sink(data: bytes, is_error: bool) -> None:
        if is_error:
            return
        unread.extend(data)
        for record in take_records(mark, unread):
            answered(*record)

    shell.jobs(mark, lines, seconds, sink)


def take_records(mark: str, output: bytearray) -> Iterator[tuple[str, int, str]]:
    """Removes the complete records of `look_up` and `ask_udp` from the output: key, exit code, text."""
    word = re.escape(mark.encode())
    record = re.compile(rb"\n" + word + rb" (\d{1,3}) ([^\n]*)\n(.*?)\n\n" + word + rb" end\n", re.DOTALL)
    while found := record.search(output):
        rc, key, text = (part.decode("utf-8", "replace") for part in found.groups())
        del output[: found.end()]
        yield key, int(rc), text
