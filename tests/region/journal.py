"""The journal of a host, for journalctl(1) as far as a question for one unit, the kernel or a field goes."""

from __future__ import annotations

import time

from tests.region.world import World

PROGRAM = """#!/bin/sh
case " $* " in *" -k "*|*" --dmesg "*) cat /run/region/journal-kernel 2>/dev/null; exit 0;; esac
for word in "$@"; do name=${word%.service}; name=${name#--unit=}
  [ -f "/run/region/journal-$name" ] && { cat "/run/region/journal-$name"; exit 0; }; done
echo '-- No entries --'
"""


def journal(world: World, name: str, *rows: str, ago: float = 900) -> None:
    """What the journal holds for a unit (without .service) or a field (CONTAINER_NAME=ecs-agent): rows such as
    `dockerd[2211]: failed to start daemon`."""
    when = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(time.time() - ago))
    world.host.files[f"/run/region/journal-{name}"] = "".join(f"{when} {world.host.hostname} {row}\n" for row in rows)
    world.host.programs["/usr/bin/journalctl"] = PROGRAM
