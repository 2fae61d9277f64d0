"""Every named fault gives exactly its cause, every healthy variation none; a saved run replays to the same."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from anywhere.flows.examine import examine
from anywhere.hosts.bundle import load, replay
from anywhere.report.json import target_dict
from anywhere.settings import Settings
from tests.diagnosis.alike import contradictions, no_steps
from tests.region.announced import beyond, planned
from tests.region.faults import table
from tests.support.commands import all_refused
from tests.support.judged import codes, explain, judge, judge_often, steady
from tests.support.sample import ELSEWHERE, sample

SCHEMA = json.loads((Path(__file__).parent.parent / "schemas" / "report-1.json").read_text())
TARGET_SCHEMA = {**SCHEMA, "required": [], "$ref": "#/$defs/target"}

pytestmark = pytest.mark.region


SAMPLE = frozenset(sample())
# On such a line nobody has the time for everything.
UNENDING = frozenset({"own-shaping-narrow"})


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=() if one in SAMPLE else pytest.mark.broad) for one in sorted(table())]
)
def test_exactly_the_cause_is_named(name: str, tmp_path: Path) -> None:
    bundle = tmp_path / "host.json.gz"
    target = judge([name], save=bundle)
    assert codes(target) == sorted(table()[name].causes), explain(target)
    assert name in UNENDING or not [row for row in target["findings"] if row["status"] == "error"], explain(target)
    jsonschema.validate({key: value for key, value in target.items() if key != "exit_code"}, TARGET_SCHEMA)
    every_trouble_has_one_cause(target)
    assert all_refused(target) == []
    assert [*no_steps(target), *contradictions(target)] == []
    fails = any(row["status"] == "fail" for row in target["findings"])
    assert target["exit_code"] == (1 if fails else 0)
    assert steady(replayed(bundle)) == steady({**target, "exit_code": None} | {"exit_code": None})
    assert not_announced(bundle) == []


def every_trouble_has_one_cause(target: dict) -> None:
    explained = [index for cause in target["causes"] for index in cause["findings"]]
    troubled = [i for i, row in enumerate(target["findings"]) if row["status"] in ("warn", "fail")]
    assert sorted(explained) == troubled


def not_announced(path: Path) -> list[str]:
    """What a saved run did and `check --plan` does not announce for the same host."""
    body = load(str(path))
    return beyond(planned(replay(str(path)), saved_settings(body)), body["observations"])


def saved_settings(body: dict) -> Settings:
    """The options of a saved run."""
    return Settings(**{key: _frozen(key, value) for key, value in body["settings"].items()})


def replayed(path: Path) -> dict:
    """The target that a bundle gives without the region."""
    body = load(str(path))
    settings = saved_settings(body)
    target = target_dict(examine(replay(str(path)), settings, body["captured"]))
    return json.loads(json.dumps(target)) | {"exit_code": None}


def _frozen(key: str, value: object) -> object:
    if isinstance(value, list):
        return frozenset(value) if key == "features" else tuple(value)
    return value


@pytest.mark.parametrize("times", [pytest.param(20, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", sorted(name for name, one in table().items() if one.is_healthy))
def test_a_healthy_host_has_no_cause_many_times_in_a_row(name: str, times: int) -> None:
    for target in judge_often([name], times):
        assert codes(target) == [], explain(target)


PAIRS = (
    ("second-nameserver-dead", "endpoint-dropped"),
    ("endpoint-refused", "clock-drifting"),
    ("name-hidden", "upgrade-502"),
    ("clock-behind", "shards-t-hidden"),
    ("inspected-trusted", "endpoint-dropped"),
    ("egress-dropped", "clock-unsynchronised"),
    ("no-nameserver", "clock-unsynchronised"),
    ("shards-a-hidden", "endpoint-refused"),
    ("name-hidden", "clock-drifting"),
    ("endpoint-dropped", "shards-hidden"),
    ("inspected", "second-nameserver-dead"),
    ("upgrade-502", "clock-ahead"),
    ("lossy", "endpoint-dropped"),
    ("edns-refused", "clock-unsynchronised"),
    ("proxy-504-for-one", "clock-behind"),
    ("inspected-trusted", "proxy-denies-name"),
    ("device-503-one", "clock-drifting"),
    ("upgrade-stripped", "second-nameserver-dead"),
    ("block-page-private", "endpoint-refused"),
    ("mtu-one", "name-hidden"),
    ("sinkhole-private", "upgrade-502"),
    ("policy-route", "clock-unsynchronised"),
    ("private-mixed", "block-page-private"),
    ("ipv6-some-refused", "expired-one"),
    ("inspected-trusted", "clock-years-behind"),
    ("bridge-larger-than-uplink", "clock-unsynchronised"),
    ("dnssec-insisted", "clock-unsynchronised"),
    ("connection-table-full", "endpoint-refused"),
)


@pytest.mark.broad
@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_two_independent_faults_are_two_causes(pair: tuple[str, str]) -> None:
    target = judge(pair)
    wanted = {code for name in pair for code in table()[name].causes}
    assert set(codes(target)) == wanted, explain(target)
    every_trouble_has_one_cause(target)


HEALTHY_PAIRS = (
    ("registered", "slow-dns"),
    ("registered", "very-slow-dns"),
    ("registered", "tls-1.3-only"),
    ("registered-engine-29", "two-nameservers"),
    ("registered-engine-29", "one-slow-endpoint"),
    ("registered-engine-29", "ecdsa-1.3"),
    ("registered-proxy", "distant"),
    ("ipv6-only", "slow-nameserver"),
    ("overlay-vpn", "podman-beside"),
    ("overlay-vpn", "slow-but-fine"),
    ("containerd-store", "slow-nameserver"),
    ("firewalld-docker-zone", "docker-odd-settings"),
    ("firewalld-docker-zone", "six-addresses"),
    ("own-firewall-strict", "no-ping"),
    ("own-firewall-strict", "two-nameservers"),
    ("masquerade-by-nft", "two-cards"),
    ("rules-by-hand", "network-manager"),
    ("kube-proxy-rules", "own-pools"),
    ("kube-proxy-rules", "bridge-filter-on"),
    ("docker-user-rules", "strict-reverse-path"),
    ("two-cards", "network-manager"),
    ("two-addresses", "rootless-beside"),
    ("vpn-split", "dnsmasq-well"),
    ("vpn-split", "log-json"),
    ("log-off", "mtu-1280-told"),
    ("docker-settings-many", "unbound-well"),
    ("settings-many", "resolved-strict-and-well"),
    ("exec-ready", "rotating-answers"),
    ("forward-policy-drop", "search-domain-wildcard"),
    ("lxc-new-runc-runs", "resolved-stub"),
)


@pytest.mark.broad
@pytest.mark.parametrize("pair", HEALTHY_PAIRS, ids="+".join)
def test_two_healthy_oddities_are_no_cause(pair: tuple[str, str]) -> None:
    target = judge(pair)
    assert codes(target) == [], explain(target)


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(table()))
def test_the_cause_is_the_same_in_another_region(name: str) -> None:
    target = judge([name], options=ELSEWHERE)
    assert codes(target) == sorted(table()[name].causes), explain(target)
