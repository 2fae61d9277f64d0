"""The fix for what firewalld rejects, carried out with firewalld itself."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from anywhere.checks.containers.accepts import commands_for
from anywhere.facts.firewall.container_way import Bridge
from tests.support.judging import registered

needed = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("firewalld", "dbus-daemon", "nft"))),
    reason="needs root, firewalld and dbus",
)


@needed
@pytest.mark.slow
@pytest.mark.parametrize("there", ["zone", "no-zone"])
def test_the_zone_of_the_fix_lets_containers_out_and_a_reload_keeps_it(there: str) -> None:
    commands = commands_for(registered({}), "nft inet firewalld filter_FORWARD", "", Bridge("docker0"))
    script = Path(__file__).with_name("firewalld.sh")
    alone = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", str(script), there)
    done = subprocess.run((*alone, *map(shlex.join, commands)), capture_output=True, text=True, timeout=90)
    answers = ["at-first through", "before stopped", "after through", "reloaded through"]
    assert done.stdout.splitlines() == answers, done.stderr
