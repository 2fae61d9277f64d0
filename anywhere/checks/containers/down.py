"""Docker is installed and does not run: why, in systemd's words or the daemon's own, and the fix before the start."""

from __future__ import annotations

from anywhere.catalogue.checks import AFTER_REGISTRATION
from anywhere.catalogue.daemon_lines.base import RELOAD
from anywhere.catalogue.daemon_lines.docker import CHECKED
from anywhere.checks.base import skipped, trouble
from anywhere.checks.containers.settings import can_validate, refused_settings
from anywhere.checks.containers.settings_edit import edits, listening
from anywhere.checks.remedies import Command, as_root, family, install, remedy, sysctl_at_boot
from anywhere.checks.units import Halt, halted, held_later
from anywhere.facts.agents.agents import agents, is_bare
from anywhere.facts.agents.daemon_json import daemon_json
from anywhere.facts.agents.docker import SOCKET, TIMEOUT, Docker
from anywhere.facts.logs.last_words import LastWords, containerd_words, docker_words
from anywhere.facts.system.docker_flags import listens, named_containerd, names_containerd
from anywhere.facts.system.machine import kernel_version
from anywhere.facts.system.units import CONTAINERD, DOCKER, DOCKER_SNAP, DOCKER_SOCKET, Unit, units
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Status

