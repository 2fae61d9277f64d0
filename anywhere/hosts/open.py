"""From a SPEC to a host: `local`, `[user@]host[:port]`, or the path of a bundle."""

from __future__ import annotations

import time

from anywhere import BORN
from anywhere.errors import BadInput
from anywhere.hosts.base import Deadline, Host
from anywhere.hosts.bundle import looks_like_bundle, replay
from anywhere.hosts.local import LocalHost
from anywhere.hosts.memory import return_large_blocks
from anywhere.hosts.recording import Recording
from anywhere.hosts.target import SSHOptions, SSHTarget, parse_target

BUNDLES = (".json", ".json.gz")
HOST_SECONDS = 30.0  # for one host over SSH, from the first packet to the last
LONGEST_START = 0.5  # seconds: later than this a host is one of many
GATHER_SECONDS = 4.0  # over SSH, beside the budget for the probes: start, login and facts
LONGEST_LOGIN = 1.0  # seconds: what a slow login takes beyond it, the facts do not lose


def open_recorded(
    spec: str | SSHTarget, budget: float, options: SSHOptions | None = None, seconds: float = HOST_SECONDS
) -> Recording:
    """A host to judge. Raises BadInput or HostUnreachable."""
    if isinstance(spec, str) and is_bundle(spec):
        return replay(spec)
    return Recording(open_live(spec, budget, options, seconds))


def open_live(
    spec: str | SSHTarget, budget: float, options: SSHOptions | None = None, seconds: float = HOST_SECONDS
) -> Host:
    """A host to act on. Raises BadInput (a bundle cannot be changed) or HostUnreachable.

    `budget` is for the probes; a host over SSH has at most `seconds` in all, the login included.
    """
    return_large_blocks()
    if spec == "local":
        return LocalHost(Deadline(budget - _started()), budget)
    if isinstance(spec, str):
        if is_bundle(spec):
            raise BadInput(f"{spec} is a saved bundle: only a live host can be changed")
        spec = parse_target(spec)
    return _over_ssh(spec, budget, options or SSHOptions(), seconds)


def _started() -> float:
    """Seconds that the start of this process took, where it was for this host that it started."""
    spent = time.monotonic() - BORN
    return spent if spent < LONGEST_START else 0.0


def _over_ssh(target: SSHTarget, budget: float, options: SSHOptions, seconds: float) -> Host:
    try:
        from anywhere.hosts.ssh.host import SSHHost
        from anywhere.hosts.ssh.login import login
    except ImportError as error:
        raise BadInput(
            f"{target}: SSH needs asyncssh: pip install 'ecs-anywhere-toolkit[ssh]' ({error.name})"
        ) from error
    whole, spent, began = Deadline(seconds), _started(), time.monotonic()
    connection = login(target, options, whole.left(options.connect_timeout))
    spent += min(time.monotonic() - began, LONGEST_LOGIN)
    return SSHHost(connection, options, Deadline(whole.left(budget + GATHER_SECONDS - spent)), budget)


def is_bundle(spec: str) -> bool:
    """Whether a SPEC names a saved bundle: by its ending, as a path with a slash, or as a file that is one. A file that
    has the name of a host is none."""
    if spec.endswith(BUNDLES):
        return True
    if spec.startswith("ssh://"):
        return False
    return "/" in spec.rstrip("/") or looks_like_bundle(spec)
