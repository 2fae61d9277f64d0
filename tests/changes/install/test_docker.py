"""Docker's sources and what must never be done on the way, as steps; nothing is run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from anywhere.catalogue.distros import OsRelease, judge_release, rpm_repository
from anywhere.changes.agents.exec import BUNDLE, FOLDER, binaries_steps, bundle_steps
from anywhere.changes.agents.plan import install_plan, needed_packages, start_plan
from anywhere.changes.agents.wanted import Activation, Wanted
from anywhere.changes.base import ChangeFailed, Step
from anywhere.changes.install.docker import Found, docker_steps
from anywhere.changes.install.packages import LocalPackage
from anywhere.facts.system.packages import DPKG
from anywhere.facts.system.units import DOCKER, DOCKER_SNAP, SHOW, SSM_SNAP, Unit, units
from anywhere.flows.lifecycle.artifacts import Origin, Untrusted, exec_binaries
from anywhere.flows.lifecycle.order import NotRegistered
from anywhere.flows.lifecycle.staging import refuse_second_docker
from anywhere.hosts.base import Completed
from tests.region.packages.keys import keyring, sign
from tests.support.fakehost import FakeHost

SHELLS = sorted((Path(__file__).parents[3] / "anywhere" / "changes").rglob("*.sh"))
NOTHING = Found({DOCKER: Unit(DOCKER), DOCKER_SNAP: Unit(DOCKER_SNAP)}, {})
TRIXIE = OsRelease("debian", "13", "Debian 13", codename="trixie")
ACTIVATION = Activation("01234567-89ab-cdef-0123-456789abcdef", "abcdefghij0123456789")
PACKAGES = (LocalPackage("amazon-ssm-agent", "s.deb"), LocalPackage("amazon-ecs-init", "e.deb"))
DEBIAN = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nNAME="Debian"\n'


def steps(os: OsRelease, source: str = "auto") -> list[Step]:
    return list(docker_steps(FakeHost(), os, judge_release(os), NOTHING, source, True))


@pytest.mark.parametrize(
    ("os", "names"),
    [
        (OsRelease("debian", "12"), "docker.io"),
        (TRIXIE, "docker.io docker-cli"),
        (OsRelease("ubuntu", "22.04"), "docker.io"),
        (OsRelease("amzn", "2023"), "docker"),
        (OsRelease("amzn", "2"), "docker"),
        (OsRelease("sles", "15.6"), "docker"),
        (OsRelease("opensuse-tumbleweed", "20261101"), "docker"),
        (OsRelease("fedora", "42"), "docker-ce docker-ce-cli containerd.io"),
        (OsRelease("centos", "9"), "docker-ce docker-ce-cli containerd.io"),
        (OsRelease("rocky", "9"), "docker-ce docker-ce-cli containerd.io"),
    ],
)
def test_each_family_has_its_docker(os: OsRelease, names: str) -> None:
    install = next(step for step in steps(os) if step.key == "package:docker")
    assert " ".join(install.do.shown).endswith(" " + names)


def test_red_hat_brings_its_own_unless_told_otherwise() -> None:
    with pytest.raises(ChangeFailed, match="--docker docker"):
        steps(OsRelease("rhel", "9.4"))
    assert "docker-ce" in steps(OsRelease("rhel", "9.4"), "docker")[-2].do.shown
    with pytest.raises(ChangeFailed, match="--docker none"):
        steps(TRIXIE, "none")


def test_apt_gets_a_keyring_and_no_apt_key() -> None:
    found = steps(TRIXIE, "docker")
    source = next(step for step in found if step.key == "file:/etc/apt/sources.list.d/docker.list")
    assert source.do.input == (
        b"deb [signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/debian trixie stable\n"
    )
    words = " ".join(word for step in found for word in step.do.argv)
    assert "apt-key" not in words and "add-apt-repository" not in words and "lsb_release" not in words
    assert "9DC858229FC7DD38854AE2D88D81803C0EBFCD88" in words


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"UBUNTU_CODENAME": "noble"}, "/ubuntu noble "),
        ({"DEBIAN_CODENAME": "bookworm", "ID_LIKE": "debian"}, "/debian bookworm "),
        ({}, ""),
    ],
)
def test_a_derivative_has_the_release_of_what_it_derives_from(fields: dict[str, str], source: str) -> None:
    like = ("debian",) if "ID_LIKE" in fields else ("ubuntu", "debian")
    mint = OsRelease("linuxmint", "22", "Linux Mint 22", like=like, codename="wilma", fields=fields)
    if not source:
        with pytest.raises(ChangeFailed, match="no repository"):
            steps(mint, "docker")
        return
    file = next(step for step in steps(mint, "docker") if step.key == "file:/etc/apt/sources.list.d/docker.list")
    assert source.encode() in file.do.input


@pytest.mark.parametrize(
    ("id", "like", "name"),
    [
        ("nobara", ("fedora",), "fedora"),
        ("rocky", ("rhel", "centos", "fedora"), "centos"),
        ("ol", ("fedora",), "centos"),
        ("rhel", ("fedora",), "rhel"),
    ],
)
def test_docker_for_a_derivative_of_fedora_is_that_for_fedora(id: str, like: tuple[str, ...], name: str) -> None:
    assert rpm_repository(OsRelease(id, "42", like=like)) == name


def test_dnf_gets_a_repository_file_and_no_config_manager() -> None:
    found = steps(OsRelease("fedora", "42"))
    file = next(step for step in found if step.key == "file:/etc/yum.repos.d/docker-ce.repo")
    text = file.do.input.decode()
    assert "gpgcheck=1" in text and "linux/fedora/$releasever" in text
    assert not any("config-manager" in word for step in found for word in step.do.argv)


def bare(**more: object) -> FakeHost:
    return FakeHost({"/etc/os-release": DEBIAN}, **more)


def test_no_step_calls_sudo() -> None:
    found = [
        *steps(TRIXIE, "docker"),
        *install_plan(bare(), Wanted("us-east-1"), PACKAGES, ACTIVATION),
        *start_plan(bare(), Wanted("us-east-1")),
    ]
    assert not any("sudo" in word for step in found for word in (*step.do.argv, *step.do.shown))
    assert not [
        path for path in SHELLS if "sudo " in path.read_text().replace("doas|su|", "") and "register" in path.name
    ]


def test_the_registration_never_says_yes_for_anyone() -> None:
    (step,) = [
        one for one in install_plan(bare(), Wanted("us-east-1"), PACKAGES, ACTIVATION) if one.key == "registration"
    ]
    script = next(word for word in step.do.argv if "-register" in word)
    assert " -y" not in script.replace("Never -y", "")
    assert step.do.secret and ACTIVATION.code not in " ".join((*step.do.argv, *step.do.shown, step.title))


def test_a_host_that_is_registered_is_never_registered_again() -> None:
    from anywhere.facts.agents.registration import GREP, VAULT

    said = f'{VAULT}:"instanceID":"mi-0123456789abcdef0"\n{VAULT}:"region":"us-east-1"\n'
    host = bare(commands={GREP: said})
    keys = [step.key for step in install_plan(host, Wanted("us-east-1"), PACKAGES, ACTIVATION)]
    assert "registration" not in keys and "file:/etc/ecs/ecs.config" in keys


SNAP = f"Id={SSM_SNAP}\nNames={SSM_SNAP}\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\n"


def test_the_snap_of_the_ssm_agent_is_used_where_it_is() -> None:
    host = bare(commands={SHOW: SNAP})
    assert needed_packages(host) == ("amazon-ecs-init",)
    found = install_plan(host, Wanted("us-east-1"), PACKAGES, ACTIVATION)
    (step,) = [one for one in found if one.key == "registration"]
    assert step.do.shown[0] == "/snap/amazon-ssm-agent/current/amazon-ssm-agent"
    assert f"unit:{SSM_SNAP}" in [one.key for one in start_plan(host, Wanted("us-east-1"))]


class Pulling(FakeHost):
    """A host where apt would bring docker.io along."""

    def run(self, argv, *, input: bytes = b"", timeout: float = 10.0) -> Completed:
        if "pulls" in argv:
            return Completed(tuple(argv), 0, "amazon-ecs-init\ndocker.io\nrunc\n")
        return super().run(argv, input=input, timeout=timeout)


@pytest.mark.parametrize("unit", [DOCKER, DOCKER_SNAP])
def test_a_docker_that_is_no_package_stops_a_second_one(unit: str) -> None:
    show = f"Id={unit}\nNames={unit}\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n"
    host = Pulling({"/etc/os-release": DEBIAN}, {SHOW: show})
    assert units(host)[unit].exists
    with pytest.raises(NotRegistered, match=r"would install docker\.io"):
        refuse_second_docker(host, PACKAGES)
    packaged = Pulling({"/etc/os-release": DEBIAN}, {SHOW: show, DPKG: "docker.io 20.10.24 install ok installed\n"})
    refuse_second_docker(packaged, PACKAGES)


@pytest.fixture
def binaries(tmp_path: Path) -> Path:
    """A file as AWS publishes it, without a signature."""
    for name in ("amazon-ssm-agent", "ssm-agent-worker", "ssm-session-worker"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'SSM Agent version: 3.3.4108.0'\n")
        (tmp_path / name).chmod(0o755)
    made = tmp_path / "amazon-ssm-agent-binaries.tar.gz"
    words = ["amazon-ssm-agent", "ssm-agent-worker", "ssm-session-worker"]
    subprocess.run(["tar", "-C", tmp_path, "-czf", made, *words], check=True)
    return made


def test_the_binaries_of_exec_need_a_signature_of_the_site(binaries: Path, tmp_path: Path) -> None:
    origin = Origin(keyring=str(keyring()), exec_binaries=str(binaries))
    with pytest.raises(Untrusted, match="no signature beside it"):
        exec_binaries(origin)
    signature = binaries.with_name(binaries.name + ".sig")
    for name, reason in (("stranger", "unknown-key"), ("expired", "expired-key")):
        sign(binaries, signature, name)
        with pytest.raises(Untrusted) as error:
            exec_binaries(origin)
        assert error.value.reason == reason
    sign(binaries, signature)
    with pytest.raises(Untrusted):
        exec_binaries(Origin(exec_binaries=str(binaries)))
    (package,) = exec_binaries(origin)
    assert package.sha256 and "signed by" in package.vouched
    (step,) = binaries_steps(bare(), package, False)
    assert "signed by" in step.title
    place = f"{FOLDER}/3.3.4108.0"
    names = ["amazon-ssm-agent", "ssm-agent-worker", "ssm-session-worker"]
    assert not list(binaries_steps(bare(folders={FOLDER: ["3.3.4108.0"], place: names}), package, True))
    assert list(binaries_steps(bare(folders={FOLDER: ["3.3.4108.0"], place: names[:1]}), package, True))
    assert [one.key for one in binaries_steps(bare(), package, True)][-1] == "restart:ecs.service"
    # The script itself, with this machine's tar.
    words = [str(tmp_path / "deps" / "bin") if word == FOLDER else word for word in step.do.argv]
    words = [str(binaries) if word == package.staged else word for word in words]
    for _ in range(2):
        subprocess.run(words, check=True)
    found = tmp_path / "deps" / "bin" / Path(place).name
    assert sorted(path.name for path in found.iterdir()) == [
        "amazon-ssm-agent",
        "ssm-agent-worker",
        "ssm-session-worker",
    ]
    assert [path.name for path in found.parent.iterdir()] == ["3.3.4108.0"] and (tmp_path / "deps" / "config").is_dir()
    subprocess.run(["tar", "-C", tmp_path, "-czf", binaries, "amazon-ssm-agent"], check=True)
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 1 and "holds no ssm-agent-worker" in done.stderr
    assert [path.name for path in found.parent.iterdir()] == ["3.3.4108.0"]


def test_nothing_unsigned_is_unpacked_for_exec() -> None:
    pem = b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"
    host = FakeHost({"/etc/os-release": DEBIAN, "/etc/pki/tls/certs/ca-bundle.crt": pem, "/root/own.pem": pem + pem})
    (step,) = bundle_steps(host, Wanted("us-east-1"))
    assert step.key == f"file:{BUNDLE}" and step.do.input == pem
    (step,) = bundle_steps(host, Wanted("us-east-1", certs_file="/root/own.pem"))
    assert step.do.input == pem + pem
    for path in ("/etc/os-release", "/absent"):
        with pytest.raises(ChangeFailed, match="--certs-file"):
            list(bundle_steps(host, Wanted("us-east-1", certs_file=path)))
    found = install_plan(host, Wanted("us-east-1"), PACKAGES, ACTIVATION)
    assert not any("tar" in word.split() for step in found for word in step.do.argv)
