"""A host of its own on this machine: network and mount namespaces with a private /etc, /var/lib, /usr/local and /run.

Real kernel, real iptables, no systemd. Commands go through nsenter, files through commands, as they do over SSH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from anywhere.hosts.base import Completed, Deadline, Inventory
from anywhere.hosts.local import LocalHost

_SETUP = """
set -e
mount --make-rprivate /
root=$1
# Nothing may reach the machine's own files through a link that leads out of the overlays (/etc/os-release does).
mount --bind /usr /usr
mount -o remount,ro,bind /usr
for d in etc var/lib run usr/local; do
  mkdir -p "$root/up/$d" "$root/work/$d"
  mount -t overlay overlay -o "lowerdir=/$d,upperdir=$root/up/$d,workdir=$root/work/$d" "/$d"
done
mount -t sysfs sysfs /sys
# What this machine's root has in its shell's start is no part of the host: a login over SSH would run it.
for file in /root/.bashrc /root/.profile /root/.bash_profile; do [ ! -f "$file" ] || mount --bind /dev/null "$file"; done
ip link set lo up
rm -rf /var/lib/anywhere
touch "$root/ready"
exec sleep infinity
"""


class EnteredHost(LocalHost):
    """A Host in the namespaces of a process: commands by nsenter, files by commands."""

    pid: int
    flags: tuple[str, ...] = ("-n", "-m")
    _hidden: frozenset[str] = frozenset()

    def __init__(self, name: str) -> None:
        super().__init__(Deadline(3600), name=name)

    @property
    def enter(self) -> tuple[str, ...]:
        """The words before a command that shall run on this host."""
        return ("nsenter", "-t", str(self.pid), *self.flags, "--")

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 60.0) -> Completed:
        if argv[0] in self._hidden:
            return Completed(tuple(argv), 127, "", f"{argv[0]}: not found")
        done = super().run((*self.enter, *argv), input=input, timeout=timeout)
        absent = done.rc == 127 and "failed to execute" in done.stderr
        return Completed(tuple(argv), done.rc, done.stdout, "not found" if absent else done.stderr, done.seconds)

    def read(self, path: str, *, tail: int = 0) -> bytes:
        done = subprocess.run([*self.enter, "cat", "--", path], capture_output=True)
        if done.returncode:
            kind = PermissionError if b"denied" in done.stderr else FileNotFoundError
            raise kind(2, done.stderr.decode().strip(), path)
        return done.stdout[-tail:] if tail else done.stdout

    def listdir(self, path: str) -> tuple[str, ...]:
        done = self.run(("ls", "-1A", "--", path))
        if not done.ok:
            raise FileNotFoundError(2, done.stderr.strip(), path)
        return tuple(sorted(done.stdout.splitlines()))

    def inventory(self) -> Inventory:
        return Inventory(is_root=True)

    def sh(self, script: str, check: bool = True) -> str:
        """Run a shell script there; its standard output."""
        done = self.run(("sh", "-c", script))
        assert done.ok or not check, f"{script}: {done.stderr}"
        return done.stdout


class BareHost(EnteredHost):
    """A Host in namespaces of its own; `hidden` programs are absent there. With `alone` it has its own processes too, and
    does not see the agents and daemons that others run on this machine."""

    def __init__(self, hidden: Sequence[str] = (), *, alone: bool = False) -> None:
        super().__init__("bare")
        self.root = Path(tempfile.mkdtemp(prefix=f"bare-{os.getpid()}-", dir="/dev/shm"))
        apart = ["--pid", "--fork", "--kill-child", "--mount-proc"] if alone else []
        argv = ["unshare", "--net", "--mount", *apart, "sh", "-c", _SETUP, "bare", str(self.root)]
        self._hidden = frozenset(hidden)
        self._holder = subprocess.Popen(argv)
        self.pid = self._holder.pid
        until = time.monotonic() + 30
        while not (self.root / "ready").exists():
            if time.monotonic() > until or self._holder.poll() is not None:
                self.close()
                raise AssertionError("the namespaces of the bare host did not come up")
            time.sleep(0.01)
        if alone:
            self.flags = (*self.flags, "-p")
            self.pid = int(subprocess.run(["pgrep", "-P", str(self.pid)], capture_output=True, text=True).stdout)

    @classmethod
    def attach(cls, pid: int) -> BareHost:
        """The host that another process has made."""
        made = cls.__new__(cls)
        EnteredHost.__init__(made, "bare")
        made.pid = pid
        return made

    def close(self) -> None:
        """End the namespaces and remove their files."""
        self._holder.kill()
        self._holder.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self) -> BareHost:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# What a revert has to restore: rules of every kind without their counters, settings, files with owner and mode. The
# kernel's own link-local routes come when the links are ready, a second or two after them.
_SNAPSHOT = r"""
for p in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do
  echo "== $p"; $p-save | grep -v '^#' | sed 's/\[[0-9]*:[0-9]*\]/[0:0]/'
done
echo "== nft"; nft list tables 2>/dev/null | sort | while read -r _ f t; do nft list table $f $t; done 2>/dev/null |
  sed 's/packets [0-9]* bytes [0-9]*//'
echo "== sysctl"; cat /proc/sys/net/ipv4/conf/all/route_localnet /proc/sys/net/ipv4/ip_local_reserved_ports
echo "== routes"; ip route show table all | grep -vE "fe80:|^multicast ff00:|^anycast fe80"; ip rule
# Whom sudo has lectured is the machine's own note: another test on it may make one.
echo "== files"; find /etc /var/lib /usr/local/share -xdev -path /var/lib/sudo -prune -o \( -type f -o -type d -o -type l \) \
  -printf '%p %m %u:%g %y %l\n' | sort
cd /etc && find . -xdev -type f -exec md5sum {} + | sort -k2
"""


def snapshot(host: BareHost) -> str:
    """The state of a host as text, to be compared before and after."""
    return host.sh(_SNAPSHOT)
