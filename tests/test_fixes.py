"""Fixes are complete: carried out by root on the host, in their order, the cause is gone.

The daemons of the region cannot be restarted by systemctl, so causes inside the agents are proven on booted hosts; and a
fix that sets a limit of the whole kernel is not carried out, where the region does not keep that file to itself.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.region.faults import table
from tests.region.region import Region
from tests.support.judged import ANYWHERE, judge_in

# Faults whose fix is commands alone, and that this host can undo. All others ask somebody, or leave a choice to a person.
PROVEN = (
    "agent-ipv6-without-kernel",
    "azure-metadata",
    "boolean-yes",
    "bridge-down",
    "config-quoted",
    "connection-table-full",
    "connection-table-near",
    "containers-marked-away",
    "containers-rule-prohibits",
    "data-read-only-after-error",
    "docker-ipv6-without-kernel",
    "ec2-role",
    "ec2-role-token",
    "exec-noexec",
    "forward-drops-answers",
    "forward-drops-dns",
    "forward-rejects-all",
    "forwarding-off",
    "forwarding-off-for-new-cards",
    "gateway-dead-other-alive",
    "gcp-metadata",
    "host-output-dropped",
    "hosts-only",
    "hosts-pin-blocked",
    "hosts-pin-loopback",
    "hosts-pin-stale",
    "hosts-pin-working",
    "machine-id-volatile",
    "masquerade-other-address",
    "nft-forward-drops",
    "openstack-metadata",
    "own-input-drops",
    "own-output-drops",
    "own-output-drops-dns",
    "own-output-drops-proxy",
    "own-output-rejects",
    "ports-not-reserved",
    "processes-used-up",
    "raw-drops-containers",
    "region-note",
    "region-upper",
    "region-zone",
    "rules-missing",
    "rules-shadowed",
    "rules-unguarded",
    "rules-volatile",
    "rules-wrong-backend",
    "source-rule-wrong",
    "ssm-other-region",
    "ssm-settings-kind",
    "ssm-shares-nothing-yet",
    "state-read-only",
    "static-keys-environment",
    "storage-card-first",
    "vpn-table-dead",
)


def typed(command: list[str]) -> list[str]:
    """The command as root types it: without sudo, and this very program."""
    words = command[1:] if command[:1] == ["sudo"] else command
    return [*ANYWHERE, *words[1:]] if words[:1] == ["anywhere"] else words


@pytest.mark.broad
@pytest.mark.region
@pytest.mark.parametrize("name", PROVEN)
def test_the_fix_makes_the_cause_go_away(name: str) -> None:
    fault = table()[name]
    with Region((name,)) as world:
        before = judge_in(world, fault.arguments)
        for cause in before["causes"]:
            for command in cause["remedy"]["commands"] if cause["code"] in fault.causes else ():
                world.run(typed(command))
        after = judge_in(world, fault.arguments)
    assert fault.causes <= codes(before) and not fault.causes & codes(after)


def test_as_many_are_proven_as_is_claimed() -> None:
    assert len(set(PROVEN)) >= 35 and set(PROVEN) <= set(table())


def codes(target: dict[str, Any]) -> set[str]:
    return {cause["code"] for cause in target["causes"]}
