"""The words of `anywhere register` as values, and its run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from anywhere.cli.changes import ended, interrupting, require_root
from anywhere.cli.output import write
from anywhere.cli.register.progress import Lines
from anywhere.cli.say import note
from anywhere.errors import BadInput
from anywhere.files import read_file
from anywhere.flows.change import held
from anywhere.flows.hosts import Hosts
from anywhere.flows.lifecycle.register import Activation, Order, Profile, State, parse_activation, read_profile
from anywhere.flows.lifecycle.register_fleet import Rollouts
from anywhere.report.fleet.registered import render
from anywhere.report.style import PLAIN, style_for

ID_VARIABLE, CODE_VARIABLE = "ANYWHERE_ACTIVATION_ID", "ANYWHERE_ACTIVATION_CODE"
_LARGEST = 1 << 16


def activation_of(path: str, stdin: bool) -> Activation | None:
    """The activation from one of its three places, None where none is given. Raises BadInput."""
    variables = [os.environ.pop(name, "") for name in (ID_VARIABLE, CODE_VARIABLE)]
    if path and stdin:
        raise BadInput("--activation-file and --activation-stdin exclude each other")
    if path or stdin:
        return parse_activation(read_file(path or "-", _LARGEST).decode("utf-8", "replace"), path or "standard input")
    if any(variables):
        return parse_activation(f"id={variables[0]}\ncode={variables[1]}", f"{ID_VARIABLE} and {CODE_VARIABLE}")
    return None


def profile_of(url: str, url_file: str, no_proxy: Sequence[str], ca: str) -> Profile | None:
    """The proxy profile, None where none is given. Raises BadInput."""
    if url and url_file:
        raise BadInput("--proxy-url and --proxy-url-file exclude each other")
    if "@" in url:
        raise BadInput(
            "--proxy-url holds credentials, which every user of this machine could read: use --proxy-url-file"
        )
    address = read_file(url_file, _LARGEST).decode("utf-8", "replace").strip() if url_file else url
    if not (address or ca):
        if no_proxy:
            raise BadInput("--no-proxy needs --proxy-url or --proxy-url-file")
        return None
    return read_profile(address, "", no_proxy, read_file(ca, 1 << 20) if ca else None)


def show(hosts: Hosts, order: Order, wave: str, resume: str, dry: bool, format: str, output: str) -> int:
    """Run it and print the result; the exit code."""
    many = len(hosts.entries) > 1
    rollouts = Rollouts(hosts, order, wave, resume, lambda name: Lines(name if many else ""), _wave)
    if not dry:
        require_root(hosts)
    with held(interrupting):
        results = rollouts.run(dry=dry)
        if len(results) == 1 and not results[0].ok:
            require_root(hosts)
        write(render(results, format, PLAIN if output else style_for(sys.stdout)), output)
        code = ended(0 if all(one.ok for one in results) else 1)
    if dry and format == "table" and any(one.steps for one in results):
        note("Nothing was changed: the same command without --dry-run does it.")
    untouched = [one.name for one in results if one.state is State.UNTOUCHED]
    if untouched:
        note(f"Stopped at the first failing wave, {len(untouched)} hosts are untouched: run it again.")
    return code


def _wave(number: int, of: int, names: Sequence[str]) -> None:
    note(f"wave {number} of {of}{' (canary)' if number == 1 and of > 1 else ''}: {', '.join(names)}")
