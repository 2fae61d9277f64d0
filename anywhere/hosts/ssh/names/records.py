"""Output of many background jobs of the far side, in records that are each written at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.session import Enough
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
    """Removes the complete records of `look_up` and `ask_udp` from the output: key, exit code, text."""
    word = mark.encode()
    end = b"\n\n" + word + b" end\n"
    while (place := output.find(end)) >= 0:
        found = re.search(rb"\n" + re.escape(word) + rb" (\d{1,3}) ([^\n]*)\n", output[:place])
        body = bytes(output[found.end() : place]) if found else b""
        del output[: place + len(end)]
        if found:
            yield found[2].decode("utf-8", "replace"), int(found[1]), body.decode("utf-8", "replace")
