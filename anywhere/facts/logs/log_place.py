"""Where the ECS agent writes: its file, the log driver of its container, or nowhere; and how much of it.

ECS_LOG_DRIVER sends the log to docker's driver, and the file then gets nothing unless ECS_LOGLEVEL_ON_INSTANCE says so.
Sources: amazon-ecs-agent README ("Environment Variables"), ecs-agent/logger, ecs-init/docker/docker.go.
"""

from __future__ import annotations

import re

from anywhere.facts.agents.docker import ask_docker
from anywhere.facts.agents.ecs_config import EcsConfig, ecs_config
from anywhere.facts.files import Access, list_folder, read_text
from anywhere.facts.logs.journal import without_stamps
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

FOLDER = "/var/log/ecs"
PATH = f"{FOLDER}/ecs-agent.log"
TAIL = 128 * 1024  # bytes: more than a whole start of the agent, registration errors of an hour included
LINES = "1000"
DRIVER, LEVEL, ON_INSTANCE, FILE = "ECS_LOG_DRIVER", "ECS_LOGLEVEL", "ECS_LOGLEVEL_ON_INSTANCE", "ECS_LOGFILE"
SILENT = ("none",)
SPARSE = ("warn", "warning", "error", "crit", "critical", "none")
JOURNAL = ("journalctl", "CONTAINER_NAME=ecs-agent", "-n", LINES, "--no-pager", "-o", "cat")
CONTAINER = ask_docker("logs", "--tail", LINES, "ecs-agent")

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (PATH,)
FOLDERS: tuple[str, ...] = ()


@frozen
class LogText:
    """The log as text, or why it cannot be read. `place` is where it was read, `sparse` whether lines of level info are
    left out, `forbidden` whether this user may not read it."""

    text: str = ""
    place: str = ""
    why: str = ""
    sparse: bool = False
    forbidden: bool = False


def agent_log_text(host: Host) -> LogText:
    """The end of the agent's log, wherever its settings send it."""
    config = ecs_config(host)
    if not config.exists and config.known:
        read = read_text(host, PATH, tail=TAIL)
        return LogText(read.content, PATH, forbidden=read.access is Access.FORBIDDEN)
    level = config.agent.get(LEVEL, "").lower()
    driver = config.agent.get(DRIVER, "").strip()
    on_instance = config.agent.get(ON_INSTANCE, "").lower() or ("none" if driver else level)
    path = _path(config)
    if on_instance not in SILENT and path:
        read = read_text(host, path, tail=TAIL)
        if read.access is Access.FORBIDDEN:
            return LogText(place=path, forbidden=True)
        text = read.content if len(read.content) > 2048 else _rotated(host, path) + read.content
        if text.strip():
            return LogText(text, path, sparse=on_instance in SPARSE)
    if level in SILENT:
        return LogText(why=f"{LEVEL}=none switches the agent's log off ({_place(config, LEVEL)})", sparse=True)
    return _from_driver(host, config, driver, path, sparse=level in SPARSE)


def _path(config: EcsConfig) -> str:
    """The file on the host: ecs-init mounts /var/log/ecs at /log. Empty where the file stays in the container."""
    named = config.agent.get(FILE, "").strip()
    if not named:
        return PATH
    return f"{FOLDER}/{named.removeprefix('/log/')}" if named.startswith("/log/") else ""


def _rotated(host: Host, path: str) -> str:
    """The newest log before this one: names end in a number, or in the date of the hour."""
    name = path.rpartition("/")[2]
    stem = name.removesuffix(".log")
    older = [one for one in list_folder(host, path.rpartition("/")[0]) or () if _is_older(one, name, stem)]
    if not older:
        return ""
    # Dates grow with time, numbers with age.
    dated = [one for one in older if re.search(r"\d{4}-\d\d-\d\d", one)]
    newest = max(dated) if dated else min(older, key=lambda one: (len(one), one))
    return read_text(host, f"{path.rpartition('/')[0]}/{newest}", tail=TAIL).content


def _is_older(one: str, name: str, stem: str) -> bool:
    return one != name and one.startswith((f"{name}.", f"{stem}.")) and not one.endswith((".gz", ".xz", ".zst"))


def _from_driver(host: Host, config: EcsConfig, driver: str, path: str, *, sparse: bool) -> LogText:
    """What docker kept of the container's output; the journal where that is the driver."""
    done = host.run(CONTAINER, timeout=5)
    text = done.stdout or (done.stderr if "level=" in done.stderr or '"level"' in done.stderr else "")
    if text.strip() and done.ok:
        return LogText(text, "docker logs ecs-agent", sparse=sparse)
    if driver in ("journald", ""):
        done = host.run(JOURNAL, timeout=5)
        text = without_stamps(done.stdout) if done.ok else ""
        if "level=" in text or '"level"' in text:
            return LogText(text, "journalctl CONTAINER_NAME=ecs-agent", sparse=sparse)
    if driver == "syslog":
        text = _from_syslog(host)
        if text:
            return LogText(text, "the system's log", sparse=sparse)
    if driver:
        return LogText(
            why=f"the agent's log goes to {driver} ({_place(config, DRIVER)}), where it cannot be read here",
            sparse=sparse,
        )
    return LogText(why=f"{path or config.agent.get(FILE, PATH)} holds nothing", sparse=sparse)


def _from_syslog(host: Host) -> str:
    for path in ("/var/log/syslog", "/var/log/messages"):
        rows = [
            row for row in read_text(host, path, tail=TAIL).content.splitlines() if "module=" in row and "level=" in row
        ]
        if rows:
            return without_stamps("\n".join(rows))
    return ""


def _place(config: EcsConfig, name: str) -> str:
    return config.sources.get(name, name)
