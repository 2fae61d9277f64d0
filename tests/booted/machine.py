"""Debian servers that boot: systemd as process 1, docker, firewalld and ufw at hand, a network of their own.

A base system is built once per release into a cache (`ANYWHERE_MACHINES`, default /var/tmp/anywhere-machines); each
machine is an overlay over it, booted with systemd-nspawn, and gone afterwards. Needs root and mmdebstrap, and a Debian
mirror for the first build. Nothing in a machine can reach the network of the host: its only links are those that a test
plugs in.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.barehost import EnteredHost

CACHE = Path(os.environ.get("ANYWHERE_MACHINES", "/var/tmp/anywhere-machines"))
MIRROR = os.environ.get("ANYWHERE_MIRROR", "http://deb.debian.org/debian")
PACKAGES = (
    "systemd,systemd-sysv,dbus,udev,kmod,procps,iproute2,iptables,nftables,firewalld,ufw,docker.io,openssh-server,sudo,"
    "curl,openssl,ca-certificates,python3,iputils-ping"
)
MORE = {"trixie": ",docker-cli"}  # a package of its own since Debian 13
# Packages enable what they bring; a test enables what it needs.
OFF = "firewalld.service ufw.service docker.service docker.socket containerd.service nftables.service"
_BOOT = 180.0  # seconds until a machine has to be up
_REBOOT = 133

_numbers = itertools.count()


def base(suite: str, only: str = "") -> Path:
    """The base system of a Debian release, built when it is not there yet. Skips the test where it cannot be built.

    `only` replaces the list of packages (separated by commas) and the services that are switched off.
    """
    key = hashlib.sha256(f"{suite} {only or packages(suite)} {'' if only else OFF}".encode()).hexdigest()[:10]
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / f"{suite}-{key}"
    with (CACHE / f"{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _build(suite, folder, only)
    return folder


def packages(suite: str) -> str:
    """What a base system holds."""
    return PACKAGES + MORE.get(suite, "")


def _build(suite: str, folder: Path, only: str) -> None:
    half = folder.with_suffix(".building")
    discard(half)
    off = "" if only else f'chroot "$1" systemctl disable {OFF} >/dev/null 2>&1 || true; '
    hook = f'{off}: > "$1/etc/machine-id"'
    argv = [
        "mmdebstrap",
        "--variant=minbase",
        f"--include={only or packages(suite)}",
        f"--customize-hook={hook}",
        suite,
        str(half),
        MIRROR,
    ]
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no base system for {suite}: {done.stderr.strip().splitlines()[-1:]}")
    half.rename(folder)


def discard(half: Path) -> None:
    """Remove what a build left that was killed: first what it had mounted, so that nothing is removed through a mount."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for place in sorted((mount for mount in mounts if mount.startswith(f"{half}/")), reverse=True):
        subprocess.run(["umount", "--lazy", place], check=True)
    shutil.rmtree(half, ignore_errors=True)


