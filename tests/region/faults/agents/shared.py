"""Credentials that the SSM agent renews and the ECS agent does not find, and those that win over them."""

from __future__ import annotations

import json

from tests.region.faults import fault
from tests.region.faults.agents.ssm import SETTINGS
from tests.region.faults.agents.words import looping
from tests.region.software import SSM, put_secret, register
from tests.region.world import World

IDENTITY, CREDENTIALS = "/var/lib/amazon/ssm/runtimeconfig/identity_config.json", "/root/.aws/credentials"
NO_CREDENTIALS = (
    'level=error msg="Unable to register as a container instance with ECS" error="operation error ECS: '
    "RegisterContainerInstance, get identity: get credentials: failed to refresh cached credentials, no EC2 IMDS role "
    'found" module=client.go'
)


def written_elsewhere(world: World, place: str) -> None:
    """The SSM agent puts its credentials into another file, and the ECS agent finds none."""
    looping(world, NO_CREDENTIALS)
    said = json.loads(str(world.host.files[IDENTITY]))
    put_secret(world, IDENTITY, json.dumps(said | {"ShareFile": place}))
    put_secret(world, place, str(world.host.files.pop(CREDENTIALS)))
    world.host.modes.pop(CREDENTIALS, None)


@fault("ssm-writes-elsewhere", "a drop-in names another file for the SSM agent's credentials", "agent.no-credentials")
def ssm_writes_elsewhere(world: World) -> None:
    written_elsewhere(world, "/etc/aws/creds")
    world.host.files[f"/etc/systemd/system/{SSM}.d/10-creds.conf"] = (
        "[Service]\nEnvironment=AWS_SHARED_CREDENTIALS_FILE=/etc/aws/creds\n"
    )


@fault(
    "ssm-writes-elsewhere-of-systemd",
    "systemd's own settings name another file for the credentials",
    "agent.no-credentials",
)
def ssm_writes_elsewhere_of_systemd(world: World) -> None:
    written_elsewhere(world, "/etc/aws/creds")
    world.host.files["/etc/systemd/system.conf"] = (
        "[Manager]\nDefaultEnvironment=LANG=C\nDefaultEnvironment=AWS_SHARED_CREDENTIALS_FILE=/etc/aws/creds\n"
    )


@fault(
    "ssm-writes-elsewhere-by-file", "a file of variables names another file for the credentials", "agent.no-credentials"
)
def ssm_writes_elsewhere_by_file(world: World) -> None:
    written_elsewhere(world, "/etc/aws/creds")
    world.host.files[f"/etc/systemd/system/{SSM}.d/site.conf"] = "[Service]\nEnvironmentFile=/etc/default/ssm\n"
    world.host.files["/etc/default/ssm"] = "# site\nAWS_SHARED_CREDENTIALS_FILE=/etc/aws/creds\n"


@fault("ssm-other-home", "the SSM agent was started with another home", "agent.no-credentials")
def ssm_other_home(world: World) -> None:
    written_elsewhere(world, "/home/ubuntu/.aws/credentials")


@fault(
    "ssm-shares-nothing-loop",
    "the SSM agent shares no credentials: the ECS agent starts again and again",
    "config.invalid",
)
def ssm_shares_nothing_loop(world: World) -> None:
    looping(world, NO_CREDENTIALS)
    world.host.files[SETTINGS] = json.dumps({"Profile": {"ShareCreds": False}}, indent=4)
    world.host.files[CREDENTIALS] = ""


@fault("ssm-without-root", "a drop-in takes root's home from the SSM agent, whose file is empty", "config.invalid")
def ssm_without_root(world: World) -> None:
    register(world)
    world.host.files[f"/etc/systemd/system/{SSM}.d/10-hardening.conf"] = "[Service]\nProtectHome=yes\n"
    put_secret(world, CREDENTIALS, "")


@fault("static-keys-in-unit", "a drop-in gives the SSM agent access keys", "credentials.static")
def static_keys_in_unit(world: World) -> None:
    register(world)
    world.host.files[f"/etc/systemd/system/{SSM}.d/keys.conf"] = (
        "[Service]\nEnvironment=AWS_ACCESS_KEY_ID=AKIAEXAMPLEEXAMPLE\nEnvironment=AWS_SECRET_ACCESS_KEY=example\n"
    )


@fault("static-keys-of-systemd", "systemd's own settings give every unit access keys", "credentials.static")
def static_keys_of_systemd(world: World) -> None:
    register(world)
    world.host.files["/etc/systemd/system.conf.d/keys.conf"] = (
        "[Manager]\nDefaultEnvironment=AWS_ACCESS_KEY_ID=AKIAEXAMPLEEXAMPLE AWS_SECRET_ACCESS_KEY=example\n"
    )
