"""`python -m tests.region.machine`: reads a pickled (prefix, World) from standard input, says `ready PID` on standard
output (or `error ...`), and takes everything down when its standard input ends."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys

from tests.region.controlplane.admin import Admin
from tests.region.machine import kernel, programs, server, wire
from tests.region.machine.dns import Resolver
from tests.region.machine.endpoints import Endpoints
from tests.region.machine.middlebox import Device
from tests.region.machine.network import METADATA, Network, sweep
from tests.region.machine.proxy import ProxyServer
from tests.region.machine.stubs import handler
from tests.region.world import Proxy, World


def main() -> int:
    """Until the end of the input; whatever goes wrong before is one line."""
    os.umask(0o022)  # the host's files are those of a usual machine
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stdin = sys.stdin.buffer
    prefix, world = pickle.load(stdin)
    sweep()
    network = Network(prefix)
    pid = 0
    try:
        network.build(world)
        pid = _start(world, network)
        print(f"ready {pid}", flush=True)
        stdin.read()
    except (OSError, RuntimeError) as error:
        print(f"error {error}", flush=True)
        return 1
    finally:
        network.remove()
        programs.stop()
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return 0


def _start(world: World, network: Network) -> int:
    """Host first: it is forked from here, and a process with threads should not fork."""
    held = server.listen(world.host, network.path("host"))
    copies = [[sock.dup() for sock in sockets] for sockets in held]
    pid = server.start(world, network.path("host"), held)
    for one in [sock for sockets in held for sock in sockets]:
        one.close()
    for daemon, sockets in zip(world.host.daemons, copies, strict=True):
        if daemon.socket:
            sockets = [*sockets, _unix(f"/proc/{pid}/root{daemon.socket}")]
        wire.serve(handler(daemon.serves, daemon.state), *sockets)
    kernel.enter(network.path("aws"))
    _serve(world, network)
    return pid


def _serve(world: World, network: Network) -> None:
    """The services, each in its namespace; this thread and those of AWS stay in `aws`."""
    endpoints = Endpoints(world)
    wire.serve(endpoints.handle, *wire.everywhere(443, world.families))
    wire.serve(endpoints.handle_plain, *wire.everywhere(80, world.families))
    if world.plane.socket:
        wire.serve(Admin(endpoints.state).handle, _unix(world.plane.socket))
    for one in world.nameservers:
        with kernel.inside(network.path(one.where)):
            if programs.can_resolve(one):
                programs.start_resolver(world, one)
            else:
                Resolver(world, one).start()
    if world.proxy and world.proxy.mode != "closed":
        _serve_proxy(world, world.proxy, network)
    with kernel.inside(network.path("router")):
        if world.middlebox:
            wire.serve(Device(world.middlebox, network.path("router")).handle, *wire.everywhere(8443, world.families))
        if world.metadata:
            wire.serve(handler(world.metadata, {}), wire.listener(socket.AF_INET, METADATA, 80))


def _serve_proxy(world: World, proxy: Proxy, network: Network) -> None:
    if programs.can_proxy(proxy):
        programs.start_squid(world, proxy, network.folder())
        return
    family = socket.AF_INET6 if ":" in proxy.address else socket.AF_INET
    wire.serve(ProxyServer(world, proxy).handle, wire.listener(family, proxy.address, proxy.port))


def _unix(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    sock.bind(path)
    os.chmod(path, 0o660)
    sock.listen(64)
    return sock


if __name__ == "__main__":
    sys.exit(main())
