"""What keeps the rules: a sysctl file for the boot, and one systemd unit that restores and then guards them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from anywhere.changes.base import Command, Step
from anywhere.changes.files import file_step
from anywhere.changes.journal import FOLDER
from anywhere.changes.rules.desired import State
from anywhere.changes.rules.guard_script import guard_script
from anywhere.changes.script import run_script
from anywhere.facts.firewall.route_localnet import ROUTE_LOCALNET
from anywhere.facts.system.units import RULES_UNIT
from anywhere.hosts.base import Host

UNIT = RULES_UNIT
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
SCRIPT = f"{FOLDER}/rules.sh"
# Sorted after 99-sysctl.conf, the link to /etc/sysctl.conf that Debian has.
SYSCTL_FILE = "/etc/sysctl.d/99-zz-anywhere-rules.conf"
TEXTFILE_FOLDERS = ("/var/lib/prometheus/node-exporter", "/var/lib/node_exporter/textfile_collector")

_SYSCTL = f"""\
# Written by `anywhere rules apply`: the agent answers containers on the loopback.
# The rules that guard the loopback are restored by {UNIT} before any network is up.
{ROUTE_LOCALNET} = 1
"""

# The rules are there before the network is, so that route_localnet never stands open; after the managers that load
# whole rulesets at boot. What firewalld or docker do later is put right by the guard. The guard alone is asked to end: a
# shell that gets the signal just before it reads only sees it at its next tick, which its children have to give.
_UNIT_TEXT = """\
# Written by `anywhere rules apply`, removed by `anywhere rules revert`.
[Unit]
Description=Network rules of ECS task credentials: restored at boot and kept
DefaultDependencies=no
RequiresMountsFor={folder}
After=local-fs.target systemd-sysctl.service systemd-modules-load.service
After=nftables.service ufw.service netfilter-persistent.service iptables.service ferm.service shorewall.service
Wants=network-pre.target
Before=network-pre.target docker.service ecs.service shutdown.target
Conflicts=shutdown.target

[Service]
ExecStartPre=-/bin/sh {script} once
ExecStart=/bin/sh {script} guard
Restart=always
RestartSec=2
KillMode=mixed
TimeoutStopSec=5
RuntimeDirectory=anywhere
{environment}SyslogIdentifier=anywhere-rules
Nice=5

[Install]
WantedBy=multi-user.target
"""


def persist_steps(host: Host, state: State) -> tuple[Step, ...]:
    """The steps that keep the rules; none where systemd does not run, save the setting for the next boot."""
    keep = file_step(host, SYSCTL_FILE, _SYSCTL.encode(), f"write {SYSCTL_FILE}: {ROUTE_LOCALNET} = 1 at boot")
    if state.firewall.units is None:
        return keep
    return (*keep, *_unit_steps(host, state))


def pause_step(host: Host, state: State) -> tuple[Step, ...]:
    """The guard holds still while the rules it is to keep are changed to others."""
    unit = state.firewall.unit(UNIT)
    if unit and unit.active and any(step.key == f"file:{SCRIPT}" for step in _unit_steps(host, state)):
        return (Step(f"pause:{UNIT}", f"stop {UNIT} while its rules change", Command(("systemctl", "stop", UNIT))),)
    return ()


def _unit_steps(host: Host, state: State) -> Iterator[Step]:
    folder = next((name for name in TEXTFILE_FOLDERS if _is_folder(host, name)), "")
    textfile = f"{folder}/anywhere_rules.prom" if folder else ""
    environment = f"Environment=ANYWHERE_TEXTFILE={textfile}\n" if textfile else ""
    text = _UNIT_TEXT.format(folder=FOLDER, script=SCRIPT, environment=environment)
    script = file_step(host, SCRIPT, guard_script(state).encode(), f"write {SCRIPT}: restores the rules")
    reload = Command(("systemctl", "daemon-reload"))
    unit = tuple(
        replace(step, undo=(reload, *step.undo))
        for step in file_step(host, UNIT_FILE, text.encode(), f"write {UNIT_FILE}")
    )
    yield from script
    yield from unit
    now = state.firewall.unit(UNIT)
    if script or unit or not (now and now.active and now.enabled):
        yield _start(textfile)


def _start(textfile: str) -> Step:
    folder = Path(__file__).parent
    typed = f"systemctl daemon-reload && systemctl enable --quiet {UNIT} && systemctl restart {UNIT}"
    do = Command(run_script(folder / "start.sh", UNIT), shown=("sh", "-c", typed))
    back = stop_command(textfile or "/run/anywhere/rules.prom")
    title = f"enable and start {UNIT}: restores the rules at boot and guards them from now on"
    return Step(f"unit:{UNIT}", title, do, (back,), back=f"stop and disable {UNIT}", gate=True)


def stop_command(metrics: str = "/run/anywhere/rules.prom") -> Command:
    """Stops the guard for good, and removes its metrics."""
    return Command(run_script(Path(__file__).with_name("stop.sh"), UNIT, metrics))


def _is_folder(host: Host, path: str) -> bool:
    try:
        host.listdir(path)
    except OSError:
        return False
    return True
