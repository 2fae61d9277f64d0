"""PID 1 of the host: the server's view of a machine, made of this one's root and the differences in `World.host`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.region.host import ABSENT, BASE_PACKAGES, CGROUPS, DPKG, MACHINE_ID, MEMINFO, OS_RELEASE, Host, Unit
from tests.region.machine import kernel
from tests.region.world import World

HARDWARE = {"/sys/class/dmi/id/sys_vendor": "Dell Inc.\n", "/sys/class/dmi/id/product_name": "PowerEdge R650\n"}
SIZE = "size=64g,nr_inodes=4m"  # of the layer in memory: what the host sees as its disk, however small this machine is
KEPT = ("/proc", "/sys", "/dev", "/run", "/tmp")
NAMESPACES = kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWCGROUP
STUBS = Path(__file__).resolve().parent.parent / "stubs"
STANDARD_STUBS = {"/usr/bin/systemctl": "systemctl.py", "/usr/bin/timedatectl": "timedatectl.py"}


QUIET_KERNEL = "/usr/bin/dmesg"  # this machine's kernel log is not the server's

Sockets = list[list[socket.socket]]


def start(world: World, network: str, held: Sockets) -> int:
    """Start the host; returns the process id of its PID 1 once it is ready. Raises RuntimeError with the reason."""
    reader, writer = os.pipe()
    here = os.open("/proc/self/ns/pid", os.O_RDONLY)
    kernel.unshare(kernel.CLONE_NEWPID)
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _first_process(world, network, held, writer)
    os.close(writer)
    kernel.enter(f"/proc/self/fd/{here}", kernel.CLONE_NEWPID)
    os.close(here)
    with os.fdopen(reader) as answer:
        said = answer.read()
    if said != "ready":
        raise RuntimeError(said or "the host did not start")
    return pid


def _first_process(world: World, network: str, held: Sockets, writer: int) -> None:
    try:
        kernel.die_with_parent()
        kernel.enter(network)
        build(world)
        daemons(world.host, held)
        kernel.set_name("systemd" if world.host.is_systemd else "init")
        os.write(writer, b"ready")
    except BaseException as error:
        os.write(writer, f"{type(error).__name__}: {error}".encode())
        os._exit(1)
    # Sockets belong to the daemons and to the region, not to PID 1.
    os.closerange(3, 4096)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        # Reap what is orphaned here; with no child left, wait for the next.
        try:
            os.wait()
        except ChildProcessError:
            signal.sigtimedwait([signal.SIGCHLD], 1)


def build(world: World) -> None:
    """The mounts and the files. Runs in namespaces of its own."""
    host = world.host
    kernel.unshare(NAMESPACES)
    socket.sethostname(host.hostname)
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    _root(host)
    _kernel_files(host)
    bundles = {**host.bundles, **({host.bundle: host.trusted} if host.bundle else {})}
    roots = {path: [Path(world.pem[f"root:{key}"]).read_text() for key in keys] for path, keys in bundles.items()}
    _files(world, {path: "".join(texts) for path, texts in roots.items()})


def _root(host: Host) -> None:
    """This machine's root under a layer of memory, with its other file systems and the caller's folders beneath."""
    base = "/run"  # Exists everywhere, and is not shown to the host: mounting here leaves nothing behind.
    kernel.mount("region", base, "tmpfs", data=SIZE)
    for name in ("upper", "work", "root"):
        os.mkdir(f"{base}/{name}")
    root = f"{base}/root"
    _hide(f"{base}/upper")
    kernel.mount("overlay", root, "overlay", data=f"lowerdir=/,upperdir={base}/upper,workdir={base}/work")
    for point in _other_mounts(base) + [path for path in ("/dev", "/tmp", *host.binds) if os.path.isdir(path)]:
        if os.path.isdir(root + point):
            kernel.mount(point, root + point, flags=kernel.MS_BIND | (kernel.MS_REC if point == "/dev" else 0))
    kernel.mount("proc", f"{root}/proc", "proc")
    kernel.mount("sysfs", f"{root}/sys", "sysfs")
    kernel.mount("tmpfs", f"{root}/run", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755")
    kernel.pivot(root)


def _hide(upper: str) -> None:
    """Whiteouts for what a bare server lacks: one device node each, however much lies beneath."""
    for path in ABSENT:
        real = os.path.realpath(os.path.dirname(path)) + "/" + os.path.basename(path)
        if os.path.lexists(real) and not os.path.lexists(upper + real):
            os.makedirs(upper + os.path.dirname(real), exist_ok=True)
            os.mknod(upper + real, 0o20000)
    for folder, _, _ in os.walk(upper):
        os.chmod(folder, os.stat(folder.removeprefix(upper) or "/").st_mode & 0o7777)


def _other_mounts(base: str) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4].replace("\\040", " ") for line in lines]
    return sorted({one for one in points if one != "/" and not one.startswith((*KEPT, base)) and os.path.isdir(one)})


def _kernel_files(host: Host) -> None:
    """The kernel as the server should show it, where this machine's own looks otherwise."""
    os.makedirs("/run/region")
    kernel.mount("tmpfs", "/sys/fs", "tmpfs", data="mode=755")
    os.mkdir("/sys/fs/cgroup")
    over: dict[str, str] = {"/proc/meminfo": MEMINFO.format(total=8 << 20, free=6 << 20), "/proc/cgroups": CGROUPS}
    over["/proc/cmdline"] = "BOOT_IMAGE=/boot/vmlinuz root=/dev/vda1 ro quiet\n"
    over |= {path: text for path, text in HARDWARE.items() if os.path.exists(path)}
    # The controllers may be bound to the old hierarchies on this machine: what is mounted is real, what it lists is not.
    kernel.mount("cgroup2", "/sys/fs/cgroup", "cgroup2")
    for name in ("controllers", "subtree_control"):
        over[f"/sys/fs/cgroup/cgroup.{name}"] = host.controllers + "\n"
    for number, (path, text) in enumerate({**over, **host.overmounts}.items()):
        source = Path(f"/run/region/{number}")
        source.write_text(text)
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            Path(path).touch()
        kernel.mount(str(source), path, flags=kernel.MS_BIND)


