"""What the host already is, held against what is wanted: the same, half done, or something else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from anywhere.catalogue.distros import family_of
from anywhere.changes.agents.copied import made_elsewhere
from anywhere.changes.agents.ecs import has_joined, saved_cluster
from anywhere.changes.agents.wanted import Wanted
from anywhere.changes.base import NeedsRoot
from anywhere.facts.agents.agents import Agents, Metadata, agents, metadata
from anywhere.facts.agents.ecs_config import USER, ecs_config
from anywhere.facts.agents.registration import LEFTOVER, MALFORMED, SAVED_STATE, UNKNOWN, VAULT
from anywhere.facts.files import shell_line
from anywhere.facts.system.os_release import os_release
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

# The last byte of the registration is no secret.
END = ("tail", "-c", "2", VAULT)
# The keys must go with the state of the agent; the credentials file is written anew after the next registration.
RESET: tuple[tuple[str, ...], ...] = (
    ("systemctl", "stop", "ecs", "amazon-ssm-agent"),
    ("rm", "-rf", "/var/lib/amazon/ssm/Vault", LEFTOVER, "/var/lib/amazon/ssm/runtimeconfig/identity_config.json"),
    ("rm", "-f", SAVED_STATE),
)
CLUSTER_LINE = shell_line(Path(__file__).with_name("cluster_line.sh"))
_SNAP_SSM: tuple[str, ...] = ("snap", "remove", "amazon-ssm-agent")


@frozen
class Difference:
    """One thing that is otherwise than wanted and that registration must not change: what, have, want, the sentence
    that says what to do, and the commands that do it. `code` is a cause code."""

    code: str
    what: str
    have: str
    want: str
    fix: str
    commands: tuple[tuple[str, ...], ...] = ()


def move_commands(cluster: str) -> tuple[tuple[str, ...], ...]:
    """Into another cluster, as AWS's page says; the saved state must go, or the agent stops for good."""
    return (
        ("systemctl", "stop", "ecs"),
        # Without such a line the agent would go to the cluster `default`.
        (*CLUSTER_LINE, "sh", USER, cluster),
        ("rm", "-f", SAVED_STATE),
        ("systemctl", "start", "ecs"),
    )


def differences(host: Host, wanted: Wanted) -> tuple[Difference, ...]:
    """All that is otherwise, empty where registration may go on. Raises ChangeFailed where root's files are hidden."""
    here = agents(host)
    if here.registration.state == UNKNOWN:
        raise NeedsRoot(f"{VAULT} may not be read: run as root")
    return (
        *_duplicate(host, here),
        *_broken(host, here),
        *_cloned(host, here),
        *_region(here, wanted),
        *_joined(host, here, wanted, metadata(host)),
    )


def _duplicate(host: Host, here: Agents) -> Iterator[Difference]:
    if here.ssm.exists and here.ssm_snap.exists:
        keep = "package"
        drop: tuple[tuple[str, ...], ...] = (_SNAP_SSM,)
        if here.keeps_snap:
            family = family_of(os_release(host))
            keep, drop = "snap", ((*family.remove, "amazon-ssm-agent"),) if family and family.install else ()
        yield Difference(
            "agent.duplicate-ssm",
            "SSM agents",
            "the package's and the snap's",
            "one",
            f"Two SSM agents fight over one registration. Keep the {keep}'s.",
            drop,
        )


def _broken(host: Host, here: Agents) -> Iterator[Difference]:
    found = here.registration
    end = host.run(END, timeout=5)
    said = ""
    if end.ok and not end.stdout.strip():
        said = "an empty file"
    elif end.ok and not end.stdout.strip().endswith("}"):
        said = "a file that is cut short"
    elif found.state == MALFORMED:
        said = "a file without an instance"
    if said:
        named = f"; {LEFTOVER} still names {found.leftover}" if found.leftover else ""
        yield Difference(
            "registration.broken",
            VAULT,
            said + named,
            "a registration, or none",
            "The key of the registration is lost. Clear what is left, deregister "
            f"{found.leftover or 'the old instance'} in the account, then run register again with a fresh activation.",
            RESET,
        )


def _cloned(host: Host, here: Agents) -> Iterator[Difference]:
    if not here.registration.is_registered:
        return
    made, own = made_elsewhere(host)
    if made:
        yield Difference(
            "identity.duplicate",
            "machine-id",
            f"the registration was made on machine {made[:8]}...",
            f"this machine, {own[:8]}...",
            f"{here.registration.instance} was copied here with an image, or the machine-id changed: AWS refuses its "
            "credentials. Clear it, then run register again with a fresh activation.",
            RESET,
        )


def _region(here: Agents, wanted: Wanted) -> Iterator[Difference]:
    found = here.registration
    if found.is_registered and found.region and found.region != wanted.region:
        yield Difference(
            "registration.other",
            "region",
            f"{found.region} ({found.instance})",
            wanted.region,
            f"Clear the registration, deregister {found.instance} in the account, then run register again.",
            RESET,
        )


def _joined(host: Host, here: Agents, wanted: Wanted, said: Metadata) -> Iterator[Difference]:
    """The cluster and account of an agent that has joined one; one that never joined takes what is wanted."""
    if not here.registration.is_registered:
        return
    account = said.instance_arn.split(":")[4] if said.instance_arn.count(":") > 4 else ""
    if wanted.account and account and account != wanted.account:
        yield Difference(
            "registration.other",
            "account",
            account,
            wanted.account,
            "This host belongs to another account. Clear the registration, then run register again.",
            RESET,
        )
    if not (said.instance_arn or has_joined(host)):
        return
    # An agent whose settings were edited since belongs where its state does: the merge of the settings brings it back.
    cluster = said.cluster or saved_cluster(host) or ecs_config(host).init.get("ECS_CLUSTER", "") or "default"
    if cluster != wanted.cluster:
        yield Difference(
            "registration.other",
            "cluster",
            cluster,
            wanted.cluster,
            f"Move the host to {wanted.cluster}. Its running tasks become orphans: drain the instance first.",
            (("sudo", "anywhere", "move", "--cluster", wanted.cluster),),
        )