ID = "containers.docker"
SNAP_RUNS = (
    "The other is Docker's snap, which runs beside the package: switch it off. Its containers stop, its data stays in "
    "/var/snap/docker."
)
# Where containerd.service listens; one at another path (k3s, a unit of the site's) does not depend on it.
CONTAINERD_SOCKETS = ("/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock")
# A socket without a path is the default one; /var/run is a link to /run.
OWN_SOCKET = (SOCKET, "unix://", "unix:///run/docker.sock")
# What the kernel sends to a program that does what it cannot: signal(7).
CRASHES = {4: "SIGILL", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV"}
KILLED, FORWARDING = ("signal", "core-dump"), "net.ipv4.ip_forward"


def down(host: Host, found: Docker) -> Finding:
    """The finding for a docker that does not answer. What registration brings is none."""
    unit = units(host)[DOCKER]
    if unit.is_running and (elsewhere := _elsewhere(host, unit)):
        return elsewhere
    if found.state == "silent":
        return _silent(host)
    if is_bare(host) and unit.active != "failed" and not unit.masked and not daemon_json(host).error:
        return skipped(ID, "docker", AFTER_REGISTRATION, said=found.said)
    if halt := halted(host, unit):
        return _halted(host, unit, halt)
    words = _words(host, unit)
    # A daemon that was stopped in order ends with words too, and they tell of no trouble.
    in_order = unit.active == "inactive" and unit.result in ("", "success")
    if words.known or (words.line and not in_order):
        return _explained(host, unit, words)
    return _mute(host, found, unit)


def later(host: Host) -> Finding | None:
    """Docker runs, and does not start again: its unit, what that requires, or the containerd that its flags name is masked."""
    known = units(host)
    unit, containerd = known[DOCKER], known[CONTAINERD]
    if not unit.is_running:
        return None
    halt = held_later(host, unit)
    if halt is None and containerd.masked and names_containerd(host, unit):
        halt = held_later(host, containerd)
    if halt is None:
        return None
    fix = Remedy(halt.fix, as_root(host, *halt.commands))
    return trouble(ID, Status.WARN, "docker", f"docker runs, but {halt.says}", cause="docker.not-running", remedy=fix,
                   evidence={"masked": unit.masked})  # fmt: skip


def without_containerd(host: Host) -> Finding | None:
    """Docker answers, and the containerd that its flags name does not run: containers go on, and none starts."""
    unit, containerd = units(host)[DOCKER], units(host)[CONTAINERD]
    if not (unit.is_running and containerd.exists):
        return None
    if named_containerd(host, unit).removeprefix("unix://") not in CONTAINERD_SOCKETS:
        return None
    if containerd.masked or containerd.is_running is not False or containerd.active == "activating":
        return None
    words = containerd_words(host, containerd)
    said = f"docker runs, and containerd.service does not ({containerd.active}): no container starts"
    said += f': {words.known.says}: "{words.line}"' if words.known else f': "{words.line}"' if words.line else ""
    text = f"{words.known.fix} Then start containerd." if words.known else "Start containerd, now and at boot."
    again = (("systemctl", "reset-failed", "containerd"),) if containerd.active == "failed" else ()
    start = (*again, ("systemctl", "enable", "--now", "containerd"))
    is_ready = words.known is None or words.known.row.ready
    fix = remedy(host, text, *(words.known.commands if words.known else ()), *(start if is_ready else ()))
    return _trouble(said, fix, containerd, words.line)


def start_commands(host: Host, unit: Unit) -> tuple[Command, ...]:
    """Start docker, now and at boot, and what goes down with it: ecs is part of docker's unit, and nothing
    starts it again."""
    here = agents(host)
    again = (
        (("systemctl", "reset-failed", "docker"),)
        if unit.active == "failed" or unit.result == "start-limit-hit"
        else ()
    )
    ecs = (("systemctl", "start", "ecs"),) if here.has_ecs and here.ecs.is_running is False else ()
    return (*again, ("systemctl", "enable", "--now", "docker"), *ecs)


def _ecs_again(host: Host) -> tuple[Command, ...]:
    """The start of ecs after a restart of docker, with which it stopped."""
    return (("systemctl", "start", "ecs"),) if agents(host).has_ecs else ()


def _silent(host: Host) -> Finding:
    said = f"Docker gives no answer within {TIMEOUT:.0f} s"
    fix = remedy(
        host,
        "Restart Docker; look for a full disk or dead mounts. Containers stop when Docker restarts, unless "
        "live-restore is set.",
        ("systemctl", "restart", "docker"),
        *_ecs_again(host),
    )
    return _trouble(said, fix, units(host)[DOCKER], timed=True)


def _halted(host: Host, unit: Unit, halt: Halt) -> Finding:
    start = start_commands(host, unit) if halt.start else ()
    fix = Remedy(halt.fix, as_root(host, *halt.commands, *start))
    return _trouble(f"docker does not run: {halt.says}", fix, unit, cause=halt.cause or "docker.not-running")


def _words(host: Host, unit: Unit) -> LastWords:
    """Docker's own words, and containerd's where docker waits for that."""
    words = docker_words(host, unit)
    containerd = units(host)[CONTAINERD]
    if (
        containerd.exists
        and containerd.is_running is False
        and (not words.known or words.known.row.kind == "containerd")
    ):
        deeper = containerd_words(host, containerd)
        return deeper if deeper.known else words
    return words


def _explained(host: Host, unit: Unit, words: LastWords) -> Finding:
    known = words.known
    quoted = f'"{words.line}"'
    if known is None and unit.result in KILLED:
        return _killed(host, unit)
    if known is None:
        said = f"docker.service {_state(unit)}; its last words: {quoted}"
        text = "Fix what the quoted line names, then start docker (a start before that fails again)."
        return _trouble(said, remedy(host, text), unit, words.line)
    commands, ready = known.commands, known.row.ready
    text = known.fix if can_validate(host) else known.fix.replace(CHECKED, "").rstrip()
    if known.row.kind == "iptables-missing":
        commands = install(host, "iptables")
    elif known.row.kind == "match":
        commands, ready = _with_module(host, f"xt_{known.groups['match']}")
    elif known.row.kind == "forwarding" and known.groups["version"] == "4":
        commands, ready = _forwarding_on(host), True
    elif known.row.kind in ("pid-file", "locked") and units(host)[DOCKER_SNAP].is_running:
        text, commands, ready = SNAP_RUNS, (("snap", "disable", "docker"),), True
    elif edit := edits(host, unit, known):
        text, commands, ready = f"{text} {edit.text}", edit.commands, True
    elif known.row.kind == "containerd":
        text, commands, ready = _containerd(host, text)
    start = start_commands(host, unit) if ready else ()
    if not ready:
        text += " Then start docker and ecs; before that a start fails again."
    what = "does not run" if unit.active == "inactive" else "cannot start"
    return _trouble(f"docker {what}: {known.says}: {quoted}", remedy(host, text, *commands, *start), unit, words.line)


def _with_module(host: Host, module: str) -> tuple[tuple[Command, ...], bool]:
    """The package is kernel-modules-extra of the running kernel on EL and Fedora; no other family is known to need one."""
    known = family(host)
    if known is None or known.manager not in ("dnf", "yum"):
        return (), False
    return (*install(host, f"kernel-modules-extra-{kernel_version(host)}"), ("modprobe", module)), True


def _forwarding_on(host: Host) -> tuple[Command, ...]:
    """IPv4's alone: with IPv6 forwarding a card takes no more router advertisements, and may lose its default route."""
    return (*sysctl_at_boot(host, FORWARDING, 1, "forwarding"), ("sysctl", "-w", f"{FORWARDING}=1"))


def _killed(host: Host, unit: Unit) -> Finding:
    """What it wrote before a signal came is no reason."""
    said = f"docker.service failed: signal {unit.exit_status} ended dockerd"
    if unit.exit_status in CRASHES:
        said = f"docker.service failed: dockerd crashed (signal {unit.exit_status}, {CRASHES[unit.exit_status]})"
        text = (
            "Install the release of Docker before, or the latest, of this machine's own architecture, then start Docker: this "
            "is an error in the program, a program for another processor, or faulty memory."
        )
        return _trouble(said, remedy(host, text, look=(("dmesg",),)), unit)
    text = (
        "Find out who sent the signal (an administrator, a script; the kernel, for want of memory), and start Docker."
    )
    return _trouble(said, remedy(host, text, *start_commands(host, unit), look=(("dmesg",),)), unit)


def _containerd(host: Host, text: str) -> tuple[str, tuple[Command, ...], bool]:
    unit = units(host)[CONTAINERD]
    if not unit.exists:
        return text + " Its unit is not there: install containerd.io.", install(host, "containerd.io"), True
    if unit.masked:
        return "containerd.service is masked: unmask it.", (("systemctl", "unmask", "containerd"),), True
    if unit.active == "failed":
        line = containerd_words(host, unit).line
        said = f' Its last words: "{line}".' if line else ""
        return f"containerd failed too: fix that first.{said}", (), False
    return text, (("systemctl", "enable", "--now", "containerd"),), True


def _mute(host: Host, found: Docker, unit: Unit) -> Finding:
    """Nothing is known of the reason: the settings file, then the unit's state."""
    start = start_commands(host, unit)
    if refused := refused_settings(host):
        first = refused[0]
        text = (
            f"{first.fix} {first.edit.text}"
            if first.edit
            else f"{first.fix} Then start docker; before that a start fails."
        )
        commands = (*first.edit.commands, *start) if first.edit else ()
        return _trouble(f"docker cannot start: {first.says}", remedy(host, text, *commands), unit)
    if unit.result in KILLED:
        return _killed(host, unit)
    if unit.active == "failed":
        said = f"docker.service {_state(unit)}, and its journal holds no line that tells why"
        look = ("journalctl", "-u", "docker", "-n", "50", "--no-pager")
        return _trouble(
            said, remedy(host, "Read Docker's journal for the reason, then start it.", *start, look=(look,)), unit
        )
    said = "Docker is installed, but does not run"
    if unit.is_running:
        said = "docker.service runs, and nothing answers on /var/run/docker.sock"
        socket = units(host)[DOCKER_SOCKET]
        restart = (("systemctl", "restart", *(("docker.socket",) if socket.exists else ()), "docker"),)
        text = "Restart Docker with its socket. Containers stop when Docker restarts, unless live-restore is set."
        return _trouble(said, remedy(host, text, *restart, *_ecs_again(host)), unit)
    return _trouble(said, remedy(host, "Start Docker, now and at boot.", *start), unit, said_by=found.said)


def _elsewhere(host: Host, unit: Unit) -> Finding | None:
    """Docker listens where its settings say, and not where the agents ask it. Where docker.socket holds that place,
    connections are taken there and never answered."""
    places = listens(host, unit)
    if not places or any(one.startswith("fd://") or one in OWN_SOCKET for one in places):
        return None
    said = f"docker.service runs and listens on {', '.join(places)} alone, not on {SOCKET}"
    text = f"Have Docker listen on {SOCKET} too, then restart it: containers stop then, unless live-restore is set."
    edit = listening(host, unit)
    commands = (*edit.commands, ("systemctl", "restart", "docker"), *_ecs_again(host)) if edit else ()
    return _trouble(said, remedy(host, f"{text} {edit.text}" if edit else text, *commands), unit)


def _state(unit: Unit) -> str:
    why = f" ({unit.result}, exit {unit.exit_status})" if unit.result not in ("", "success") else ""
    return f"{'failed' if unit.active == 'failed' else 'does not run'}{why}"


def _trouble(
    said: str,
    fix: Remedy,
    unit: Unit,
    line: str = "",
    *,
    cause: str = "docker.not-running",
    said_by: str = "",
    timed: bool = False,
) -> Finding:
    evidence: dict[str, object] = {"timed": True} if timed else {}
    evidence |= {
        "active": unit.active, "sub": unit.sub, "result": unit.result, "job": unit.job, "line": line, "said": said_by,
        "drop_ins": list(unit.drop_ins), "reload": RELOAD if unit.stale else [],
    }  # fmt: skip
    return trouble(ID, Status.FAIL, "docker", said, cause=cause, remedy=fix, evidence=evidence)