class Machine(EnteredHost):
    """A booted Debian. Also a Host: what runs on it needs nothing of this project there."""

    flags = ("-m", "-u", "-i", "-n", "-p", "-C")

    def __init__(self, suite: str, enable: str = "", only: str = "") -> None:
        self.name_ = f"any{os.getpid()}-{next(_numbers)}"
        super().__init__(self.name_)
        self.folder = CACHE / self.name_
        self.root = self.folder / "root"
        for part in ("up", "work", "root", "docker"):
            (self.folder / part).mkdir(parents=True)
        options = f"lowerdir={base(suite, only)},upperdir={self.folder}/up,workdir={self.folder}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(self.root)], check=True)
        self._process: subprocess.Popen[bytes] | None = None
        self.pid = 0
        (self.root / "etc/machine-id").write_text(hashlib.md5(self.name_.encode()).hexdigest() + "\n")
        (self.root / "etc/hostname").write_text(f"{self.name_}\n")
        # sudo looks its own host up, and would wait for a nameserver that is not there.
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.name_}\n")
        if enable:
            subprocess.run(["systemctl", f"--root={self.root}", "enable", "--quiet", *enable.split()], check=True)
        self.boot()

    def boot(self) -> None:
        """Start it and wait until systemd is done."""
        environment = {
            **os.environ,
            "SYSTEMD_SECCOMP": "0",
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1",
            "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
        }
        argv = [
            *("systemd-nspawn", "--quiet", "--keep-unit", "--register=no", "--boot", f"--directory={self.root}"),
            *("--private-network", "--console=pipe", "--link-journal=no", f"--machine={self.name_}"),
            # docker keeps its layers on a real file system: an overlay cannot lie on an overlay.
            *("--capability=all", f"--bind={self.folder}/docker:/var/lib/docker"),
        ]
        log = (self.folder / "console").open("ab")
        self._process = subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        self.wait_up()

    def wait_up(self) -> None:
        """Wait for process 1, and for the end of its boot."""
        self.until(self._find, _BOOT, "process 1")
        self.until(lambda: self.state() in ("running", "degraded"), _BOOT, "the end of the boot")

    def state(self) -> str:
        """What systemd says of itself."""
        return self.run(("systemctl", "is-system-running")).stdout.strip()

    def reboot(self) -> None:
        """An orderly reboot. Cables are unplugged by it."""
        assert self._process
        self.run(("systemctl", "reboot"))
        # nspawn leaves the restart to whoever started it, and says so by this code.
        assert self._process.wait(_BOOT) == _REBOOT, self._console()
        self.boot()

    def crash(self) -> None:
        """The power goes, and comes back: everything dies at once, the disk stays as it is."""
        self._kill()
        self.boot()

    def cable(self, address: str, peer: str, *, default: bool = True) -> Peer:
        """Plug in a network: `host0` with `address` here, a namespace with `peer` at the other end."""
        return Peer(self, address, peer, default)

    def join(self, lan: Peer | None, address: str, peer: str) -> Peer:
        """Plug into the same network as other machines: a bridge in the namespace of the first cable."""
        if lan is None:
            made = Peer(self, address, peer, True)
            made.sh(
                "ip link add lan type bridge; ip link set lan up; ip addr flush dev lan0; ip link set lan0 master lan;"
                f"ip addr add {peer} dev lan"
            )
            return made
        lan.plug(self, address, peer)
        return lan

    def until(self, true: Callable[[], object], seconds: float, what: str = "") -> float:
        """Wait for something; how long it took in seconds."""
        started = time.monotonic()
        while not true():
            if time.monotonic() - started > seconds:
                raise AssertionError(f"{self.name_}: not within {seconds} s: {what or true}\n{self._console()}")
            time.sleep(0.1)
        return time.monotonic() - started

    def close(self) -> None:
        """Switch it off and remove all of it."""
        self._kill()
        for _ in range(50):
            if subprocess.run(["umount", str(self.root)], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find(self) -> bool:
        assert self._process and self._process.poll() is None, f"{self.name_} ended\n{self._console()}"
        found = subprocess.run(["pgrep", "-P", str(self._process.pid)], capture_output=True, text=True).stdout.split()
        # nspawn's first child only prepares the machine, and its number is soon another process's.
        pids = [int(pid) for pid in found if _is_init(pid)]
        if pids:
            self.pid = pids[0]
            self.deadline.end = time.monotonic() + 3600
        return bool(pids)

    def _console(self) -> str:
        text = (self.folder / "console").read_text(errors="replace")
        return text[-2000:]

    def _kill(self) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        if self._process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self._process.kill()
            self._process.wait()


def _is_init(pid: str) -> bool:
    """Whether a process is the first of a PID namespace of its own."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
    return len(numbers) > 1 and numbers[-1] == "1"


class Peer:
    """The other end of a machine's cable: a namespace that plays the LAN."""

    def __init__(self, machine: Machine, address: str, peer: str, default: bool) -> None:
        self.name = f"{machine.name_}-{next(_numbers)}"
        link = f"an{os.getpid() % 100000}x{next(_numbers)}"
        run = self._run
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "lan0", "netns", self.name)
        run("ip", "link", "set", link, "netns", str(machine.pid), "name", "host0")
        run("ip", "-n", self.name, "addr", "add", peer, "dev", "lan0")
        run("ip", "-n", self.name, "link", "set", "lan0", "up")
        machine.sh(f"ip addr add {address} dev host0; ip link set host0 up")
        if default:
            machine.sh(f"ip route add default via {peer.partition('/')[0]}")

    def plug(self, machine: Machine, address: str, peer: str) -> None:
        """One more machine on the bridge `lan` here."""
        link, port = f"an{os.getpid() % 100000}x{next(_numbers)}", f"lan{next(_numbers)}"
        self._run("ip", "link", "add", link, "type", "veth", "peer", "name", port, "netns", self.name)
        # A card keeps its address over a reboot, and so the tables of its neighbours stay right.
        card = "02:00:" + ":".join(f"{int(part):02x}" for part in address.partition("/")[0].split("."))
        self._run("ip", "link", "set", link, "netns", str(machine.pid), "name", "host0", "address", card)
        self._run("ip", "-n", self.name, "link", "set", port, "master", "lan", "up")
        machine.sh(
            f"ip addr add {address} dev host0; ip link set host0 up; ip route add default via {peer.partition('/')[0]}"
        )

    def sh(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script at the other end."""
        return subprocess.run(["ip", "netns", "exec", self.name, "sh", "-c", script], capture_output=True, text=True)

    def close(self) -> None:
        """Unplug."""
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def _run(*argv: str) -> None:
        subprocess.run(argv, check=True, capture_output=True)


def image(machine: Machine, name: str = "box") -> str:
    """A small container image made of busybox, loaded into the machine's docker."""
    script = (
        "set -e; d=$(mktemp -d); mkdir $d/bin; cp /bin/busybox $d/bin/; "
        "for p in sh wget nc sleep cat httpd ip; do ln -s busybox $d/bin/$p; done; tar -C $d -c .; rm -r $d"
    )
    made = subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout
    assert machine.run(("docker", "import", "-", name), input=made).ok
    return name


@contextlib.contextmanager
def booted(suite: str, enable: str = "", only: str = "") -> Iterator[Machine]:
    """A machine for the length of a test."""
    machine = Machine(suite, enable, only)
    try:
        yield machine
    finally:
        machine.close()
