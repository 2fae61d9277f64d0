"""How the agents and Docker reach AWS: declared, effective, and which store they trust."""

from __future__ import annotations

import pytest

from anywhere.facts.agents.components import Component, agent_store, components
from anywhere.facts.system.packages import DPKG, RPM
from anywhere.facts.system.units import SHOW
from anywhere.hosts.base import Daemon, Inventory
from anywhere.hosts.probe.castore import FILES as BUNDLES
from tests.support.fakehost import NOW, FakeHost

DEBIAN = 'ID=debian\nVERSION_ID="12"\n'
ROCKY = 'ID="rocky"\nVERSION_ID="9.4"\nID_LIKE="rhel centos fedora"\n'
PROXY = "http://proxy.corp:3128"
SHOWN = f"""Id=docker.service
Names=docker.service
LoadState=loaded
ActiveState=active
MainPID=400
Environment=HTTPS_PROXY={PROXY} "NO_PROXY=localhost, 10.0.0.0/8"
EnvironmentFiles=/etc/default/docker (ignore_errors=yes)
FragmentPath=/lib/systemd/system/docker.service
DropInPaths=/etc/systemd/system/docker.service.d/proxy.conf

Id=ecs.service
LoadState=loaded
ActiveState=active
Environment=HTTP_PROXY=http://for-ecs-init-only:1
EnvironmentFiles=/var/lib/ecs/ecs.config (ignore_errors=yes)
EnvironmentFiles=/etc/ecs/ecs.config (ignore_errors=yes)
FragmentPath=/lib/systemd/system/ecs.service

Id=amazon-ssm-agent.service
LoadState=not-found
ActiveState=inactive

Id=snap.amazon-ssm-agent.amazon-ssm-agent.service
LoadState=loaded
ActiveState=active
Environment=http_proxy={PROXY}
"""
FILES = {
    "/etc/os-release": DEBIAN,
    "/etc/systemd/system/docker.service.d/proxy.conf": f"[Service]\nEnvironment=HTTPS_PROXY={PROXY}\n",
    "/etc/default/docker": "SSL_CERT_FILE=/etc/corp/ca.pem\n",
    "/var/lib/ecs/ecs.config": "AWS_DEFAULT_REGION=us-east-1\nECS_EXTERNAL=true\nHTTPS_PROXY=http://old:1\n",
    "/etc/ecs/ecs.config": f'ECS_CLUSTER=prod\nHTTPS_PROXY="{PROXY}"\nAWS_SECRET_ACCESS_KEY=abc\n',
}


def by_name(host: FakeHost) -> dict[str, Component]:
    return {component.name: component for component in components(host)}


def test_a_bare_host_has_the_callers_environment_everywhere() -> None:
    caller = {"https_proxy": PROXY, "SSL_CERT_FILE": "/etc/corp/ca.pem", "LANG": "C"}
    host = FakeHost({"/etc/os-release": DEBIAN}, found=Inventory(environment=caller, now=NOW))
    found = by_name(host)
    assert list(found) == ["ssm-agent", "ecs-agent", "docker", "installer"]
    for name in ("ssm-agent", "ecs-agent", "docker"):
        assert found[name].exists is False
        assert found[name].effective == {"https_proxy": PROXY, "SSL_CERT_FILE": "/etc/corp/ca.pem"}
        assert found[name].source == "calling environment"
    assert found["installer"].ca_paths == ("file=/etc/corp/ca.pem",)
    assert found["ecs-agent"].build == "deb"
    trust = found["ecs-agent"].trust.split("|")
    assert trust[0] == "file=/etc/ssl/certs/ca-certificates.crt"
    assert {"dir=/etc/ssl/certs", "within=/etc/ssl"} <= set(trust)


