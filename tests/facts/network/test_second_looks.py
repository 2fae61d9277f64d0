"""What a stalled request's second tries show must not depend on which of them is answered sooner."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import pytest

from anywhere.catalogue.endpoints import endpoints
from anywhere.facts.network.second_looks import FULL_SEGMENT, SMALL_SEGMENT, SMALLEST_SEGMENT, again
from anywhere.facts.network.vantage import Vantage
from anywhere.facts.network.visit import Visit
from anywhere.hosts.base import Probe, ProbeSpec
from anywhere.hosts.recording import Recording
from anywhere.model import Reason, Stage
from tests.support.fakehost import FakeHost

ENDPOINT = next(row for row in endpoints("us-east-1") if row.service == "ssm")
SPEC = ProbeSpec(ENDPOINT.host, address="203.0.113.10")
STALLED = Probe(SPEC, Stage.HTTP, Reason.HTTP_TIMEOUT, address="203.0.113.10", stalled=True)
FIRST = Visit(ENDPOINT, Vantage("ssm-agent", "unit"), "", None, None, (STALLED,))
SIZES = {FULL_SEGMENT: "full", SMALL_SEGMENT: "small", SMALLEST_SEGMENT: "small"}


@dataclass
class Path(FakeHost):
    """A path on which some tries pass (`full`: the same again, `small`: smaller segments, `patient`), each after its time."""

    passes: frozenset[str] = frozenset()
    patient_after: float = 0.0
    others_after: float = 0.0

    def probe(self, spec: ProbeSpec) -> Probe:
        kind = SIZES.get(spec.mss, "patient")
        time.sleep(self.patient_after if kind == "patient" else self.others_after)
        return Probe(spec, Stage.DONE, address=spec.address) if kind in self.passes else replace(STALLED, spec=spec)


def outcome(visit: Visit) -> tuple[bool, list[tuple[str, bool]]]:
    return visit.ok, [(str(name), probe.ok) for name, probe in visit.second]


@pytest.mark.parametrize(
    ("passes", "ok"),
    [
        ({"full", "small", "patient"}, True),  # chance: the same passes when it is tried again
        ({"small", "patient"}, False),  # a matter of size, whatever the patient one met in the meantime
        ({"small"}, False),
        ({"patient"}, True),  # only slow
        (set(), False),
    ],
)
def test_the_outcome_is_the_same_whichever_is_sooner_and_in_a_replay(passes: set[str], ok: bool) -> None:
    seen = []
    for patient, others in ((0.0, 0.2), (0.2, 0.0)):
        live = Recording(Path(passes=frozenset(passes), patient_after=patient, others_after=others))
        found = again(live, FIRST, 1.0)
        time.sleep(0.3)  # what nobody waited for ends, and is kept
        seen += [outcome(found), outcome(again(Recording(None, live.observations()), FIRST, 1.0))]
    assert seen == [seen[0]] * 4
    assert seen[0][0] is ok
