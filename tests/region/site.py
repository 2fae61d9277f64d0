"""`Site`: booted machines on the LAN of a region that is up, and the stand-in packages in its buckets."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Protocol

from tests.region.controlplane.control import Control
from tests.region.controlplane.plane import OWNER
from tests.region.packages.build import packages
from tests.region.packages.keys import keyring
from tests.region.region import Region

BUNDLE = "/usr/local/share/ca-certificates/region.crt"
KEYRING = "/root/region-keyring.asc"
FIRST = 11  # the last part of the first machine's address; 10 is the region's own host
_numbers = itertools.count()


class Booted(Protocol):
    """A machine as tests/booted makes them."""

    pid: int
    root: Path

    def sh(self, script: str, check: bool = True) -> str: ...


class Site:
    """The LAN of a region, for machines with their own systemd. A context manager, inside the region's."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.name = region.options.regions[0]
        self.keyring = keyring()
        self._addresses: dict[int, str] = {}
        self._is_open = False

    @property
    def control(self) -> Control:
        """The control plane."""
        return self.region.control

    @property
    def owner(self) -> dict[str, str]:
        """The environment of somebody with the account's own keys."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        return {**dict(zip(names, OWNER, strict=True)), "AWS_DEFAULT_REGION": self.name}

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to do: the machine's end of a cable goes with the machine, ours with the region."""

    def plug(self, machine: Booted) -> str:
        """Connect a machine, also again after it was started anew; its address. Files of a site are put on it: the
        resolver, the CA, the keyring."""
        self._bridge()
        address = self._addresses.setdefault(id(machine), str(self.region.world.lan[FIRST + len(self._addresses)]))
        router = f"{self.region.prefix}-router"
        link, port = f"as{os.getpid() % 100000}x{next(_numbers)}", f"port{next(_numbers)}"
        _run("ip", "link", "add", link, "type", "veth", "peer", "name", port, "netns", router)
        # A card keeps its address over a reboot; with a new one the router's table is wrong for half a minute.
        card = "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))
        _run("ip", "link", "set", link, "netns", str(machine.pid), "name", "eth0", "address", card)
        _run("ip", "-n", router, "link", "set", port, "master", "lan", "up")
        gateway = self.region.world.lan[1]
        machine.sh(
            f"ip addr add {address}/24 dev eth0; ip link set lo up; ip link set eth0 up; ip route add default via {gateway}"
        )
        self._files(machine)
        return address

    def publish(self, arch: str = "amd64", folder: Path | None = None) -> None:
        """Put the stand-in packages (or another folder with `ssm` and `ecs`) into the buckets."""
        root = folder or packages(arch)
        ssm, ecs = str(root / "ssm"), str(root / "ecs")
        names = {f"amazon-ssm-{self.name}": ssm, f"amazon-ecs-agent-{self.name}": ecs, "amazon-ecs-agent": ecs}
        self.control.publish(names)

    def _bridge(self) -> None:
        """The wire between host and router becomes a LAN: the router's rules name it by `lan`."""
        if self._is_open:
            return
        router, gateway = f"{self.region.prefix}-router", self.region.world.lan[1]
        mtu = self.region.world.router.mtu
        for line in (
            "link set lan down",
            "link set lan name lan0",
            "link add lan type bridge",
            f"link set lan mtu {mtu}",
            "addr flush dev lan0",
            "link set lan0 master lan up",
            f"addr add {gateway}/24 dev lan",
            "link set lan up",
        ):
            _run("ip", "-n", router, *line.split())
        self._is_open = True

    def _files(self, machine: Booted) -> None:
        world = self.region.world
        servers = "".join(f"nameserver {one.address}\n" for one in world.nameservers if one.where == "aws")
        roots = "".join(Path(world.pem[f"root:{key}"]).read_text() for key in world.host.trusted)
        for path, text in (("/etc/resolv.conf", servers), (KEYRING, self.keyring.read_text())):
            _put(machine, path, text)
        if not os.path.exists(f"{machine.root}{BUNDLE}"):
            for number, one in enumerate(roots.split("-----END CERTIFICATE-----\n")[:-1]):
                _put(machine, BUNDLE.replace("region", f"region{number}"), f"{one}-----END CERTIFICATE-----\n")
            _put(machine, BUNDLE, roots.partition("-----END CERTIFICATE-----\n")[0] + "-----END CERTIFICATE-----\n")
            machine.sh("update-ca-certificates >/dev/null 2>&1")


def _put(machine: Booted, path: str, text: str) -> None:
    target = Path(f"{machine.root}{path}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_text(text)


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
