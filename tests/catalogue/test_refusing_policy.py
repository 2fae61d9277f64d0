"""AWS names the kind of policy that refuses: whoever keeps that policy is asked, and not the role's."""

from __future__ import annotations

import pytest

from anywhere.catalogue.daemon_lines.refusals import refusal, refusing_policy

ACTION = "ecs:RegisterContainerInstance"
SAID = f"AccessDeniedException: User: arn:aws:sts::1:assumed-role/r/mi-1 is not authorized to perform: {ACTION} on resource: *"
LACKS, DENIES = f"{SAID} because no {{}} allows the {ACTION} action", f"{SAID} with an explicit deny in a {{}}"
ARN = ": arn:aws:organizations::9:policy/o-1/service_control_policy/p-1"


@pytest.mark.parametrize(
    ("text", "kind", "asks"),
    [
        (LACKS.format("VPC endpoint policy"), "vpc endpoint", "VPC endpoint"),
        (DENIES.format("VPC endpoint policy"), "vpc endpoint", "VPC endpoint"),
        (LACKS.format("service control policy"), "service control", "SCP"),
        (DENIES.format("service control policy") + ARN, "service control", "SCP"),
        (DENIES.format("resource control policy"), "resource control", "RCP"),
        (LACKS.format("permissions boundary"), "permissions boundary", "boundary of the role"),
        (DENIES.format("identity-based policy").replace("in a", "in an"), "identity-based", "Deny statement"),
        (LACKS.format("session policy"), "session", "session"),
    ],
)
def test_the_policy_that_refuses_is_named(text: str, kind: str, asks: str) -> None:
    row = refusal(text)
    assert row is not None and row.kind == "denied" and row.cause == "agent.not-authorized"
    assert refusing_policy(text) == kind
    assert asks in row.fix and "AmazonEC2ContainerServiceforEC2Role" not in row.fix


@pytest.mark.parametrize("text", [SAID, LACKS.format("identity-based policy"), f"{SAID} (VPC endpoint vpce-1)"])
def test_a_role_without_the_action_gets_the_managed_policies(text: str) -> None:
    row = refusal(text)
    assert row is not None and refusing_policy(text) == ""
    assert "AmazonEC2ContainerServiceforEC2Role" in row.fix
