"""The plan as a whole, by family and by what the host already has; nothing is run, apart from the script that registers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from anywhere.changes.agents import plan as registering
from anywhere.changes.agents.ecs import JOINED, SAVED_ARN, saved_cluster
from anywhere.changes.agents.existing import differences, move_commands
from anywhere.changes.agents.plan import install_plan, late_plan, start_plan
from anywhere.changes.agents.wanted import Activation, Wanted
from anywhere.changes.install.packages import LocalPackage
from anywhere.changes.proxy.profile import read_profile
from anywhere.facts.agents.ecs_config import USER
from anywhere.facts.agents.registration import GREP, SAVED_STATE, VAULT
from anywhere.facts.system.units import SHOW
from anywhere.hosts.base import Completed, Daemon, Inventory
from tests.support.fakehost import NOW, FakeHost

ACTIVATION = Activation("01234567-89ab-cdef-0123-456789abcdef", "abcdefghij0123456789")
RPMS = (LocalPackage("amazon-ssm-agent", "s.rpm"), LocalPackage("amazon-ecs-init", "e.rpm"))
SECRET = read_profile("http://edge:p%40ss@proxy.corp:3128", "", (), None)
RELEASES = {
    "rhel8": ('ID="rhel"\nVERSION_ID="8.10"\nID_LIKE="fedora"\n', "dnf"),
    "rhel9": ('ID="rhel"\nVERSION_ID="9.4"\nID_LIKE="fedora"\n', "dnf"),
    "centos7": ('ID="centos"\nVERSION_ID="7"\nID_LIKE="rhel fedora"\n', "yum"),
    "rocky9": ('ID="rocky"\nVERSION_ID="9.4"\nID_LIKE="rhel centos fedora"\n', "dnf"),
    "fedora42": ("ID=fedora\nVERSION_ID=42\n", "dnf"),
    "al2": ('ID="amzn"\nVERSION_ID="2"\nID_LIKE="centos rhel fedora"\n', "yum"),
    "al2023": ('ID="amzn"\nVERSION_ID="2023"\nID_LIKE="fedora"\n', "dnf"),
    "sles15": ('ID="sles"\nVERSION_ID="15.6"\nID_LIKE="suse"\n', "zypper"),
    "tumbleweed": ('ID="opensuse-tumbleweed"\nVERSION_ID="20261101"\nID_LIKE="opensuse suse"\n', "zypper"),
}
ORDER = [
    "package:docker",
    "unit:docker.service",
    "package:amazon-ssm-agent",
    "registration",
    "package:amazon-ecs-init",
    "file:/var/lib/ecs/ecs.config",
    "file:/etc/ecs/ecs.config",
]


@pytest.mark.parametrize("release", RELEASES)
def test_each_rpm_family_is_installed_with_its_own_manager_in_the_same_order(release: str) -> None:
    text, manager = RELEASES[release]
    host = FakeHost({"/etc/os-release": text})
    source = "docker" if release.startswith("rhel") else "auto"
    found = install_plan(host, Wanted("us-east-1", docker=source), RPMS, ACTIVATION)
    keys = [step.key for step in found if step.key in ORDER]
    assert keys == ORDER
    shown = [step.do.shown for step in found if step.key.startswith("package:")]
    assert {words[0] for words in shown} == {manager}
    for words in shown[1:]:
        assert words[-1].endswith(".rpm")
        assert ("--allow-unsigned-rpm" if manager == "zypper" else "--setopt=localpkg_gpgcheck=0") in words
    assert "--setopt=localpkg_gpgcheck=0" not in shown[0] and "--allow-unsigned-rpm" not in shown[0]
    assert not any("apt" in word for step in found for word in step.do.shown)
    assert [step.key for step in start_plan(host, Wanted("us-east-1"))][-1] == "unit:ecs.service"


def test_a_secret_proxy_reaches_the_registration_by_standard_input_alone() -> None:
    host = FakeHost({"/etc/os-release": RELEASES["rhel9"][0]})
    found = install_plan(host, Wanted("us-east-1", docker="docker"), RPMS, ACTIVATION, SECRET)
    for key in ("registration", "key:/etc/pki/rpm-gpg/RPM-GPG-KEY-docker"):
        (step,) = [one for one in found if one.key == key]
        assert b"https_proxy=http://edge:p%40ss@proxy.corp:3128\n" in step.do.input and step.do.secret
        assert "p%40ss" not in " ".join((*step.do.argv, *step.do.shown, step.title))


def test_the_proxy_that_the_unit_of_the_agent_has_is_used_without_a_profile() -> None:
    drop_in = "/etc/systemd/system/amazon-ssm-agent.service.d/http-proxy.conf"
    text = "[Service]\nEnvironment=HTTPS_PROXY=http://proxy.corp:3128 no_proxy=169.254.169.254\n"
    show = "Id=amazon-ssm-agent.service\nNames=amazon-ssm-agent.service\nLoadState=not-found\n"
    host = FakeHost({"/etc/os-release": RELEASES["al2023"][0], drop_in: text}, {SHOW: show})
    (step,) = [one for one in install_plan(host, Wanted("us-east-1"), RPMS, ACTIVATION) if one.key == "registration"]
    lines = step.do.input.decode().splitlines()
    assert lines[2:] == ["https_proxy=http://proxy.corp:3128", "no_proxy=169.254.169.254"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_script_gives_the_agent_the_proxy_and_nothing_else_that_stands_there(tmp_path: Path) -> None:
    agent = tmp_path / "agent"
    agent.write_text(f'#!/bin/sh\nenv > {tmp_path}/seen; echo "$@" > {tmp_path}/words; exit 1\n')
    agent.chmod(0o755)
    script = Path(registering.__file__).with_name("register.sh").read_text()
    script = script.replace("/var/lib/amazon", f"{tmp_path}/amazon").replace("/run/anywhere", f"{tmp_path}/run")
    argv = ["sh", "-c", script, "register", str(agent), "us-east-1", "no-such.service"]
    given = f"{ACTIVATION.id}\n{ACTIVATION.code}\nhttps_proxy=http://e:p$(id)@x:1\nLD_PRELOAD=/x\nno_proxy=a,b\n"
    subprocess.run(argv, input=given.encode(), env={"PATH": os.environ["PATH"]}, capture_output=True)
    seen = (tmp_path / "seen").read_text().splitlines()
    assert "https_proxy=http://e:p$(id)@x:1" in seen and "no_proxy=a,b" in seen
    assert not [line for line in seen if line.startswith("LD_PRELOAD")]
    assert ACTIVATION.code in (tmp_path / "words").read_text()


def _daemon(name: str, pid: int, **environment: str) -> Daemon:
    return Daemon(name, pid, environment, sure=True)


@pytest.mark.parametrize(
    ("containers", "expected"),
    [("ecs-agent\n", ["restart:docker.service"]), ("ecs-agent\nweb\n", []), (None, [])],
)
def test_a_docker_with_containers_of_others_is_not_restarted(containers: str | None, expected: list[str]) -> None:
    show = "Id=docker.service\nNames=docker.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nMainPID=7\n"
    commands: dict[tuple[str, ...], Completed | str] = {SHOW: show}
    if containers is not None:
        commands[("docker", "ps", "--format", "{{.Names}}")] = containers
    found = Inventory(now=NOW, is_root=True, daemons=(_daemon("docker", 7),))
    host = FakeHost({}, commands, found=found)
    assert [step.key for step in late_plan(host, read_profile("http://p:1", "", (), None))] == expected


def test_the_commands_that_move_a_host_work_whatever_the_file_holds(tmp_path: Path) -> None:
    file = tmp_path / "ecs.config"
    for before in ("", "ECS_LOGLEVEL=info", "ECS_CLUSTER=old\nA=b\n"):
        file.write_text(before)
        for command in move_commands("new-1"):
            if command[0] in ("sh", "sed"):
                subprocess.run([word.replace(USER, str(file)) for word in command], check=True)
        lines = [line for line in file.read_text().splitlines() if line]
        assert lines.count("ECS_CLUSTER=new-1") == 1 and not [line for line in lines if line == "ECS_CLUSTER=old"]
        assert set(before.split()) - {"ECS_CLUSTER=old"} <= set(lines)


def test_the_cluster_of_the_saved_state_is_read_where_it_names_one_instance() -> None:
    arn = "arn:aws:ecs:us-east-1:123456789012:container-instance/{}/" + "0" * 32
    for said, cluster in (
        (f"{arn.format('plant-7')}\n" * 2, "plant-7"),
        (f"{arn.format('plant-7')}\n{arn.format('other')}\n", ""),
        ("", ""),
    ):
        assert saved_cluster(FakeHost({}, {SAVED_ARN: said})) == cluster


REGISTERED = f'{VAULT}:"instanceID":"mi-0123456789abcdef0"\n{VAULT}:"region":"us-east-1"\n'
CONFIG = "ECS_CLUSTER=typo\n"


@pytest.mark.parametrize(("joined", "codes"), [(0, ["registration.other"]), (1, [])])
def test_a_cluster_that_was_never_joined_can_be_corrected(joined: int, codes: list[str]) -> None:
    """The agent makes its file at the first start: only a container instance in it says that it has joined."""
    commands: dict[tuple[str, ...], Completed | str] = {
        GREP: REGISTERED,
        JOINED: Completed(JOINED, joined, "", ""),
    }
    host = FakeHost({"/etc/ecs/ecs.config": CONFIG, SAVED_STATE: "boltdb"}, commands)
    assert [one.code for one in differences(host, Wanted("us-east-1", "prod"))] == codes
