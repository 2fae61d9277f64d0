"""Runs that were begun on a host and did not end: which, and the command that goes on."""

from __future__ import annotations

import json

from anywhere.changes.journal import FOLDER
from anywhere.changes.leave.note import PATH as NOTE
from anywhere.errors import AnywhereError
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.files import read_text
from anywhere.hosts.base import Host

VERBS = ("move", "update", "deregister", "reset")


def begun(host: Host) -> list[dict[str, object]]:
    """A row for each, `verb` and `command` (without the host); empty where nothing is left open, or that cannot be seen.
    One that is at work just now is among them."""
    try:
        names = host.listdir(FOLDER)
    except (OSError, AnywhereError):
        return []
    open_ = [verb for verb in VERBS if {f"{verb}.journal", f"{verb}.seal"} <= set(names)]
    return [
        {"verb": verb, "command": ["anywhere", verb, *(_cluster(host) if verb == "move" else ())]} for verb in open_
    ]


def _cluster(host: Host) -> tuple[str, str]:
    """Where the move goes by the settings; in capitals where it was cut off before it had changed them."""
    try:
        left = json.loads(read_text(host, NOTE).content).get("cluster", "")
    except (ValueError, AttributeError):
        left = ""
    now = ecs_config(host).agent.get("ECS_CLUSTER", "") or "default"
    return "--cluster", now if now != left else "CLUSTER"
