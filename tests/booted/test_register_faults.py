"""What stops a registration, each by its own cause; and the same host healthy as soon as that is gone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.booted.machine import Machine
from tests.booted.registering import Desk, bare_host, desk
from tests.region.packages.keys import sign

pytestmark = [pytest.mark.booted, pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]


@dataclass(frozen=True)
class Fault:
    """`make` brings it about at the desk, `code` is the cause expected, `more` are further words for the command."""

    make: Callable[[Desk], object]
    code: str
    more: tuple[str, ...] = ()


def _answer(**words: Any) -> Callable[[Desk], object]:
    return lambda at: (at.activate(), at.site.control.fail("RegisterManagedInstance", **words))


def _mistyped(at: Desk) -> None:
    one = at.activate()
    last = "b" if one["code"].endswith("a") else "a"
    at.activation.write_text(f"id={one['id']}\ncode={one['code'][:-1]}{last}\n")


def _package(name: str, change: Callable[[Path, Path], object]) -> Callable[[Desk], object]:
    def make(at: Desk) -> None:
        at.activate()
        file = next(at.artifacts.glob(f"{name}*.deb"))
        signature = next(path for path in at.artifacts.glob(f"{name}*.deb.*"))
        change(file, signature)

    return make


def _cut(file: Path, signature: Path) -> None:
    file.write_bytes(file.read_bytes()[:-5000])


def _page(file: Path, signature: Path) -> None:
    file.write_text("<!DOCTYPE html><title>Blocked by policy</title>")


def _bit(file: Path, signature: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-200] ^= 1
    file.write_bytes(bytes(data))


def _by(name: str) -> Callable[[Path, Path], object]:
    return lambda file, signature: sign(file, signature, name, armor=signature.suffix == ".asc")


PACKAGES = {
    "cut short": Fault(_package("amazon-ssm", _cut), "package.untrusted"),
    "a proxy's page": Fault(_package("amazon-ecs", _page), "package.untrusted"),
    "one bit": Fault(_package("amazon-ecs", _bit), "package.untrusted"),
    "a stranger's key": Fault(_package("amazon-ssm", _by("stranger")), "package.untrusted"),
    "an expired key": Fault(_package("amazon-ecs", _by("expired")), "package.untrusted"),
    "no signature": Fault(_package("amazon-ssm", lambda file, signature: signature.unlink()), "package.untrusted"),
}
ACTIVATIONS = {
    "expired": Fault(lambda at: at.activate(hours=-1), "activation.expired"),
    "of another region": Fault(lambda at: at.activate(region="eu-west-1"), "activation.invalid"),
    "mistyped": Fault(_mistyped, "activation.invalid"),
    "used up": Fault(_answer(error="RegistrationLimitExceeded"), "activation.used-up"),
    "throttled": Fault(_answer(error="ThrottlingException", message="Rate exceeded"), "registration.throttled"),
    "service error": Fault(_answer(error="InternalServerError", status=500), "registration.service-error"),
    "refused": Fault(_answer(error="AccessDeniedException"), "registration.refused"),
    "a web page": Fault(_answer(how="page"), "registration.foreign-answer"),
    "an empty answer": Fault(_answer(how="empty"), "registration.foreign-answer"),
    "reset": Fault(_answer(how="reset"), "registration.network"),
}
AGENTS = {
    "no such cluster": Fault(lambda at: None, "cluster.not-found", ("--cluster", "nowhere")),
    "a role without rights": Fault(
        lambda at: at.site.control.deny("ecs:RegisterContainerInstance"), "agent.not-authorized"
    ),
}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


def _outcome(at: Desk, fault: Fault) -> dict[str, Any]:
    done = at.register(*fault.more, "--format", "json", "--wait", "180")
    assert done.returncode == 1, done.stdout + done.stderr
    (host,) = json.loads(done.stdout)["hosts"]
    assert host["state"] == "failed" and host["error"] and (host["fix"] or host["causes"]), done.stdout + done.stderr
    assert host["code"] == fault.code, done.stdout + done.stderr
    return dict(host)


def _installed(machine: Machine) -> str:
    return machine.sh("dpkg-query -W -f '${Package} ' | tr ' ' '\\n' | grep -c '^amazon-' || :").strip()


def test_each_fault_has_its_own_cause_and_is_left_behind_when_it_is_gone(at: Desk) -> None:
    with bare_host(at) as machine:
        good = {path: path.read_bytes() for path in at.artifacts.iterdir()}
        for name, fault in PACKAGES.items():
            fault.make(at)
            host = _outcome(at, fault)
            assert _installed(machine) == "0", name
            assert ".deb" in host["error"], name
            for path, data in good.items():
                path.write_bytes(data)
        for name, fault in ACTIVATIONS.items():
            fault.make(at)
            _outcome(at, fault)
            assert at.used() == 0, name
            at.site.control.heal()
        at.activate(limit=1)
        done = at.register()
        assert done.returncode == 0, done.stdout + done.stderr
        assert at.used() == 1


def test_a_cluster_that_is_not_there_and_a_role_without_rights_cost_no_second_activation(at: Desk) -> None:
    with bare_host(at):
        at.activate(limit=1)
        for name, fault in AGENTS.items():
            fault.make(at)
            _outcome(at, fault)
            assert at.used() == 1, name
        at.site.control.allow()
        done = at.register(activation=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert at.used() == 1
