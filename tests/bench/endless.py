"""Peak memory and time of a check for each input without end: `python -m tests.bench.endless`, the table of docs/security.md.

Needs root. `--only WORD` runs the cases whose name holds it; `--over-ssh` and `--local` one of the two ways.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.adverse.endless import Case, Measured, cases, check, processes
from tests.support.barehost import BareHost
from tests.support.ssh.entered import entered


@contextmanager
def prepared(case: Case) -> Iterator[tuple[BareHost, set[int]]]:
    """A host that is so, and what runs there before the check."""
    with BareHost() as bare:
        case.prepare(bare)
        before = set(processes(bare))
        try:
            yield bare, before
        finally:
            for pid in processes(bare):
                if pid != bare.pid:
                    os.kill(pid, 9)


def local(case: Case) -> tuple[Measured, list[str]]:
    """On the host itself; and what is left running there."""
    with prepared(case) as (bare, before):
        found = check((), bare.enter)
        return found, left(bare, before)


def over_ssh(case: Case, folder: Path) -> tuple[Measured, list[str]]:
    """The same from outside. The host has its sshd before it becomes so."""
    with BareHost() as bare, entered(bare, folder) as server:
        case.prepare(bare)
        before = set(processes(bare))
        words = ("--host", f"root@127.0.0.1:{server.port}", "--ssh-key", str(server.key), "--ssh-config", server.config)
        found = check(words, ("nsenter", f"--net=/proc/{bare.pid}/ns/net"))
        rest = left(bare, before)
        for pid in processes(bare):
            if pid != bare.pid:
                os.kill(pid, 9)
        return found, rest


def left(bare: BareHost, before: set[int]) -> list[str]:
    """What still runs half a second after the check."""
    time.sleep(0.5)
    return [words for pid, words in processes(bare).items() if pid not in before]


def main() -> None:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--only", default="")
    words.add_argument("--local", action="store_true")
    words.add_argument("--over-ssh", action="store_true")
    given = words.parse_args()
    print("| input | way | seconds | MiB | exit | left running |\n|---|---|---|---|---|---|", flush=True)
    for case in cases():
        if given.only not in case.name:
            continue
        for way in ("local", "SSH"):
            if (
                (way == "SSH" and not case.over_ssh)
                or (given.local and way != "local")
                or (given.over_ssh and way != "SSH")
            ):
                continue
            with tempfile.TemporaryDirectory(prefix="endless-") as folder:
                os.chmod(folder, 0o755)
                found, rest = local(case) if way == "local" else over_ssh(case, Path(folder))
            row = f"{found.seconds:.1f} | {found.memory:.0f} | {found.code} | {len(rest)}"
            print(f"| {case.name} | {way} | {row} |", flush=True)
            if rest or found.stderr.strip():
                print(rest[:3], found.stderr.strip()[:300], flush=True)


if __name__ == "__main__":
    main()
