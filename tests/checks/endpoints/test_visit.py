"""Which of the guessed numbers are there."""

from __future__ import annotations

import dataclasses

import pytest

from anywhere.catalogue.endpoints import endpoints
from anywhere.checks.endpoints.visit import exists, unreal
from anywhere.facts.network.lookup import Lookup
from anywhere.facts.network.survey import Survey
from anywhere.facts.network.vantage import Vantage
from anywhere.facts.network.visit import Visit
from anywhere.hosts.base import Answer, Probe, ProbeSpec
from anywhere.model import Reason, Stage

WILDCARD, OWN = "198.51.100.7", "203.0.113.20"


def system(*addresses: str) -> Answer:
    return Answer("name", "system", addresses)


@pytest.mark.parametrize(
    ("address", "said", "there"),
    [
        (WILDCARD, Reason.NAME_UNKNOWN, False),
        (WILDCARD, Reason.NAMESERVER_TIMEOUT, False),
        (OWN, Reason.NAMESERVER_TIMEOUT, True),
        (OWN, None, True),
    ],
)
def test_a_number_that_only_a_wildcard_of_the_search_list_answers_is_not_there(
    address: str, said: Reason | None, there: bool
) -> None:
    """Also where the nameserver that denies it was not heard: a busy machine, a lost datagram."""
    endpoint = next(one for one in endpoints("us-east-1", shards=5) if one.shard == 5)
    server = Answer("name", "192.0.2.53", () if said else (address,), said)
    failed = Probe(ProbeSpec(endpoint.host), Stage.CONNECT, Reason.TIMEOUT)
    visit = Visit(
        endpoint, Vantage("ecs-agent", ""), "", Lookup(endpoint.host, system(address), (server,)), None, (failed,)
    )
    unknown = dataclasses.replace(server, addresses=(), reason=Reason.NAME_UNKNOWN)
    seen = Survey("us-east-1", (visit,), Lookup("invented", system(WILDCARD), (unknown,)))
    assert exists(visit, [visit], unreal(seen)) is there
