"""A revert where something is in its way: no record, an edited file; and what is said before and after it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from anywhere.changes import engine
from anywhere.changes.base import JournalDamaged
from anywhere.changes.rules import plan as netfilter
from anywhere.changes.rules.persistence import SYSCTL_FILE
from anywhere.changes.rules.salvage import salvage
from anywhere.settings import Settings
from tests.support.barehost import BareHost, snapshot

pytestmark = [pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
ANYWHERE = (sys.executable, "-m", "anywhere")


@pytest.fixture
def host() -> Iterator[BareHost]:
    with BareHost(alone=True) as made:
        made.sh("iptables -t nat -S >/dev/null; ip6tables -S > /dev/null; ip -4 route add default dev lo")
        yield made


def apply(host: BareHost) -> None:
    engine.apply(host, netfilter.JOURNAL, lambda seen: netfilter.plan(seen, Settings()))


def told(host: BareHost, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*host.enter, *ANYWHERE, "rules", *words], capture_output=True, text=True)


def test_without_a_record_force_removes_what_is_marked_as_ours(host: BareHost) -> None:
    host.sh("iptables -A INPUT -p tcp --dport 51678 -m comment --comment theirs -j DROP")
    host.sh("for c in PREROUTING INPUT OUTPUT POSTROUTING; do iptables -t nat -A $c -s 192.0.2.1 -j ACCEPT; done")
    host.sh("for c in FORWARD OUTPUT; do iptables -A $c -s 192.0.2.1 -j ACCEPT; done")
    host.sh("for c in INPUT FORWARD OUTPUT; do ip6tables -A $c -s 2001:db8::1 -j ACCEPT; done")
    before = snapshot(host)
    apply(host)
    host.sh("rm -rf /var/lib/anywhere; echo > /proc/sys/net/ipv4/ip_local_reserved_ports")
    with pytest.raises(JournalDamaged, match="--force-missing removes what is marked as ours"):
        engine.revert(host, netfilter.JOURNAL, traces=netfilter.traces, salvage=salvage)
    done = engine.revert(host, netfilter.JOURNAL, traces=netfilter.traces, force_missing=True, salvage=salvage)
    assert not done.missed and f"remove {SYSCTL_FILE}" in done.undone, done
    assert snapshot(host) == before
    again = engine.revert(host, netfilter.JOURNAL, traces=netfilter.traces, force_missing=True, salvage=salvage)
    assert again == engine.Reverted()


def test_a_file_of_the_same_name_that_is_not_ours_stays(host: BareHost) -> None:
    apply(host)
    host.sh(f"rm -rf /var/lib/anywhere; echo '# theirs' > {SYSCTL_FILE}")
    done = engine.revert(host, netfilter.JOURNAL, traces=netfilter.traces, force_missing=True, salvage=salvage)
    assert [what for what, _ in done.lost] == [SYSCTL_FILE]
    assert host.sh(f"cat {SYSCTL_FILE}") == "# theirs\n"


def test_an_edited_file_is_named_before_and_after_and_the_way_out_works(host: BareHost) -> None:
    before = snapshot(host)
    apply(host)
    assert f"  - remove {SYSCTL_FILE}\n" in told(host, "revert", "--dry-run").stdout
    host.sh(f"echo '# edited' >> {SYSCTL_FILE}")
    ahead = " ".join(told(host, "revert", "--dry-run").stdout.split())
    assert f"remove {SYSCTL_FILE}: will be refused, {SYSCTL_FILE} was changed by someone else" in ahead
    done = told(host, "revert")
    assert done.returncode == 1 and f"remove {SYSCTL_FILE} or undo that edit" in " ".join(done.stdout.split())
    host.sh(f"rm {SYSCTL_FILE}")
    assert told(host, "revert").returncode == 0 and snapshot(host) == before


@pytest.mark.parametrize("registered", [True, False])
def test_a_registered_host_is_told_what_it_lacks(
    host: BareHost, registered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Here:
        class registration:
            is_registered = registered

        class ecs:
            is_running = True

    monkeypatch.setattr(netfilter, "agents", lambda seen: Here)
    said = netfilter.without(host)
    assert bool(said) is registered and ("`anywhere rules apply` adds them" in said) is registered


def test_without_iptables_its_rules_are_kept_on_record_until_the_kernel_has_none(host: BareHost) -> None:
    """The package was removed; the next boot takes the rules away, or the package comes back."""
    apply(host)
    # The script sees these folders alone; /usr/sbin is the machine's own.
    host.sh("mkdir /run/bin; cp -a /usr/sbin/. /run/bin/; rm /run/bin/*tables*; mount --bind /run/bin /usr/sbin")
    done = engine.revert(host, netfilter.JOURNAL)
    assert done.failed and all("install iptables" in why for _, why in done.failed), done
    host.sh(
        "nft flush ruleset; for table in $(nft list tables | tr ' ' _); do nft delete $(echo $table | tr _ ' '); done"
    )
    assert not engine.revert(host, netfilter.JOURNAL).missed
    assert not netfilter.traces(host)
