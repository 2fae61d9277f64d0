"""Memory that the kernel lets programs reserve: a cause by what is left, not by the setting."""

from __future__ import annotations

import pytest

from anywhere.checks.system.kernel import limits_check
from anywhere.facts.kernel.limits import MEMINFO, OVERCOMMIT
from anywhere.model import EDIT
from tests.support.judging import judge, registered

HARDENING = "/etc/sysctl.d/99-hardening.conf"


def said(limit: int, reserved: int) -> str:
    """/proc/meminfo, in MiB."""
    return f"MemTotal:  8388608 kB\nCommitLimit:  {limit << 10} kB\nCommitted_AS:  {reserved << 10} kB\n"


@pytest.mark.parametrize(
    ("setting", "limit", "reserved", "fails"),
    [("2", 4096, 3969, True), ("2", 4096, 3968, False), ("2", 4096, 5000, True), ("0", 4096, 5000, False)],
)
def test_what_is_left_counts(setting: str, limit: int, reserved: int, fails: bool) -> None:
    (found,) = judge(limits_check, registered({OVERCOMMIT: f"{setting}\n", MEMINFO: said(limit, reserved)}))
    assert (found.status == "fail") is fails


def test_the_line_that_sets_it_at_boot_is_taken_back() -> None:
    files = {OVERCOMMIT: "2\n", MEMINFO: said(4096, 4090), HARDENING: "# site\nvm.overcommit_memory = 2\n"}
    (found,) = judge(limits_check, registered(files))
    assert found.remedy
    assert found.remedy.commands[1:3] == (
        (*EDIT, "2s/^/# /", HARDENING),
        (
            "sh",
            "-c",
            "mkdir -p /etc/sysctl.d && echo 'vm.overcommit_memory = 0' >> /etc/sysctl.d/99-zz-anywhere-limits.conf",
        ),
    )
