"""What `anywhere proxy` does once its words are read."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from anywhere.changes.proxy import plan as proxy
from anywhere.changes.proxy.profile import Profile, read_profile
from anywhere.cli import changes
from anywhere.cli.say import note
from anywhere.errors import BadInput
from anywhere.flows.hosts import Hosts

LARGEST = 1 << 20  # bytes of a file with URL, credentials or certificates


def profile(url: str, url_file: str, credentials: str, no_proxy: Sequence[str], ca: str) -> Profile:
    """The profile from options and files. Raises BadInput."""
    if url and url_file:
        raise BadInput("--url and --url-file name the proxy twice")
    if [url_file, credentials, ca].count("-") > 1:
        raise BadInput("standard input holds the URL, the credentials or the CA, not two of them")
    if "@" in url.partition("://")[2]:
        raise BadInput("--url holds credentials, which every user can read in the process list: use --credentials-file")
    text = _text(url_file, "--url-file").strip() if url_file else url
    if url_file and not text:
        raise BadInput(f"--url-file: {url_file} is empty")
    inner = _text(credentials, "--credentials-file")
    if credentials and not inner.strip():
        raise BadInput(f"--credentials-file: {credentials} is empty")
    return read_profile(text, inner, no_proxy, _read(ca, "--ca") if ca else None)


def require_free_stdin(hosts: Hosts, *paths: str) -> None:
    """Raises BadInput where the password of sudo has been taken from standard input, which `-` would read too."""
    if "-" in paths and hosts.ssh.become_password and not sys.stdin.isatty():
        raise BadInput("--ask-become-pass reads standard input here, and so does -: give the other one as a file")


def plan(profile: Profile, packages: bool, restart: bool, hosts: Hosts, format: str) -> int:
    """Print the steps."""
    return changes.plan(_work(profile, packages, restart), hosts, format)


def apply(profile: Profile, packages: bool, restart: bool, hosts: Hosts, wave: str, format: str) -> int:
    """Write, and say what has to be restarted."""
    code = changes.apply(_work(profile, packages, restart), hosts, wave, format)
    if not restart and profile.address:
        note(f"It counts from the next start on. Restart those that run: {_order()} (or use --restart).")
    return code


def revert(restart: bool, hosts: Hosts, wave: str, format: str) -> int:
    """Undo, and restart or say what has to be restarted."""
    after = proxy.restart_running if restart else None
    code = changes.revert(_work(Profile(), False, False), hosts, wave, format, after)
    if not restart:
        note(f"What still runs keeps its old environment until it is restarted: {_order()}.")
    return code


def plan_revert(hosts: Hosts, format: str) -> int:
    """Print what a revert would undo."""
    return changes.plan_revert(_work(Profile(), False, False), hosts, format)


def verify(profile: Profile, packages: bool, hosts: Hosts, format: str, output: str) -> int:
    """Judge; the exit code."""
    from anywhere.cli.output import verified
    from anywhere.flows.verify import proxy as judge

    return verified(hosts, lambda: judge(hosts, profile, packages), format, output)


def _work(profile: Profile, packages: bool, restart: bool) -> changes.Work:
    planner = partial(proxy.plan, profile=profile, packages=packages, restart=restart)
    return changes.Work("proxy", proxy.JOURNAL, planner)


def _order() -> str:
    return "docker, then amazon-ssm-agent, then ecs"


def _text(path: str, option: str) -> str:
    if not path:
        return ""
    try:
        return _read(path, option).decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{option}: {path} is no UTF-8 text") from None


def _read(path: str, option: str) -> bytes:
    try:
        if path == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(LARGEST + 1)
    except OSError as error:
        raise BadInput(f"{option}: {path} cannot be read: {error.strerror}") from None
    if len(data) > LARGEST:
        raise BadInput(f"{option}: {path} is larger than 1 MiB")
    return data
