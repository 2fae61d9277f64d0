"""Whole numbers in foreign text: ASCII digits within 64 bits, and no other text ends in an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anywhere.checks.containers.settings import _unquoted
from anywhere.checks.containers.settings_pairs import _number
from anywhere.cli import run
from anywhere.documents.numbers import whole
from anywhere.facts.capacity import parse_instances
from anywhere.facts.firewall.iptables_walk import owned_by
from anywhere.facts.firewall.route_localnet import parse_ports
from anywhere.taskdef.query import Comparison, compare, parse
from tests.inventory.test_inventory import places

LONG = "9" * 5000  # int() refuses more than 4300 digits
ODD = (LONG, "²", "٣", "--5", "+5", "1_0", "", "5.0")


def test_a_number_is_ascii_digits_of_64_bits() -> None:
    assert [whole(text) for text in ("0", "007", "18446744073709551615")] == [0, 7, 2**64 - 1]
    assert [whole(text) for text in (*ODD, " 5")] == [None] * (len(ODD) + 1)


@pytest.mark.parametrize("text", ODD)
def test_what_is_no_number_is_no_error_of_a_reader(text: str) -> None:
    assert _unquoted(text) is None
    assert _number(text) is None
    assert parse_ports(f"{text}-5") == () or text in ("", "--5")
    assert owned_by(text, 1000) is None
    test = parse("attribute:x > 5")
    assert isinstance(test, Comparison)
    assert compare(test, {"x": text}, lambda name: True) is not None
    resources = [{"name": "PORTS", "stringSetValue": [text, "22"]}]
    (host,) = parse_instances(json.dumps({"containerInstances": [{"remainingResources": resources}]}))
    assert {port for port, _ in host.ports} == {22}


@pytest.mark.parametrize(("text", "first"), [("-5", "b"), ("2", "a"), *((text, "b") for text in ODD)])
def test_a_priority_is_a_number_or_the_usual_one(text: str, first: str) -> None:
    """Of two groups of the same depth the one of higher priority holds, else the later name."""
    groups = {
        "a": {"hosts": {"x": None}, "vars": {"ansible_user": "a", "ansible_group_priority": text}},
        "b": {"hosts": {"x": None}, "vars": {"ansible_user": "b"}},
    }
    assert places(json.dumps({"all": {"children": groups}})) == {"x": f"{first}@x"}


@pytest.mark.parametrize("verb", ["check", "fit --no-reach"])
def test_a_definition_with_a_number_that_is_none(verb: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    container = {"name": "a", "image": "nginx:1", "memory": 64, "cpu": LONG, "portMappings": [{"containerPort": LONG}]}
    container["resourceRequirements"] = [{"type": "GPU", "value": LONG}]
    (tmp_path / "web.json").write_text(json.dumps({"family": "web", "containerDefinitions": [container]}))
    assert run(["taskdef", *verb.split(), str(tmp_path / "web.json")]) == 1
    assert "internal error" not in "".join(capfd.readouterr())
