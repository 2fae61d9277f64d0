"""After any sequence of applies, partial applies, partial reverts and kills, one revert restores the original.

Content, mode, owner and folders, for both kinds of change. The slow tier kills for real (KILL_SEED, KILLS).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from anywhere.changes import engine
from anywhere.changes.base import Planner
from anywhere.changes.lock import LOCK
from anywhere.changes.proxy import plan as proxy
from anywhere.changes.proxy.profile import read_profile
from anywhere.changes.rules import plan as rules
from anywhere.hosts.base import Completed
from anywhere.settings import Settings
from tests.support.barehost import BareHost, snapshot
from tests.support.sample import spread

pytestmark = [pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

CERTIFICATE = b"-----BEGIN CERTIFICATE-----\n" + b"MIIB" + b"A" * 200 + b"\n-----END CERTIFICATE-----\n"
PREPARE = (
    "mkdir -p /etc/ecs /etc/systemd/system/docker.service.d /etc/docker; rm -f /etc/apt/apt.conf.d/95*;"
    "printf 'ECS_CLUSTER=a\\nNO_PROXY=intern\\n' > /etc/ecs/real.config; chmod 640 /etc/ecs/real.config;"
    "chown 7:8 /etc/ecs/real.config; ln -sf real.config /etc/ecs/ecs.config;"
    'printf \'{"proxies": {"http-proxy": "http://old:1"}}\' > /etc/docker/daemon.json; chmod 604 /etc/docker/daemon.json;'
    "printf '[Service]\\nExecStart=/bin/true\\n' > /etc/systemd/system/docker.service;"
    # The distribution's tool is not what is tried here, and takes seconds.
    "printf '#!/bin/sh\\nexit 0\\n' > /usr/local/sbin/update-ca-certificates; chmod 755 /usr/local/sbin/update-ca-certificates"
)


@dataclass(frozen=True)
class Act:
    """One thing that is done: `stop` is the command after which the run ends as if it had been killed (0: it does not)."""

    verb: str
    kind: str = "proxy"
    url: str = "http://proxy:3128"
    credentials: str = ""
    no_proxy: tuple[str, ...] = ()
    packages: bool = False
    ca: bool = False
    stop: int = 0

    def planner(self) -> Planner:
        if self.kind == "rules":
            return lambda host: rules.plan(host, Settings(), persist=self.packages)
        profile = read_profile(self.url, self.credentials, self.no_proxy, CERTIFICATE if self.ca else None)
        return lambda host: proxy.plan(host, profile, packages=self.packages)

    def run(self, host: BareHost) -> None:
        if self.verb == "apply":
            engine.apply(host, self.kind, self.planner())
        else:
            engine.revert(host, self.kind)


ACTS = st.builds(
    Act,
    st.sampled_from(["apply", "apply", "apply", "revert"]),
    st.sampled_from(["proxy", "proxy", "proxy", "rules"]),
    st.sampled_from(["http://proxy:3128", "http://other:8080", "http://10.0.0.1:443"]),
    st.sampled_from(["", "user:geheim", "user:other"]),
    st.sampled_from([(), ("10.0.0.0/8",), (".corp", "*.x")]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 0]) | st.integers(1, 60),
)


class Cut(Exception):
    """The run ends here."""


class CutHost(BareHost):
    """Ends the run at a given command. At the first command with the word `cut_at` only `share` percent of its input
    arrive."""

    stop = 0
    cut_at = ""
    share = 0

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 60.0) -> Completed:
        if self.cut_at and self.cut_at in argv:
            self.cut_at, self.stop = "", 1
            input = input[: len(input) * self.share // 100]
        if self.stop:
            self.stop -= 1
            if not self.stop:
                super().run(argv, input=input, timeout=timeout)
                self.stop = -1
        if self.stop < 0:
            raise Cut
        return super().run(argv, input=input, timeout=timeout)


def play(host: CutHost, acts: Sequence[Act]) -> None:
    for act in acts:
        host.stop = act.stop
        try:
            act.run(host)
        except Cut:
            host.stop = 0
            host.sh(f": > {LOCK}")  # a dead process would not hold it
        host.stop = 0


def hold(examples: int) -> None:
    with CutHost() as host:
        host.sh(PREPARE)
        host.sh("iptables -t nat -S >/dev/null; ip6tables -S > /dev/null")
        before = snapshot(host)

        # Each example takes seconds: the first that fails is shown as it is.
        phases = (Phase.explicit, Phase.generate)

        @settings(
            max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None, phases=phases
        )
        @given(st.lists(ACTS, min_size=2, max_size=5))
        def check(acts: list[Act]) -> None:
            play(host, acts)
            for kind in ("proxy", "rules"):
                done = engine.revert(host, kind)
                assert not done.missed, done.missed
            assert snapshot(host) == before
            assert "geheim" not in host.sh("grep -rs geheim /etc /var/lib/anywhere /run || true")

        check()


def test_one_revert_after_any_sequence_restores_the_original() -> None:
    hold(12)


@pytest.mark.soak
def test_one_revert_after_many_sequences_restores_the_original() -> None:
    hold(150)


@pytest.mark.parametrize("stop", spread([0, 1, 14, 22, 30], 2))
def test_two_profiles_one_revert_and_no_password_is_left(stop: int) -> None:
    with CutHost() as host:
        host.sh(PREPARE)
        before = snapshot(host)
        play(host, [Act("apply", credentials="user:geheim"), Act("apply", url="http://b:1", stop=stop)])
        assert not engine.revert(host, "proxy").missed
        assert snapshot(host) == before


@pytest.mark.parametrize("share", spread([50, 0, 99], 3))
@pytest.mark.parametrize(
    ("verb", "cut_at"),
    [*(("apply", word) for word in ("store", "commit", "write")), ("revert", "commit"), ("revert", "write")],
)
def test_an_input_that_broke_off_is_not_taken_for_the_whole(verb: str, cut_at: str, share: int) -> None:
    """The run is killed, or its connection lost, while it sends the input of a command that lives on."""
    with CutHost() as host:
        host.sh(PREPARE)
        before = snapshot(host)
        play(host, [Act("apply", packages=True)])
        host.cut_at, host.share = cut_at, share
        play(host, [Act(verb, url="http://b:1", credentials="user:geheim", packages=True)])
        assert not host.cut_at, "no such command was run"
        assert not engine.revert(host, "proxy").missed
        assert snapshot(host) == before


# ---- killed for real

_RUN = (
    "import ast, sys; from tests.changes.test_sequences import Act; from tests.support.barehost import BareHost\n"
    "Act(**ast.literal_eval(sys.argv[2])).run(BareHost.attach(int(sys.argv[1])))"
)


def started(host: BareHost, act: Act) -> subprocess.Popen[bytes]:
    words = {name: getattr(act, name) for name in act.__dataclass_fields__}
    argv = [sys.executable, "-c", _RUN, str(host.pid), repr(words)]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


@pytest.mark.parametrize("kills", [pytest.param(50, marks=pytest.mark.slow), pytest.param(300, marks=pytest.mark.soak)])
def test_random_kills_over_sequences_end_in_the_original_state_after_one_revert(kills: int) -> None:
    dice = random.Random(os.environ.get("KILL_SEED", "2026"))
    wanted = int(os.environ.get("KILLS", kills))
    killed = 0
    with BareHost() as host:
        host.sh(PREPARE)
        host.sh("iptables -t nat -S >/dev/null; ip6tables -S > /dev/null")
        before = snapshot(host)
        took: dict[str, float] = {"apply": 2.0, "revert": 2.0}
        while killed < wanted:
            done = []
            for _ in range(dice.randint(1, 4)):
                act = Act(
                    dice.choice(["apply", "apply", "revert"]),
                    dice.choice(["proxy", "proxy", "rules"]),
                    dice.choice(["http://proxy:3128", "http://other:8080"]),
                    dice.choice(["", "user:geheim"]),
                    packages=dice.random() < 0.5,
                    ca=dice.random() < 0.5,
                )
                begun, run = time.monotonic(), started(host, act)
                moment = dice.uniform(0.1, 1.1) * took[act.verb]
                try:
                    run.wait(moment)
                    took[act.verb] = 0.8 * took[act.verb] + 0.2 * (time.monotonic() - begun)
                except subprocess.TimeoutExpired:
                    killed += 1
                    # The tool alone, as the kernel kills it for memory; or it and its commands, as a power cut does.
                    (os.killpg if dice.random() < 0.5 else os.kill)(run.pid, signal.SIGKILL)
                run.communicate()
                done.append((act, round(moment, 3)))
            # No waiting: a command that outlived its run is waited for by the lock.
            for kind in ("proxy", "rules"):
                assert not (left := engine.revert(host, kind).missed), (killed, done, left)
            assert snapshot(host) == before, (killed, done)
    print(f"{killed} kills")
