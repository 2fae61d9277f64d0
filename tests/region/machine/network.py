"""The three network namespaces and the wires between them: host - router - aws."""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.region.machine import kernel
from tests.region.world import World

FOLDER = Path("/run/netns")
PARTS = ("host", "router", "aws")
METADATA = "169.254.169.254"
Subnet = ipaddress.IPv4Network | ipaddress.IPv6Network


class Network:
    """The namespaces of one region, named `PREFIX-host`, `PREFIX-router`, `PREFIX-aws`."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def path(self, part: str) -> str:
        """The file that stands for a namespace."""
        return str(FOLDER / f"{self.prefix}-{part}")

    def build(self, world: World) -> None:
        """Make everything; the caller stays in its own namespace."""
        for part in PARTS:
            self._add(part)
        # Interfaces take their defaults when they are made.
        for part in PARTS:
            with kernel.inside(self.path(part)):
                _sysctls(part, world)
        run("ip", "-batch", "-", text=self._wires())
        for part, lines in _addresses(world).items():
            run("ip", "-n", f"{self.prefix}-{part}", "-batch", "-", text="\n".join(lines))
        if "6" in world.families:
            self._settle()
        with kernel.inside(self.path("host")):
            _write(world, _of_cards(world.host.sysctls))
        run("ip", "netns", "exec", f"{self.prefix}-router", "nft", "-f", "-", text=firewall(world))
        for program, tables in world.host.iptables.items():
            run("ip", "netns", "exec", f"{self.prefix}-host", f"{program}-restore", text=rules(tables))
        if world.host.shaping:
            run("tc", "-n", f"{self.prefix}-host", "-batch", "-", text="\n".join(world.host.shaping) + "\n")
        if world.host.nft:
            run("ip", "netns", "exec", f"{self.prefix}-host", "nft", "-f", "-", text=world.host.nft)

    def _settle(self) -> None:
        """Wait until the kernel has noticed that the wires are plugged in, up to a second: IPv6 is deaf until then."""
        until = time.monotonic() + 2
        for part in PARTS:
            while time.monotonic() < until:
                listed = subprocess.run(
                    ["ip", "-n", f"{self.prefix}-{part}", "-br", "link", "show", "type", "veth"],
                    capture_output=True,
                    text=True,
                )
                if all(line.split()[1] == "UP" for line in listed.stdout.splitlines()):
                    break
                time.sleep(0.02)

    def _add(self, part: str, tries: int = 3) -> None:
        """Two regions that are the first on a machine both want to prepare /run/netns: one then has to try again."""
        try:
            run("ip", "netns", "add", f"{self.prefix}-{part}")
        except RuntimeError:
            if tries == 1:
                raise
            remove(self.prefix, (part,))
            time.sleep(0.05)
            self._add(part, tries - 1)

    def _wires(self) -> str:
        pairs = (("host", "eth0", "router", "lan"), ("router", "wan", "aws", "eth0"))
        line = "link add {1} netns {4}-{0} type veth peer name {3} netns {4}-{2}"
        return "\n".join(line.format(*pair, self.prefix) for pair in pairs)

    def folder(self) -> Path:
        """Where programs of this region keep files, if they must."""
        return _folder(self.prefix)

    def remove(self) -> None:
        """Take the names away; a namespace ends with its last process."""
        remove(self.prefix)


def remove(prefix: str, parts: tuple[str, ...] = PARTS) -> None:
    """Take away what carries this prefix."""
    shutil.rmtree(_folder(prefix), ignore_errors=True)
    for part in parts:
        path = FOLDER / f"{prefix}-{part}"
        try:
            kernel.unmount(str(path))
        except OSError:
            pass
        path.unlink(missing_ok=True)


def _folder(prefix: str) -> Path:
    return Path(tempfile.gettempdir()) / f"anywhere-region-{prefix}"


def sweep() -> list[str]:
    """Remove the namespaces of regions whose runner is dead, and return their prefixes."""
    stale = set()
    for path in FOLDER.glob("any*-*"):
        prefix, _, part = path.name.rpartition("-")
        pid = prefix.removeprefix("any").partition(".")[0]
        if part in PARTS and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            stale.add(prefix)
    for prefix in stale:
        remove(prefix)
    return sorted(stale)


def run(*argv: str, text: str = "") -> None:
    """Run a set-up command. Raises RuntimeError with what it said, in one line."""
    done = subprocess.run(argv, input=text, text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {' '.join(done.stderr.split())}")


def _sysctls(part: str, world: World) -> None:
    settings = {"net/ipv6/conf/all/accept_dad": "0", "net/ipv6/conf/default/accept_dad": "0"}
    settings["net/ipv6/conf/default/accept_ra"] = "0"
    if "6" not in world.families:
        settings["net/ipv6/conf/default/disable_ipv6"] = "1"
    if part == "router":
        settings |= {"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"}
    if part == "aws":
        settings["net/ipv6/ip_nonlocal_bind"] = "1"  # a local route alone does not let a program bind an IPv6 address
    if part == "host":
        settings |= {
            name: value for name, value in world.host.sysctls.items() if name not in _of_cards(world.host.sysctls)
        }
    _write(world, settings)


def _of_cards(settings: Mapping[str, str]) -> dict[str, str]:
    """Those of one interface, which has to be there first."""
    parts = {name: name.split("/") for name in settings}
    return {
        name: settings[name] for name, at in parts.items() if at[2:3] == ["conf"] and at[3] not in ("all", "default")
    }


def _write(world: World, settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        path = Path("/proc/sys", name)
        if path.exists() or "ipv6" not in name or "6" in world.families:
            path.write_text(value)  # A kernel without IPv6 has nothing to switch off.


def _addresses(world: World) -> dict[str, list[str]]:
    host, router, aws = ["link set lo up"], ["link set lo up"], ["link set lo up"]
    lan, transit = world.lan, world.transit
    if "4" in world.families:
        host += [f"addr add {lan[10]}/24 dev eth0", "link set eth0 up"]
        host += [f"route add {world.services} via {lan[1]}"]
        host += [f"route add default via {lan[1]}"] if world.host.default_route else []
        router += [f"addr add {lan[1]}/24 dev lan", f"addr add {transit[1]}/24 dev wan"]
        aws += [f"addr add {transit[2]}/24 dev eth0"]
    if "6" in world.families:
        lan6, transit6 = world.subnets6[:2]
        host += [f"addr add {lan6[10]}/64 dev eth0 nodad", "link set eth0 up"]
        host += [f"route add default via {lan6[1]}"]
        router += [f"addr add {lan6[1]}/64 dev lan nodad", f"addr add {transit6[1]}/64 dev wan nodad"]
        aws += [f"addr add {transit6[2]}/64 dev eth0 nodad"]
    router += [f"link set lan up mtu {world.router.mtu}", "link set wan up"]
    aws += ["link set eth0 up"]
    for network in _far_side(world):
        via = world.transit if network.version == 4 else world.subnets6[1]
        router.append(f"route add {network} via {via[2]}")
        aws.append(f"route add local {network} dev lo")
    aws += [f"route add default via {via[1]}" for via in _transits(world)]
    if "4" in world.families:
        router += [f"route add blackhole {METADATA}/32"] if not world.metadata else [f"addr add {METADATA}/32 dev lo"]
    return {"host": host + world.host.network, "router": router, "aws": aws}


def _transits(world: World) -> list[Subnet]:
    return [one for one in (world.transit, world.subnets6[1]) if str(one.version) in world.families]


def _far_side(world: World) -> list[Subnet]:
    texts = [str(world.services), str(world.private), world.options.public]
    texts += (str(world.subnets6[2]), world.options.public6, world.options.private6)
    return [one for one in map(ipaddress.ip_network, texts) if str(one.version) in world.families]


def rules(tables: dict[str, list[str]]) -> str:
    """The host's own rules, in the form that iptables-save writes: chains first."""
    text = []
    for table, lines in tables.items():
        every = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
        built_in = {"nat": (*every[:2], *every[3:]), "filter": every[1:4], "mangle": every, "raw": (every[0], every[3])}
        chains = [f":{chain} ACCEPT [0:0]" for chain in built_in[table]]
        ordered = [*chains, *(one for one in lines if one[0] == ":"), *(one for one in lines if one[0] != ":")]
        text.append("\n".join([f"*{table}", *ordered, "COMMIT"]))
    return "\n".join(text) + "\n"


def firewall(world: World) -> str:
    """The router's rules, for nft."""
    forward = "\n    ".join(world.router.forward)
    output = "\n    ".join(world.router.output)
    redirect = 'iifname "lan" tcp dport 443 redirect to :8443' if world.middlebox else ""
    return f"""table inet region {{
  chain forward {{
    type filter hook forward priority 0; policy accept;
    {forward}
  }}
  chain output {{
    type filter hook output priority 0; policy accept;
    {output}
  }}
  chain prerouting {{
    type nat hook prerouting priority -100; policy accept;
    {redirect}
  }}
}}
"""
