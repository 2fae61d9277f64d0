"""A run that dies: `python -m tests.support.adverse.dying PID apply|revert POINT`. Before its command number POINT it ends
itself by SIGKILL, or right after it where POINT ends with `+`. Without a POINT it runs through: others end it from outside."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from anywhere.changes import engine
from anywhere.changes.base import Step
from anywhere.changes.files import file_step
from anywhere.changes.rules.plan import plan as rules
from anywhere.hosts.base import Completed, Host
from anywhere.settings import Settings
from tests.support.barehost import BareHost

JOURNAL = "rules"
MERGED = "/etc/ecs/ecs.config"


def plan(host: Host) -> tuple[Step, ...]:
    """Rules, settings, a new file in a new folder, a merged file that holds a secret."""
    try:
        old = host.read(MERGED).decode()
    except FileNotFoundError:
        old = ""
    line = "HTTPS_PROXY=http://user:geheim@proxy:3128"
    kept = [row for row in old.splitlines() if row != line]
    text = "\n".join([*kept, line]) + "\n"
    return (
        *rules(host, Settings()),
        *file_step(host, "/etc/anywhere.d/deep/new.conf", b"new\n", "write a new file"),
        *file_step(host, MERGED, text.encode(), "merge", mode="0600", secret=True, lines=((line, None),)),
    )


class DyingHost(BareHost):
    """Kills its process at a given command."""

    point = 0
    after = False
    count = 0

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 60.0) -> Completed:
        self.count += 1
        dies = self.point and self.count == self.point
        if dies and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        done = super().run(argv, input=input, timeout=timeout)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return done


if __name__ == "__main__":
    host = DyingHost.attach(int(sys.argv[1]))
    point = sys.argv[3] if len(sys.argv) > 3 else ""
    host.point, host.after = int(point.rstrip("+") or 0), point.endswith("+")
    if sys.argv[2] == "apply":
        engine.apply(host, JOURNAL, plan)
    else:
        engine.revert(host, JOURNAL)
    print(host.count)
