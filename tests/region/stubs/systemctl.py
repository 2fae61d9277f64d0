#!/usr/bin/python3
"""A stand-in for systemctl(1) on a host that was not booted: reads the real unit files and drop-ins, and from
/run/region/systemd.json what would be active and enabled. Answers in the words of systemd 252. Units that were not there
from the start can be enabled, started and stopped; the region's own daemons stay as they are, but for those whose start
the region has a script for."""

from __future__ import annotations

import glob
import json
import os
import re
import shlex
import signal
import subprocess
import sys

STATE = "/run/region/systemd.json"
FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
Sections = dict[str, list[str]]


RESERVED = ("active", "enabled", "main", "pid", "starts")
CHANGES = ("start", "stop", "restart", "try-restart", "reload-or-restart", "enable", "disable")


def save(units: dict[str, dict[str, object]]) -> None:
    with open(STATE, encoding="utf-8") as file:
        state = json.load(file)
    with open(STATE + ".new", "w", encoding="utf-8") as file:
        json.dump({**state, "units": units}, file)
    os.replace(STATE + ".new", STATE)


def load() -> dict[str, dict[str, object]]:
    with open(STATE, encoding="utf-8") as file:
        units: dict[str, dict[str, object]] = json.load(file)["units"]
    return units


def full(name: str) -> str:
    return (
        name if name.endswith((".service", ".socket", ".timer", ".mount", ".target", ".slice")) else name + ".service"
    )


def fragment(name: str) -> str:
    return next((path for path in (f"{folder}/{name}" for folder in FOLDERS) if os.path.isfile(path)), "")


def dropins(name: str) -> list[str]:
    found = {os.path.basename(p): p for folder in reversed(FOLDERS) for p in glob.glob(f"{folder}/{name}.d/*.conf")}
    return [found[key] for key in sorted(found)]


def settings(paths: list[str]) -> Sections:
    """Every assignment in the files, in order; an empty value takes back the earlier ones."""
    values: Sections = {}
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().replace("\\\n", " ").splitlines()
        section = ""
        for line in lines:
            section = line.strip() if line.lstrip().startswith("[") else section
            key, equals, value = line.strip().partition("=")
            if key.strip().startswith("Environment") and section != "[Service]":
                continue
            if equals and not line.lstrip().startswith(("#", ";", "[")):
                values.setdefault(key.strip(), [])
                values[key.strip()] = [*values[key.strip()], value.strip()] if value.strip() else []
    return values


def main_pid(name: str) -> int:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                if name and file.read().split("\0")[0] == name:
                    return int(pid)
        except OSError:
            continue
    return 0


def properties(name: str, units: dict[str, dict[str, object]]) -> list[tuple[str, str]]:
    known, path = units.get(name, {}), fragment(name)
    drop = dropins(name) if path else []
    values = settings([path, *drop]) if path else {}
    active = bool(path and is_running(known))
    shown: dict[str, str] = {
        "Id": name,
        "Names": name,
        "LoadState": "loaded" if path else "not-found",
        "ActiveState": "active" if active else "inactive",
        "SubState": ("running" if name.endswith("service") else "listening") if active else "dead",
        "UnitFileState": ("enabled" if known.get("enabled") else "disabled") if path else "",
        "FragmentPath": path,
        "DropInPaths": " ".join(drop),
        "MainPID": str((known.get("pid") or main_pid(str(known.get("main", "")))) if active else 0),
        "NRestarts": "0",
        "Result": "success",
        "ExecMainStatus": "0",
        "NeedDaemonReload": "no",
        "Restart": (values.get("Restart") or ["no"])[-1],
        "RestartPreventExitStatus": " ".join(values.get("RestartPreventExitStatus", [])),
    }
    for key in ("After", "Wants", "Requires", "PartOf", "User", "ExecStartPre", "ExecStart"):
        shown[key] = " ".join(values.get(key, []))
    shown |= {key: str(value) for key, value in known.items() if key not in RESERVED}
    shown["UnsetEnvironment"] = " ".join(values.get("UnsetEnvironment", []))
    words = [word for line in values.get("Environment", []) for word in environment_words(line)]
    environment = list({word.partition("=")[0]: word for word in words}.values())
    pairs = [*shown.items(), ("Environment", " ".join(map(quoted, environment)))]
    for line in values.get("EnvironmentFile", []):
        pairs.append(("EnvironmentFiles", f"{line.lstrip('-')} (ignore_errors={'yes' if line[0] == '-' else 'no'})"))
    return pairs


