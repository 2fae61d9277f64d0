"""Every setback of a registration, met by hand on a booted server: the failing part says so, and healed it gets there."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.booted.machine import Machine, booted
from tests.booted.mirror import make_bare
from tests.booted.test_registration import CONFIG, ECS, S3, SSM, kinds
from tests.region import Region
from tests.region.faults.registration import Rehearsal, setbacks
from tests.region.site import Site

pytestmark = [
    pytest.mark.soak,
    pytest.mark.booted,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]

CLEAN = (
    "systemctl stop ecs amazon-ssm-agent docker docker.socket 2>/dev/null; docker rm -f ecs-agent 2>/dev/null;"
    "dpkg --purge --force-all amazon-ecs-init amazon-ssm-agent >/dev/null 2>&1; rm -rf /var/lib/ecs /etc/ecs /var/log/ecs"
    " /var/lib/amazon /var/log/amazon /root/.aws /var/cache/ecs/* /tmp/*.deb; systemctl reset-failed; true"
)
LOGS = (
    "cat /var/log/ecs/*.log /var/log/amazon/ssm/*.log 2>/dev/null;"
    "journalctl -b --no-pager -u ecs -u amazon-ssm-agent -u docker"
)
UP = ["acs", "control-channel", "tcs"]
PATIENCE = 12  # seconds for what is no failure, only slow
DOCKER = (
    "command -v dockerd >/dev/null || { apt-get -o Acquire::Retries=0 update && DEBIAN_FRONTEND=noninteractive "
    "apt-get -o Acquire::Retries=0 -y install docker.io; } && systemctl start docker"
)
# gpgv is content with a good signature by a key that has expired: its status lines are not.
VERIFY = (
    "sed '/^[-=]/d;/^$/d' /root/region-keyring.asc | base64 -d >site.gpg; rm -f *.deb*;"
    f"for u in amazon-ssm-us-east-1/latest/debian_amd64/amazon-ssm-agent.deb:sig "
    f"amazon-ecs-agent-us-east-1/amazon-ecs-init-latest.amd64.deb:asc; do f=${{u%:*}}; n=${{f##*/}};"
    f"curl -fsSO {S3}/$f && curl -fsSO {S3}/$f.${{u#*:}} && "
    "{ gpgv --keyring ./site.gpg --status-fd 1 $n.${u#*:} $n >verdict 2>&1 || true; cat verdict; } && "
    "grep -q GOODSIG verdict || exit 1; done"
)
STEPS = ("docker", "package", "ssm", "ecs")
BY_SUITE = {
    suite: [name for name, one in setbacks().items() if suite == next(iter(one.suites))]
    for suite in ("bookworm", "trixie")
}


@pytest.fixture(scope="module", params=BY_SUITE)
def place(request: pytest.FixtureRequest) -> Iterator[tuple[str, Machine, Site]]:
    with Region() as region, booted(request.param) as machine, Site(region) as site:
        site.plug(machine)
        site.publish()
        yield request.param, machine, site


def steps(one: Rehearsal) -> dict[str, str]:
    """Scripts by step, in their order."""
    code, identity = one.activation["code"], one.activation["id"]
    install = f"cd /tmp; if command -v gpgv >/dev/null; then {VERIFY}; fi && {SSM} && {ECS} && {{ {CONFIG}; }}"
    register = (
        f"systemctl stop amazon-ssm-agent; grep -q 'instanceID\":\"mi-' /var/lib/amazon/ssm/Vault/Store/RegistrationKey || "
        f"amazon-ssm-agent -register -code {code} -id {identity} -region us-east-1 && systemctl restart amazon-ssm-agent"
    )
    joins = "systemctl enable --quiet ecs; timeout 5 systemctl restart ecs"
    return dict(zip(STEPS, (DOCKER, install, register, joins), strict=True))


def run(machine: Machine, site: Site, one: Rehearsal) -> tuple[str, str]:
    """The step that failed (empty when all is up) and everything that was said."""
    said = ""
    for step, script in steps(one).items():
        done = machine.run(("sh", "-c", script), timeout=120)
        said += done.stdout + done.stderr
        if not done.ok and step != "ecs":
            return step, said + machine.sh(LOGS)
    try:
        machine.until(lambda: kinds(site) == UP, PATIENCE)
    except AssertionError:
        return ("ecs" if "control-channel" in kinds(site) else "ssm"), said + machine.sh(LOGS)
    answers = machine.run(("sh", "-c", "curl -sf localhost:51678/v1/metadata | grep -q ContainerInstanceArn"))
    return ("" if answers.ok else "ecs"), said + machine.sh(LOGS)


@pytest.mark.parametrize("name", [name for names in BY_SUITE.values() for name in names])
def test_it_is_reported_and_healed(place: tuple[str, Machine, Site], name: str) -> None:
    suite, machine, site = place
    if name not in BY_SUITE[suite]:
        pytest.skip("of another release")
    machine.sh(CLEAN)
    one = Rehearsal(site, machine, site.control.activate(limit=3))
    what = setbacks()[name]
    if name.startswith("mirror"):
        make_bare(site, machine, suite)
    what.apply(one)
    try:
        step, said = run(machine, site, one)
        if what.step == "boot":
            machine.reboot()
            site.plug(machine)
            # Where there is no kernel log, what systemd says this early is in no journal.
            said = machine.sh("systemd-analyze verify multi-user.target 2>&1", check=False)
            assert "inactive" in machine.sh("systemctl is-active docker ecs", check=False)
        assert what.words in said
        assert step in (what.step, "") if not what.final else step == what.step or what.step == "boot", said[-3000:]
    finally:
        one.heal()
    machine.sh("systemctl reset-failed; dpkg --configure -a; rm -f /tmp/*.deb")
    machine.sh("systemctl stop ecs amazon-ssm-agent", check=False)
    step, said = run(machine, site, one)
    assert not step, said[-3000:]
