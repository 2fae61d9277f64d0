"""The one thing to do next: the first step of the worst cause's fix, or what comes after a host without one."""

from __future__ import annotations

from anywhere.catalogue.checks import CHECK, CHECK_TEXTS
from anywhere.model import Status, Target
from anywhere.report.fleet.view import is_registered
from anywhere.report.shown.commands import command_line, first_step
from anywhere.windows import WINDOWS


def next_step(target: Target) -> str:
    """A command, or a request to those who must act."""
    if target.causes:
        return first_step(target.causes[-1].remedy)
    errors = [finding for finding in target.findings if finding.status is Status.ERROR]
    if errors:
        return command_line(_look_again(target, errors[0].check))
    if target.kind == "document":
        return "nothing to change"
    again = command_line(_check(target))
    if target.facts.get("partial"):
        return again
    if target.facts.get("os") == {"name": WINDOWS}:
        return f"register it with AWS's installer for Windows, then {again}"
    if is_registered(target) is None:
        return again if target.reach else command_line(("sudo", *_check(target)))
    if is_registered(target):
        verify = command_line(("anywhere", "rules", "verify", *target.reach))
        return f"{verify}, and {again} from time to time"
    return command_line(registering(target, target.reach))


def registering(target: Target, reach: tuple[str, ...]) -> tuple[str, ...]:
    """The command that registers the hosts of `reach`, in this target's region. What is not known here is in capitals."""
    words = (*_region(target), "--cluster", "CLUSTER", "--activation-file", "FILE", *reach)
    return (*(() if reach else ("sudo",)), "anywhere", "register", *words)


def _look_again(target: Target, id: str) -> tuple[str, ...]:
    """The command that says more about what could not be judged."""
    row = CHECK_TEXTS.get(id)
    if row is None or row.asked_by != CHECK:
        return ("anywhere", "explain", id)
    return (*_check(target), "--only", id, "--format", "json")


def _check(target: Target) -> tuple[str, ...]:
    return ("anywhere", "check", *_region(target), *target.reach)


def _region(target: Target) -> tuple[str, ...]:
    regions = target.facts.get("regions")
    known = regions if isinstance(regions, (list, tuple)) else ()
    return ("--region", str(known[0])) if known else ()
