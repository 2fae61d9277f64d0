"""The kernel's line about a limit counts until the limit is set anew."""

from __future__ import annotations

import pytest

from anywhere.facts.kernel.limits import CONNTRACK
from anywhere.facts.kernel.log import Exceeded
from anywhere.facts.kernel.raised import raised_since
from anywhere.facts.system.changed import STAT
from anywhere.facts.system.units import SHOW
from anywhere.hosts.base import Inventory
from tests.support.fakehost import NOW, FakeHost

SETTING = "net.netfilter.nf_conntrack_max"
FILE = "/etc/sysctl.d/99-zz-anywhere-limits.conf"
DROP_IN = "/etc/systemd/system.control/docker.service.d/50-TasksMax.conf"
TABLE = Exceeded("the table was full", SETTING, "", "line", 9000.0)
TASKS = Exceeded("too many", "", "docker.service", "line", 9000.0)


def host(path: str, text: str, changed: float, most: str = "1000", stale: str = "no") -> FakeHost:
    """Booted 10,000 s ago; a file that was changed so long after the boot."""
    unit = f"Id=docker.service\nLoadState=loaded\nDropInPaths={DROP_IN}\nNeedDaemonReload={stale}\n"
    used, limit = CONNTRACK
    return FakeHost(
        {path: text, used: "10", limit: most},
        {(*STAT, path): f"{NOW - 10000 + changed:.0f} {path}\n", SHOW: unit},
        found=Inventory(now=NOW, boot_time=NOW - 10000, is_root=True),
    )


@pytest.mark.parametrize(
    ("one", "seen", "is_past"),
    [
        (TABLE, host(FILE, f"{SETTING} = 1000\n", 9500), True),
        (TABLE, host(FILE, f"{SETTING} = 1000\n", 8000), False),  # it was so when the table was full
        (TABLE, host(FILE, f"{SETTING} = 4000\n", 9500), False),  # for the next boot alone
        (TABLE, host(FILE, "# nothing\n", 9500), False),
        (TASKS, host(DROP_IN, "[Service]\nTasksMax=infinity\n", 9500), True),
        (TASKS, host(DROP_IN, "[Service]\nTasksMax=infinity\n", 9500, stale="yes"), False),
        (TASKS, host(DROP_IN, "[Service]\nTasksMax=100\n", 8000), False),
        (TASKS, host(DROP_IN, "[Service]\nLimitNOFILE=1\n", 9500), False),
    ],
)  # fmt: skip
def test_a_line_is_past_once_the_limit_is_set_anew(one: Exceeded, seen: FakeHost, is_past: bool) -> None:
    assert raised_since(seen, one) is is_past
