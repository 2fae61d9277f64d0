"""Real resolvers and a real proxy in place of this package's own: dnsmasq, unbound, squid."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.region.machine import kernel
from tests.region.machine.dns import Resolver
from tests.region.world import NameServer, Proxy, World

PATIENCE = 30.0
ANY_QUERY = b"\0\1\1\0\0\1\0\0\0\0\0\0\4none\0\0\1\0\1"


def can_resolve(server: NameServer) -> bool:
    """Whether the program asked for can behave like this; what it can not do, this package's own resolver does."""
    special = server.failing or server.refused or server.truncated or server.delay or "*" in server.forged
    special = special or server.loops or server.rotating or server.edns != "answer" or server.refuses_ipv6
    return server.program != "python" and server.mode == "answer" and server.tcp and not special


def start_resolver(world: World, server: NameServer) -> None:
    """Start dnsmasq or unbound in the caller's network namespace, and wait for its first answer."""
    text, argv = (
        (dnsmasq(world, server), ["dnsmasq", "--keep-in-foreground", "--conf-file=/proc/self/fd/{}"])
        if server.program == "dnsmasq"
        else (unbound(world, server), ["unbound", "-d", "-c", "/proc/self/fd/{}"])
    )
    _start(argv, text)
    _wait_for_udp(server.address)


def _known(world: World, server: NameServer) -> Iterator[tuple[str, list[str]]]:
    resolver = Resolver(world, server)
    told_apart = [name for name in server.private if "*" not in name]  # of those that a pattern of the zone covers
    for name in dict.fromkeys((*world.names, *server.forged, *told_apart)):
        found = resolver.look_up(name)[1]
        if found:
            yield name, found


def dnsmasq(world: World, server: NameServer) -> str:
    """A zone as dnsmasq's configuration; whatever is not in it does not exist."""
    lines = ["no-resolv", "no-hosts", "no-poll", "user=root", "pid-file=", "bind-interfaces", "address=/#/"]
    lines.append(f"listen-address={server.address}")
    for name, found in _known(world, server):
        if name.startswith("*."):
            lines += [f"address=/{name[2:]}/{one}" for one in found]
        else:
            lines.append(f"host-record={name},{','.join(found)}")
    return "\n".join(lines) + "\n"


def unbound(world: World, server: NameServer) -> str:
    """The same for unbound."""
    lines = ["server:", "directory: /", 'chroot: ""', 'username: ""', 'pidfile: ""', "use-syslog: no", "num-threads: 1"]
    lines += ['module-config: "iterator"', f"interface: {server.address}", "ip-freebind: yes", "do-daemonize: no"]
    lines += ["access-control: 0.0.0.0/0 allow", "access-control: ::/0 allow", 'local-zone: "." static']
    lines += ['logfile: "/dev/null"']
    zones = dict(_known(world, server))
    for name, found in zones.items():
        plain = name.removeprefix("*.")
        if name != plain:
            lines.append(f'local-zone: "{plain}." redirect')
        elif any(plain.endswith(one[1:]) for one in zones if one.startswith("*.")):
            # A zone that redirects takes no data below its top: this name is a zone of its own.
            lines.append(f'local-zone: "{plain}." static')
        if name == plain or plain not in zones:
            kinds = [("AAAA" if ":" in one else "A", one) for one in found]
            lines += [f'local-data: "{plain}. 60 IN {kind} {one}"' for kind, one in kinds]
    return "\n".join([*lines, "remote-control:", "control-enable: no"]) + "\n"


def can_proxy(proxy: Proxy) -> bool:
    """Whether squid can be this proxy."""
    odd = proxy.answers or proxy.opened != "tunnel" or proxy.limit or proxy.tls or proxy.offers != ("Basic",)
    return proxy.program == "squid" and proxy.mode == "relay" and not odd


def start_squid(world: World, proxy: Proxy, folder: Path) -> None:
    """Start squid in the caller's network namespace, with a resolver of its own that knows the truth."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)  # squid gives its root rights away
    truth = NameServer(world.service(99, "6" if ":" in proxy.address else "4"))
    Resolver(world, truth).start()
    _start(["squid", "-N", "-f", "/proc/self/fd/{}"], squid(proxy, truth.address, folder))
    _wait_for_tcp(proxy.address, proxy.port)


def squid(proxy: Proxy, nameserver: str, folder: Path) -> str:
    """Squid's configuration."""
    lines = [f"http_port {_bracketed(proxy.address)}:{proxy.port}", f"dns_nameservers {nameserver}", "cache deny all"]
    lines += [
        "pid_filename none",
        "access_log none",
        "cache_log /dev/null",
        "cache_store_log none",
        "netdb_filename none",
    ]
    lines += ["pinger_enable off", "shutdown_lifetime 0 seconds", f"coredump_dir {folder}", "visible_hostname proxy"]
    lines += ["max_filedescriptors 4096", "acl CONNECT method CONNECT", "acl https port 443"]
    if proxy.denied:
        patterns = [one.replace(".", r"\.").replace("*", ".*") for one in proxy.denied]
        lines += [f"acl denied dstdom_regex -n {' '.join(f'^{one}$' for one in patterns)}", "http_access deny denied"]
    if proxy.credentials:
        lines += _authentication(proxy.credentials, folder)
    return "\n".join([*lines, "http_access allow CONNECT https", "http_access deny all"]) + "\n"


def _authentication(credentials: str, folder: Path) -> list[str]:
    user, _, password = credentials.partition(":")
    crypted = subprocess.run(
        ["openssl", "passwd", "-apr1", "-stdin"], input=password, text=True, capture_output=True, check=True
    ).stdout.strip()
    (folder / "passwords").write_text(f"{user}:{crypted}\n")
    (folder / "passwords").chmod(0o644)
    helper = next((one for one in Path("/usr/lib").glob("squid*/basic_ncsa_auth")), Path("basic_ncsa_auth"))
    lines = [f"auth_param basic program {helper} {folder}/passwords", "auth_param basic realm proxy"]
    return [*lines, "auth_param basic children 2 startup=1", "acl known proxy_auth REQUIRED", "http_access deny !known"]


# In a process namespace of its own, which ends with its first process, that shell: a program that gives its root rights
# away, as squid does, loses the signal at its parent's death.
LEASH = ("unshare", "--pid", "--fork", "--kill-child", "sh", "-c", '"$@" & wait', "sh")
_running: list[subprocess.Popen[bytes]] = []


def stop() -> None:
    """End every program."""
    for process in _running:
        process.kill()
        process.wait()


def _start(argv: list[str], configuration: str) -> None:
    """Run a program that dies with this process; its configuration is a file in memory, named by `{}`."""
    if not shutil.which(argv[0]):
        raise RuntimeError(f"{argv[0]} is not installed")
    handle = os.memfd_create("configuration")
    os.write(handle, configuration.encode())
    _running.append(
        subprocess.Popen(
            [*LEASH, *(word.format(handle) for word in argv)],
            pass_fds=[handle],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=kernel.die_with_parent,
        )
    )
    os.close(handle)


def _wait_for_udp(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    end = time.monotonic() + PATIENCE
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.02)
        while time.monotonic() < end:
            try:
                sock.sendto(ANY_QUERY, (address, 53))
                sock.recv(512)
                return
            except OSError:
                time.sleep(0.01)
    raise RuntimeError(f"the resolver on {address} did not start")


def _wait_for_tcp(address: str, port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"the proxy on {address} did not start")


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
