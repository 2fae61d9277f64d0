"""How much is lost: one round of connections where that is clear, more where chance would decide."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from anywhere.catalogue.endpoints import endpoints
from anywhere.facts.network.vantage import Vantage
from anywhere.facts.network.visit import Visit
from anywhere.facts.ways.losses import ROUND, ROUNDS, loss
from anywhere.hosts.base import Probe, ProbeSpec
from anywhere.model import Reason, Stage
from tests.support.fakehost import FakeHost

ENDPOINT = next(row for row in endpoints("us-east-1") if row.service == "ssm")
SPEC = ProbeSpec(ENDPOINT.host, address="203.0.113.10")


@dataclass
class Lossy(FakeHost):
    """Of the connections to it, this share gets no answer, by chance."""

    share: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def probe(self, spec: ProbeSpec) -> Probe:
        self.probed.append(spec)
        if self.chance.random() < self.share:
            return Probe(spec, Stage.CONNECT, Reason.TIMEOUT)
        return Probe(spec, Stage.DONE, address=spec.address)


def visits(resent: int, proxy: str = "") -> list[Visit]:
    spec = ProbeSpec(SPEC.host, address=SPEC.address, proxy=proxy)
    good = Probe(spec, Stage.DONE, address=SPEC.address, connect_seconds=0.01, sent=40, resent=resent)
    return [Visit(ENDPOINT, Vantage("ssm-agent", "unit"), proxy, None, None, (good,))]


@pytest.mark.parametrize(("share", "asked"), [(0.1, ROUND), (0.245, ROUNDS * ROUND), (0.5, ROUND)])
def test_more_is_asked_only_where_chance_would_decide(share: float, asked: int) -> None:
    host = Lossy(share=share)
    assert loss(host, visits(8)) == pytest.approx(share, abs=0.06)
    assert len(host.probed) == len(set(host.probed)) == asked


@pytest.mark.parametrize(("share", "much"), [(0.19, False), (0.3, True)])
def test_two_losses_in_ten_never_count_as_three(share: float, much: bool) -> None:
    """By one round alone, some of these fifty runs are on the wrong side."""
    assert {loss(Lossy(share=share, chance=random.Random(seed)), visits(8)) >= 0.245 for seed in range(50)} == {much}


def test_a_path_that_loses_next_to_nothing_is_not_asked() -> None:
    host = Lossy(share=0.5)
    assert loss(host, visits(2)) == 0.0
    assert host.probed == []


def test_what_only_a_proxy_reaches_is_judged_by_the_kernels_count() -> None:
    host = Lossy(share=0.5)
    assert loss(host, visits(8, "http://proxy.corp.example:3128")) == 0.2
    assert host.probed == []
