"""Which firewall a host has: iptables backends, nftables, managers that rewrite rules, and which one docker uses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from anywhere.errors import ParseError
from anywhere.facts.agents.daemon_json import daemon_json
from anywhere.facts.files import list_folder, read_text
from anywhere.facts.firewall.iptables import Ruleset, parse_save
from anywhere.facts.firewall.nftables import Nft, nft
from anywhere.facts.kernel.modules import unavailable
from anywhere.facts.system.units import DOCKER, ECS, RULES_UNIT, asked_systemd, units
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.recording import once_a_run

NFT, LEGACY = "nft", "legacy"

# What each manager does to rules that are not its own, when it starts, reloads or stops.
MANAGERS = {
    "firewalld.service": "firewalld: a reload or restart may drop rules that it did not make itself",
    "ufw.service": "ufw: `ufw enable`, `disable` and `reload` rebuild its chains and the INPUT policy becomes DROP",
    "nftables.service": "nftables.service: a start or reload runs /etc/nftables.conf, which mostly flushes all tables",
    "netfilter-persistent.service": "netfilter-persistent: a restart replaces all rules by the saved ones",
    "iptables.service": "iptables.service: a start or reload replaces all rules by the saved ones",
    "ferm.service": "ferm: a reload replaces the tables that it manages",
    "shorewall.service": "shorewall: a reload replaces all rules by its own",
}
_UNITS = (*MANAGERS, DOCKER, ECS, RULES_UNIT)


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("iptables", "--version"),
    ("iptables-nft", "--version"),
    ("iptables-legacy", "--version"),
    *((f"{word}-{kind}-save",) for word in ("iptables", "ip6tables") for kind in (NFT, LEGACY)),
    ("nft", "-j", "list", "chains"),
)
FILES: tuple[str, ...] = ("/etc/ufw/ufw.conf",)
FOLDERS: tuple[str, ...] = ("/proc/sys/net/ipv6",)
TABLES, FILTER = "/proc/net/ip6_tables_names", "filter"


def of_family(program: str, family: int) -> str:
    """The program for IPv4 or IPv6, from the one for IPv4."""
    return program if family == 4 else program.replace("iptables", "ip6tables", 1)


@dataclass(frozen=True)
class Backend:
    """One way to reach the kernel's rules: `name` is nft or legacy; `program` the iptables that speaks it. `v6` is None
    where IPv6 is absent, or `v6_error` says why its rules cannot be read; `readable` is False where the rules may not be
    read; `waits` is whether iptables-restore knows `-w` (since 1.6.2)."""

    name: str
    program: str
    v4: Ruleset = field(default_factory=Ruleset)
    v6: Ruleset | None = None
    readable: bool = True
    detail: str = ""
    waits: bool = True
    v6_error: str = ""

    def program_for(self, family: int) -> str:
        """`iptables-nft` or `ip6tables-nft`."""
        return of_family(self.program, family)

    def rules(self, family: int) -> Ruleset:
        """The rules of one family; empty where that family is absent."""
        return self.v4 if family == 4 else self.v6 or Ruleset()


@frozen
class Unit:
    """A systemd unit as `systemctl show` tells it."""

    name: str
    loaded: bool
    active: bool
    enabled: bool


@dataclass(frozen=True)
class Firewall:
    """All of it. `default` is the backend that the bare word `iptables` speaks, empty where there is none; `units` is
    None where systemd does not run; `docker_native` is whether docker itself speaks nftables."""

    backends: tuple[Backend, ...]
    default: str
    nft: Nft
    units: tuple[Unit, ...] | None
    ufw_enabled: bool
    docker_native: bool
    bridge: str
    has_ipv6: bool

    def backend(self, name: str) -> Backend | None:
        """A backend by its name."""
        return next((backend for backend in self.backends if backend.name == name), None)

    @property
    def docker_backend(self) -> str:
        """The backend that docker uses: where its chains are; in doubt the one of `iptables`. Empty where none is."""
        with_docker = [b.name for b in self.backends if b.v4.table("nat").policy("DOCKER")]
        return with_docker[0] if len(with_docker) == 1 else self.default

    @property
    def managers(self) -> tuple[str, ...]:
        """Active firewall managers, by their units' names."""
        active = [unit.name for unit in self.units or () if unit.name in MANAGERS and unit.active]
        if "ufw.service" in active and not self.ufw_enabled:
            active.remove("ufw.service")
        return tuple(active)

    def unit(self, name: str) -> Unit | None:
        """A unit by its name; None where it is not installed or not known."""
        return next((unit for unit in self.units or () if unit.name == name and unit.loaded), None)

    @property
    def readable(self) -> bool:
        """Whether every backend that is there could be read."""
        return all(backend.readable for backend in self.backends)