def test_what_is_written_for_agents_to_come_is_how_they_will_go_out() -> None:
    """A profile is written before the agents: systemd says nothing of the drop-ins of a unit that is not there."""
    files = {
        "/etc/os-release": DEBIAN,
        "/etc/systemd/system/docker.service.d/zz.conf": f"[Service]\nEnvironment=HTTPS_PROXY={PROXY}\n",
        "/etc/systemd/system/amazon-ssm-agent.service.d/zz.conf": f"[Service]\nEnvironment=https_proxy={PROXY}\n",
        "/etc/ecs/ecs.config": f"ECS_CLUSTER=prod\nHTTPS_PROXY={PROXY}\n",
    }
    show = "".join(
        f"Id={name}\nNames={name}\nLoadState=not-found\nActiveState=inactive\n\n"
        for name in ("docker.service", "ecs.service", "amazon-ssm-agent.service")
    )
    found = by_name(FakeHost(files, {SHOW: show}, found=Inventory(environment={"https_proxy": "http://me:1"}, now=NOW)))
    seen = {
        name: [value for key, value in one.effective.items() if "proxy" in key.lower()] for name, one in found.items()
    }
    assert seen == {"ssm-agent": [PROXY], "ecs-agent": [PROXY], "docker": [PROXY], "installer": ["http://me:1"]}
    assert not any(found[name].exists for name in ("ssm-agent", "ecs-agent", "docker"))
    files.pop("/etc/systemd/system/amazon-ssm-agent.service.d/zz.conf")
    assert by_name(FakeHost(files, {SHOW: show}))["ssm-agent"].effective == {}


def test_an_rpm_host_foresees_the_agents_own_bundle() -> None:
    agent = by_name(FakeHost({"/etc/os-release": ROCKY}))["ecs-agent"]
    assert (agent.build, agent.ca_paths, agent.trust) == ("generic-rpm", ("own",), "none")


def test_units_speak_through_systemctl() -> None:
    found = by_name(FakeHost(FILES, {SHOW: SHOWN, DPKG: "amazon-ecs-init 1.98.0-1 install ok installed\n"}))
    docker = found["docker"]
    assert docker.effective["HTTPS_PROXY"] == PROXY
    assert docker.effective["NO_PROXY"] == "localhost, 10.0.0.0/8"
    assert docker.sources["HTTPS_PROXY"] == "/etc/systemd/system/docker.service.d/proxy.conf"
    assert docker.sources["SSL_CERT_FILE"] == "/etc/default/docker"
    assert docker.ca_paths == ("file=/etc/corp/ca.pem",)
    assert docker.running is True
    ssm = found["ssm-agent"]
    assert (ssm.build, ssm.unit, ssm.effective) == (
        "snap",
        "snap.amazon-ssm-agent.amazon-ssm-agent.service",
        {"http_proxy": PROXY},
    )


def test_the_agent_gets_the_settings_files_with_their_quotes_and_nothing_of_its_unit() -> None:
    agent = by_name(FakeHost(FILES, {SHOW: SHOWN}))["ecs-agent"]
    assert agent.effective["HTTPS_PROXY"] == f'"{PROXY}"'
    assert "HTTP_PROXY" not in agent.effective
    assert agent.declared["HTTPS_PROXY"] == PROXY
    assert agent.declared["HTTP_PROXY"] == "http://for-ecs-init-only:1"
    assert agent.effective["AWS_DEFAULT_REGION"] == "us-east-1"
    assert agent.source == "/var/lib/ecs/ecs.config, /etc/ecs/ecs.config"
    assert agent.sources["HTTPS_PROXY"] == "/etc/ecs/ecs.config:2"
    assert "abc" not in repr(agent)


def test_a_running_process_wins_over_what_is_declared() -> None:
    daemons = (
        Daemon("docker", 400, {"HTTPS_PROXY": "http://running:1"}),
        Daemon("ecs-agent", 7, {}),
        Daemon("ecs-agent", 9, {"ECS_DATADIR": "/data", "https_proxy": "http://agent:1"}),
    )
    host = FakeHost(FILES, {SHOW: SHOWN}, found=Inventory(daemons=daemons, is_root=True, now=NOW))
    found = by_name(host)
    assert (found["docker"].effective, found["docker"].source) == (
        {"HTTPS_PROXY": "http://running:1"},
        "process 400",
    )
    assert (found["ecs-agent"].effective, found["ecs-agent"].source) == ({"https_proxy": "http://agent:1"}, "process 9")


def test_a_process_that_may_not_be_looked_into_leaves_the_declared_environment() -> None:
    inventory = Inventory(daemons=(Daemon("docker", 400, {}),), is_root=False, now=NOW)
    docker = by_name(FakeHost(FILES, {SHOW: SHOWN}, found=inventory))["docker"]
    assert docker.effective["HTTPS_PROXY"] == PROXY
    assert docker.running is True


def test_daemon_json_wins_over_the_unit_in_both_spellings() -> None:
    files = {**FILES, "/etc/docker/daemon.json": '{"proxies": {"https-proxy": "http://json:1", "no-proxy": "a"}}'}
    docker = by_name(FakeHost(files, {SHOW: SHOWN}))["docker"]
    assert docker.effective["HTTPS_PROXY"] == docker.effective["https_proxy"] == "http://json:1"
    assert docker.effective["NO_PROXY"] == "a"
    assert docker.sources["NO_PROXY"] == "/etc/docker/daemon.json"