def environment_words(line: str) -> list[str]:
    """As systemd 236 and later: an assignment with a specifier that it does not know is dropped, %% is a percent sign."""
    words = []
    for word in shlex.split(line):
        if "=" in word and not re.search(r"%(?![aAbBCdDEfgGhHiIjJlLmMnNopPqsStTuUvVwWyY])", word.replace("%%", "")):
            words.append(word.replace("%%", "%"))
    return words


def quoted(word: str) -> str:
    return word if not set(word) & set(" \t\"'\\") else '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def show(names: list[str], wanted: list[str], only_value: bool) -> int:
    units = load()
    blocks = []
    for name in names:
        pairs = properties(full(name), units)
        chosen = [pair for pair in pairs if not wanted or pair[0] in wanted]
        blocks.append("\n".join(value if only_value else f"{key}={value}" for key, value in chosen))
    print("\n\n".join(blocks))
    return 0


def is_state(names: list[str], key: str, quiet: bool) -> int:
    units, good = load(), 0
    for name in map(full, names):
        exists = bool(fragment(name))
        if key == "enabled" and not exists:
            print(f"Failed to get unit file state for {name}: No such file or directory", file=sys.stderr)
            continue
        unit = units.get(name, {})
        yes = exists and (is_running(unit) if key == "active" else bool(unit.get(key)))
        good += yes
        if not quiet:
            print(key if yes else {"active": "inactive", "enabled": "disabled"}[key])
    return 0 if good else {"active": 3, "enabled": 1}[key]


def is_running(unit: dict[str, object]) -> bool:
    """What the region says, or whether the process lives that this program started."""
    return bool(unit.get("active")) and (not unit.get("pid") or os.path.exists(f"/proc/{unit['pid']}"))


def change(verb: str, names: list[str], flags: set[str]) -> int:
    """Start, stop, enable or disable units. The region's own daemons are not processes of systemd here."""
    units = load()
    for name in map(full, names):
        if not fragment(name):
            print(f"Failed to {verb} {name}: Unit {name} not found.", file=sys.stderr)
            return 5
        unit = units.setdefault(name, {"active": False, "enabled": False, "main": ""})
        is_now = verb not in ("enable", "disable") or "--now" in flags
        if unit.get("starts") and is_now and verb not in ("stop", "disable"):
            if not start_anew(name, unit):
                save(units)
                return 1
            for other in pulled_in(name, units):
                other["active"] = True
            continue
        if unit.get("main") and is_now and verb not in ("start", "enable"):
            print(f"Failed to {verb} {name}: a daemon of the region, which cannot be restarted here.", file=sys.stderr)
            return 1
        if verb in ("enable", "disable"):
            unit["enabled"] = verb == "enable"
        if not is_now or unit.get("main") or (verb == "try-restart" and not is_running(unit)):
            continue
        if verb in ("stop", "disable", "restart", "try-restart", "reload-or-restart"):
            end(unit)
        if verb not in ("stop", "disable") and not is_running(unit):
            begin(name, unit)
    save(units)
    return 0


def unmask(names: list[str]) -> int:
    units = load()
    for name in map(full, names):
        if units.get(name, {}).get("LoadState") == "masked":
            del units[name]["LoadState"]
    save(units)
    return 0


def start_anew(name: str, unit: dict[str, object]) -> bool:
    """One of the region's own daemons, which says by a script what its start does. What was shown of its last run goes."""
    if subprocess.run(["sh", "-c", str(unit["starts"])], stdin=subprocess.DEVNULL).returncode:
        print(f"Job for {name} failed because the control process exited with error code.", file=sys.stderr)
        return False
    kept = {key: value for key, value in unit.items() if key in RESERVED}
    unit.clear()
    unit.update({**kept, "active": True})
    return True