_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,14}")


@once_a_run
def firewall(host: Host) -> Firewall:
    """Look at everything that filters packets. Reading changes nothing: iptables-save loads no table."""
    has_ipv6 = bool(list_folder(host, "/proc/sys/net/ipv6"))
    default = parse_version(_stdout(host, "iptables", "--version"))
    backends = []
    for name in (NFT, LEGACY):
        program = f"iptables-{name}"
        version = _stdout(host, program, "--version")
        if not version:
            if name != default:
                continue
            program, version = "iptables", _stdout(host, "iptables", "--version")
        found = replace(_backend(host, name, program, has_ipv6), waits=_waits(version))
        backends.append(_without_module(host, found) if name == default == LEGACY and found.v6 else found)
    tables = nft(host)
    return Firewall(
        tuple(backends),
        default or (backends[0].name if backends else ""),
        tables,
        _units(host),
        "enabled=yes" in read_text(host, "/etc/ufw/ufw.conf").content.lower().replace(" ", "").replace('"', ""),
        any(table == "docker-bridges" for _, table, _ in tables.listed),
        _bridge(host),
        has_ipv6,
    )


def _without_module(host: Host, found: Backend) -> Backend:
    """ip6tables-save of the legacy kind prints nothing and succeeds without the kernel's module; ip6tables fails."""
    if FILTER in read_text(host, TABLES).content.split() or (found.v6 and found.v6.tables):
        return found
    why = unavailable(host, "ip6table_filter")
    return replace(found, v6=None, v6_error=why) if why else found


def parse_version(text: str) -> str:
    """The backend from `iptables v1.8.9 (nf_tables)`; before 1.8 there was no suffix and only legacy."""
    if not text.startswith("iptables v"):
        return ""
    return NFT if "nf_tables" in text else LEGACY


def _units(host: Host) -> tuple[Unit, ...] | None:
    """The units that set or keep rules; None where systemd does not run. One that is starting counts as active."""
    found = units(host)
    if not asked_systemd(found):
        return None
    rows = (found[name] for name in _UNITS)
    return tuple(
        Unit(
            row.name,
            row.exists and not row.masked,
            row.active in ("active", "reloading", "activating"),
            row.enabled.startswith("enabled"),
        )
        for row in rows
    )


def _waits(version: str) -> bool:
    numbers = re.findall(r"\d+", version)[:3]
    return [int(number) for number in numbers] >= [1, 6, 2]


def _backend(host: Host, name: str, program: str, has_ipv6: bool) -> Backend:
    rulesets: list[Ruleset | None] = []
    for word in ("iptables", "ip6tables"):
        save = program.replace("iptables", word, 1) + "-save"
        if word == "ip6tables" and not has_ipv6:
            rulesets.append(None)
            continue
        answer = host.run((save,))
        if answer.rc == 127 and word == "ip6tables":
            rulesets.append(None)
            continue
        try:
            if not answer.ok:
                raise ParseError(answer.stderr.strip().partition("\n")[0] or f"{save} returned {answer.rc}")
            rulesets.append(parse_save(answer.stdout))
        except ParseError as error:
            if word == "ip6tables":
                return Backend(name, program, rulesets[0] or Ruleset(), None, v6_error=str(error))
            return Backend(name, program, readable=False, detail=str(error))
    return Backend(name, program, rulesets[0] or Ruleset(), rulesets[1])


def _bridge(host: Host) -> str:
    """The default bridge: the one named in daemon.json, else docker0; empty where bridges are switched off."""
    name = daemon_json(host).bridge or "docker0"
    # The name goes into rules that root loads: what no interface of docker can be called is no bridge.
    return name if name != "none" and _INTERFACE.fullmatch(name) else ""


def _stdout(host: Host, *argv: str) -> str:
    return host.run(argv).stdout.strip()