def test_a_proxy_may_be_a_flag_of_docker() -> None:
    drop_in = "/etc/systemd/system/docker.service.d/flags.conf"
    command = "/usr/bin/dockerd --https-proxy=http://flag:1 --no-proxy a,b"
    files = {
        "/etc/os-release": DEBIAN,
        "/lib/systemd/system/docker.service": "[Service]\nExecStart=/usr/bin/dockerd\n",
        drop_in: f"[Service]\nExecStart=\nExecStart={command}\n",
    }
    docker = by_name(FakeHost(files))["docker"]
    assert docker.effective["HTTPS_PROXY"] == docker.effective["https_proxy"] == "http://flag:1"
    assert docker.sources["NO_PROXY"] == drop_in and drop_in in docker.source


def test_settings_that_may_not_be_read_are_not_known() -> None:
    files = {**FILES, "/etc/ecs/ecs.config": None}
    agent = by_name(FakeHost(files, {SHOW: SHOWN}))["ecs-agent"]
    assert agent.exists is True and agent.known is False


def test_unit_files_speak_where_systemctl_cannot() -> None:
    files = {
        "/etc/os-release": DEBIAN,
        "/lib/systemd/system/docker.service": "[Service]\nEnvironmentFile=-/etc/default/docker\nEnvironment=A=1\n",
        "/etc/systemd/system/docker.service.d/50-proxy.conf": f"[Service]\nEnvironment=HTTPS_PROXY={PROXY}\n",
        "/run/systemd/system/docker.service.d/50-proxy.conf": "[Service]\nEnvironment=HTTPS_PROXY=http://masked:1\n",
        "/etc/systemd/system/service.d/00-all.conf": "[Service]\nEnvironment=NO_PROXY=everyone\n",
        "/usr/lib/systemd/system/amazon-ssm-agent.service": "[Service]\nExecStart=/usr/bin/amazon-ssm-agent\n",
        "/etc/systemd/system/amazon-.service.d/p.conf": '[Service]\nEnvironment="https_proxy=http://u:p%%40w@h:1"\n',
    }
    found = by_name(FakeHost(files))
    assert found["docker"].effective == {"HTTPS_PROXY": PROXY, "NO_PROXY": "everyone"}
    assert found["docker"].running is None
    assert found["docker"].source == (
        "/etc/systemd/system/service.d/00-all.conf, /etc/systemd/system/docker.service.d/50-proxy.conf"
    )
    assert found["ssm-agent"].effective == {"NO_PROXY": "everyone", "https_proxy": "http://u:p%40w@h:1"}


@pytest.mark.parametrize(
    ("environment", "build", "expected"),
    [
        ({}, "generic-rpm", ("own",)),
        ({"SSL_CERT_FILE": "/etc/ecs/ca.pem"}, "generic-rpm", ("file=/etc/ecs/ca.pem", "own")),
        ({"SSL_CERT_FILE": "/etc/pki/tls/certs/ca-bundle.crt"}, "generic-rpm", ("own",)),
        (
            {"SSL_CERT_FILE": "/etc/ecs/ca.pem", "SSL_CERT_DIR": "/etc/ecs/certs"},
            "generic-rpm",
            ("file=/etc/ecs/ca.pem", "dir=/etc/ecs/certs"),
        ),
        ({}, "deb", (*(f"file={path}" for path in BUNDLES), "dir=/etc/ssl/certs")),
        ({"SSL_CERT_FILE": "/opt/ca.pem"}, "deb", ("file=/opt/ca.pem", "dir=/etc/ssl/certs")),
        ({}, "amazon-linux", ("dir=/etc/pki/tls/certs", "own")),
        ({}, "", ("own",)),
    ],
)
def test_the_store_inside_the_agents_container(
    environment: dict[str, str], build: str, expected: tuple[str, ...]
) -> None:
    assert tuple(part for part in agent_store(environment, build) if not part.startswith("within=")) == expected


def test_an_rpm_package_tells_the_build() -> None:
    files = {"/etc/os-release": DEBIAN, "/usr/lib/systemd/system/ecs.service": "[Service]\n"}
    host = FakeHost(files, {RPM: "ecs-init 1.98.0-1.amzn2 installed\npackage docker-ce is not installed\n"})
    assert by_name(host)["ecs-agent"].build == "amazon-linux"
