"""A booted server against the region's control plane, with the stand-in packages, by hand: the way that `register` goes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.booted.machine import Machine, booted
from tests.booted.mirror import make_bare
from tests.region import Region
from tests.region.site import Site

pytestmark = [pytest.mark.booted, pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

S3 = "https://s3.us-east-1.amazonaws.com"
SSM = f"curl -fsSO {S3}/amazon-ssm-us-east-1/latest/debian_amd64/amazon-ssm-agent.deb && dpkg -i amazon-ssm-agent.deb"
ECS = f"curl -fsSO {S3}/amazon-ecs-agent-us-east-1/amazon-ecs-init-latest.amd64.deb && dpkg -i amazon-ecs-init-latest.amd64.deb"
CONFIG = (
    "mkdir -p /etc/ecs /var/lib/ecs; echo ECS_CLUSTER=plant-7 >/etc/ecs/ecs.config;"
    r"printf 'AWS_DEFAULT_REGION=us-east-1\nECS_EXTERNAL=true\n' >/var/lib/ecs/ecs.config"
)
SUITES = ("bookworm", "bullseye", "trixie")


@pytest.fixture(params=SUITES)
def site(request: pytest.FixtureRequest) -> Iterator[tuple[Machine, Site]]:
    with Region() as region, booted(request.param) as machine, Site(region) as made:
        made.plug(machine)
        made.publish()
        yield machine, made


def kinds(site: Site) -> list[str]:
    return sorted(one["kind"] for one in site.control.state()["channels"])


def register(machine: Machine, site: Site, **activation: float) -> None:
    one = site.control.activate(**activation)
    machine.sh(f"cd /tmp; {SSM}; systemctl stop amazon-ssm-agent")
    machine.sh(f"amazon-ssm-agent -register -code {one['code']} -id {one['id']} -region us-east-1")
    machine.sh(f"systemctl start amazon-ssm-agent docker; cd /tmp; {ECS}; {CONFIG}; systemctl enable --now ecs")


def test_a_bare_server_gets_docker_from_the_mirror(site: tuple[Machine, Site], request: pytest.FixtureRequest) -> None:
    machine, region = site
    make_bare(region, machine, request.node.callspec.params["site"])
    assert not machine.run(("sh", "-c", "command -v docker || command -v dockerd")).ok
    machine.sh("apt-get update && DEBIAN_FRONTEND=noninteractive apt-get -y install docker.io")
    assert machine.sh("systemctl is-active docker").strip() == "active"


def test_the_stand_ins_register_and_stay_connected(site: tuple[Machine, Site]) -> None:
    machine, region = site
    register(machine, region)
    machine.until(lambda: kinds(region) == ["acs", "control-channel", "tcs"], 60, "three channels")
    state = region.control.state()
    assert [one["used"] for one in state["activations"]] == [1]
    said = json.loads(machine.sh("curl -s localhost:51678/v1/metadata"))
    assert (said["Cluster"], said["ContainerInstanceArn"]) == ("plant-7", state["containers"][0]["arn"])
    assert "Connected to ACS" in machine.sh("cat /var/log/ecs/ecs-agent.log")
    machine.reboot()
    region.plug(machine)
    machine.until(lambda: kinds(region) == ["acs", "control-channel", "tcs"], 90, "three channels after a reboot")
    state = region.control.state()
    assert (len(state["instances"]), len(state["containers"])) == (1, 1), "the same instance as before"


def test_the_setup_command_installs_and_registers(site: tuple[Machine, Site]) -> None:
    machine, region = site
    one = region.control.activate()
    words = f"-register -activation-id {one['id']} -activation-code {one['code']} -region us-east-1"
    machine.sh(
        f"cd /tmp; curl -fsSO {S3}/amazon-ssm-us-east-1/latest/debian_amd64/ssm-setup-cli; chmod 755 ssm-setup-cli"
    )
    machine.sh(f"/tmp/ssm-setup-cli {words}")
    machine.until(lambda: kinds(region) == ["control-channel"], 30, "the control channel")
    machine.sh("dpkg --purge amazon-ssm-agent")
    assert "amazon-ssm-agent" not in machine.sh("systemctl list-unit-files --no-pager")
