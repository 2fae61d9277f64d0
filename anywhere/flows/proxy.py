"""The proxy profile: read from what the caller names, and made a change."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from anywhere.catalogue.endpoints import find_region
from anywhere.changes.proxy import plan
from anywhere.changes.proxy.profile import Profile, read_profile
from anywhere.errors import BadInput
from anywhere.files import read_file
from anywhere.flows.change import Work
from anywhere.flows.hosts import Hosts
from anywhere.hosts.base import Host

__all__ = ["ORDER", "Profile", "profile", "require_free_stdin", "restart_running", "work"]

LARGEST = 1 << 20  # bytes of a file with URL, credentials or certificates
ORDER = "docker, then amazon-ssm-agent, then ecs"
restart_running: Callable[[Host], object] = plan.restart_running


def profile(url: str, url_file: str, credentials: str, no_proxy: Sequence[str], ca: str, region: str = "") -> Profile:
    """The profile from options and files. Raises BadInput."""
    if region:
        find_region(region)
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
    read = read_profile(text, inner, no_proxy, read_file(ca, LARGEST, "--ca") if ca else None)
    return replace(read, region=region)


def require_free_stdin(hosts: Hosts, *paths: str) -> None:
    """Raises BadInput where the password of sudo has been taken from standard input, which `-` would read too."""
    if "-" in paths and hosts.ssh.become_password and not sys.stdin.isatty():
        raise BadInput("--ask-become-pass reads standard input here, and so does -: give the other one as a file")


def work(wanted: Profile | None = None, packages: bool = False, restart: bool = False) -> Work:
    """The change that writes this profile; without one, what has to be undone is in the journal."""
    planner = partial(plan.plan, profile=wanted or Profile(), packages=packages, restart=restart)
    return Work("proxy", plan.JOURNAL, planner, plan.traces)


def _text(path: str, option: str) -> str:
    if not path:
        return ""
    try:
        return read_file(path, LARGEST, option).decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{option}: {path} is no UTF-8 text") from None
