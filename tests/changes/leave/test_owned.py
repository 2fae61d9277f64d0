"""What leaving may take, and what it must have taken before it reports success."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterator

import pytest

from anywhere.changes import engine
from anywhere.changes.base import Command, Step
from anywhere.flows.life.leave import Leaving
from anywhere.flows.life.leaving import Leave
from tests.support.barehost import BareHost

pytestmark = [pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
SSM = "/var/lib/amazon/ssm"
KEY = f"{SSM}/Vault/Store/RegistrationKey"
# What `chattr +i` and `-i` (e2fsprogs) do: FS_IOC_GETFLAGS, then FS_IOC_SETFLAGS with FS_IMMUTABLE_FL or without.
CHANGE = """import fcntl, os, struct, sys
file = os.open(sys.argv[1], os.O_RDONLY)
flags = struct.unpack("l", fcntl.ioctl(file, 0x80086601, bytes(8)))[0]
fcntl.ioctl(file, 0x40086602, struct.pack("l", flags | 0x10 if sys.argv[2] == "+i" else flags & ~0x10))"""


@pytest.fixture
def host() -> Iterator[BareHost]:
    with BareHost(alone=True) as made:
        vault = json.dumps({"instanceID": "mi-0123456789abcdef0", "region": "us-east-1"})
        made.sh(f"mkdir -p {SSM}/Vault/Store /var/lib/ecs/data /etc/amazon/ssm; echo '{vault}' > {KEY}")
        made.sh("echo '{}' > /etc/amazon/ssm/amazon-ssm-agent.json; echo 1 > /var/lib/ecs/data/agent.db")
        engine.apply(made, "register", lambda seen: (Step("x", "x", Command(("true",)), (Command(("true",)),)),))
        yield made


def test_an_ssm_agent_that_was_there_before_keeps_its_settings(host: BareHost) -> None:
    assert Leaving(host, Leave("deregister"))().ok
    assert host.sh(f"cat /etc/amazon/ssm/amazon-ssm-agent.json; ls -A {SSM}") == "{}\n"
    assert Leaving(host, Leave("deregister"))().state == "already"


def keep(host: BareHost, immutable: bool) -> None:
    """Make the registration immutable, or take that back."""
    host.sh(shlex.join((sys.executable, "-c", CHANGE, KEY, "+i" if immutable else "-i")))


@pytest.mark.parametrize("verb", ["deregister", "reset"])
def test_a_registration_that_cannot_be_removed_is_a_failure(host: BareHost, verb: str) -> None:
    keep(host, True)
    try:
        done = Leaving(host, Leave(verb))()
    finally:
        keep(host, False)
    assert done.state == "failed" and "not removed: /var/lib/amazon/ssm" in done.error, done
    again = Leaving(host, Leave(verb))()
    assert again.ok and again.instance == "mi-0123456789abcdef0" and again.commands, again


def test_a_reset_says_what_lies_behind_a_link(host: BareHost) -> None:
    host.sh(f"mv {SSM} /run/ssm; ln -s /run/ssm {SSM}")
    done = Leaving(host, Leave("reset"))()
    assert done.state == "failed" and "symbolic link" in done.error, done
    assert host.sh("cat /run/ssm/Vault/Store/RegistrationKey")