def _files(world: World, bundles: dict[str, str]) -> None:
    host = world.host
    for path, size in host.tmpfs.items():
        os.makedirs(path, exist_ok=True)
        kernel.mount("tmpfs", path, "tmpfs", data=f"size={size}")
    for folder in (*host.folders, *(["/run/systemd/system"] if host.is_systemd else [])):
        os.makedirs(folder, exist_ok=True)
    for path, content in {**_standard(world), **bundles, **host.files}.items():
        if path in host.overmounts:
            continue
        put(path, content, host.modes.get(path, 0o644))
    for path, name in {**STANDARD_STUBS, **host.stubs}.items():
        put(path, (STUBS / name).read_text().replace("#!/usr/bin/python3", f"#!{sys.executable} -IS", 1), 0o755)
    for path, text in {QUIET_KERNEL: "#!/bin/sh\n", **host.programs}.items():
        put(path, text, 0o755)
    for path, size in host.filled.items():
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    for path, options in host.remounts.items():
        os.makedirs(path, exist_ok=True)
        kernel.mount(path, path, flags=kernel.MS_BIND)
        subprocess.run(["mount", "-o", f"remount,bind,{options}", path], check=True)
    for path, target in host.links.items():
        put(path, None)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(target, path)
    for path, when in host.times.items():
        os.utime(path, (when, when))


def _standard(world: World) -> dict[str, str | bytes | None]:
    host = world.host
    resolv = "".join(f"nameserver {server.address}\n" for server in world.nameservers if server.where == "aws")
    state = {
        "units": {name: {**unit.properties, "active": unit.active, "enabled": unit.enabled, "main": unit.main,
                         "starts": unit.starts}
                  for name, unit in host.units.items()},
        "synchronised": host.synchronised,
    }  # fmt: skip
    found: dict[str, str | bytes | None] = {
        "/etc/os-release": OS_RELEASE,
        "/etc/hostname": host.hostname + "\n",
        "/etc/machine-id": MACHINE_ID,
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\n",
        "/etc/hosts": "\n".join(["127.0.0.1 localhost", f"127.0.1.1 {host.hostname}", *host.hosts]) + "\n",
        "/etc/resolv.conf": (f"search {host.search}\n" if host.search else "") + resolv,
        "/etc/debian_version": "12.9\n",
        "/etc/gai.conf": "",
        "/run/region/systemd.json": json.dumps(state),
    }
    found |= _packages(host)
    if host.resolv_conf is not None:
        found["/etc/resolv.conf"] = host.resolv_conf
    if host.synchronised and host.is_systemd:
        found["/run/systemd/timesync/synchronized"] = ""
    for name, unit in host.units.items():
        found[_path(name, unit)] = unit.text
    return found


def _packages(host: Host) -> dict[str, str | bytes | None]:
    """The package manager's own database, or none of it where another manager is in use."""
    if host.manager != "deb":
        return dict.fromkeys(("/usr/bin/dpkg", "/usr/bin/dpkg-query", "/usr/bin/apt-get", "/var/lib/dpkg/status"))
    rows = {**BASE_PACKAGES, **host.packages}
    return {"/var/lib/dpkg/status": "".join(DPKG.format(name, version) for name, version in rows.items())}


def _path(name: str, unit: Unit) -> str:
    return f"{unit.folder}/{name}"


def put(path: str, content: str | bytes | None, mode: int = 0o644) -> None:
    """Write a file in place of whatever is there; None takes it away."""
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    elif os.path.isdir(path) and content is None:
        shutil.rmtree(path)
    if content is None:
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(path).write_bytes(content.encode() if isinstance(content, str) else content)
    os.chmod(path, mode)


def daemons(host: Host, held: Sockets) -> None:
    """Start the processes that only have to be there: each is `sleep` under its own name, holding its sockets. All run
    their program at the end."""
    reader, writer = os.pipe()  # each start of a program closes its end
    for number, one in enumerate(host.daemons):
        # The agent's image has its program in the root folder, and that is how the kernel names it to the host.
        name = os.path.basename(one.name)
        program = "/agent" if name == "agent" else f"/run/region/bin/{number}/{name}"
        os.makedirs(os.path.dirname(program), exist_ok=True)
        shutil.copy("/bin/sleep", program)
        if os.fork() == 0:
            os.setsid()
            for sock in held[number]:
                sock.set_inheritable(True)
            os.execve(program, [one.name, "infinity"], one.environment)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)


def listen(host: Host, network: str) -> Sockets:
    """The TCP sockets of each daemon. They are opened before the host starts, so that the daemon seems to own what the
    region serves."""
    with kernel.inside(network):
        return [[_listener(*address) for address in one.listens] for one in host.daemons]


def _listener(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family)