def pulled_in(name: str, units: dict[str, dict[str, object]]) -> list[dict[str, object]]:
    """The units that systemd starts with this one."""
    values = settings([fragment(name), *dropins(name)])
    words = " ".join(line for key in ("Wants", "Requires", "BindsTo") for line in values.get(key, []))
    others = [units[full(word)] for word in words.split() if full(word) in units]
    return [other for other in others if other.get("LoadState") != "masked" and not other.get("main")]


def begin(name: str, unit: dict[str, object]) -> None:
    """Run the unit's commands; the last one stays."""
    values = settings([fragment(name), *dropins(name)])
    if values.get("RuntimeDirectory"):
        os.makedirs("/run/" + values["RuntimeDirectory"][-1], exist_ok=True)
    given = dict(word.split("=", 1) for line in values.get("Environment", []) for word in shlex.split(line))
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **given}
    for line in values.get("ExecStartPre", []):
        subprocess.run(shlex.split(line.lstrip("-")), env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for line in values.get("ExecStart", []):
        started = subprocess.Popen(shlex.split(line), env=environment, start_new_session=True, **quiet)
        unit["pid"] = started.pid
        if (values.get("Type") or ["simple"])[-1] == "oneshot":
            started.wait()
            unit["pid"] = 0
    unit["active"] = True


def end(unit: dict[str, object]) -> None:
    """Stop what was started here."""
    pid = int(str(unit.get("pid") or 0))
    if pid and is_running(unit):
        os.killpg(pid, signal.SIGTERM)
    unit["active"], unit["pid"] = False, 0


def cat(names: list[str]) -> int:
    for name in map(full, names):
        if not fragment(name):
            print(f"No files found for {name}.", file=sys.stderr)
            return 1
        for path in (fragment(name), *dropins(name)):
            with open(path, encoding="utf-8") as file:
                print(f"# {path}\n{file.read()}")
    return 0


def list_units(kind: str) -> int:
    for name, unit in load().items():
        if kind == "list-unit-files":
            print(f"{name} {'enabled' if unit['enabled'] else 'disabled'} enabled")
        elif unit["active"]:
            print(f"{name} loaded active running {name}")
    return 0


def parse(arguments: list[str]) -> tuple[list[str], list[str], set[str]]:
    """Words, wanted properties, flags."""
    words, wanted, flags = [], [], set()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word in ("-p", "-P", "--property"):
            wanted += rest.pop(0).split(",")
            flags |= {"--value"} if word == "-P" else set()
        elif word.startswith(("-p", "--property=")):
            wanted += word.removeprefix("--property=").removeprefix("-p").split(",")
        elif word.startswith("-"):
            flags.add(word)
        else:
            words.append(word)
    return words, wanted, flags


def main() -> int:
    words, wanted, flags = parse(sys.argv[1:])
    if "--version" in flags:
        print("systemd 252 (252.31-1~deb12u1)")
        return 0
    if not os.path.isdir("/run/systemd/system"):
        print("System has not been booted with systemd as init system (PID 1). Can't operate.", file=sys.stderr)
        print("Failed to connect to bus: Host is down", file=sys.stderr)
        return 1
    verb, names = (words or ["list-units"])[0], words[1:]
    if verb == "show":
        return show(names, wanted, "--value" in flags)
    if verb in ("is-active", "is-enabled"):
        return is_state(names, verb.removeprefix("is-"), bool(flags & {"-q", "--quiet"}))
    if verb == "cat":
        return cat(names)
    if verb in ("list-units", "list-unit-files"):
        return list_units(verb)
    if verb == "is-system-running":
        print("running")
        return 0
    if verb in CHANGES:
        return change(verb, names, flags)
    if verb in ("daemon-reload", "reset-failed"):
        return 0
    if verb == "unmask":
        return unmask(names)
    print(f"Unknown command verb {verb}. (a stand-in: it knows few of them)", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
