"""The uses that an activation has left, asked with the owner's keys, and never where there are none."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from anywhere.aws.account import Account
from anywhere.aws.activation import Uses, uses
from tests.region import Region
from tests.region.site import Site

ID = "01234567-89ab-cdef-0123-456789abcdef"


def test_without_keys_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Account, "call", lambda *_, **__: pytest.fail("AWS was asked"))
    assert uses("us-east-1", ID) is None


def test_without_botocore_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setattr("anywhere.aws.account.has_botocore", lambda: False)
    monkeypatch.setattr(Account, "call", lambda *_, **__: pytest.fail("AWS was asked"))
    assert uses("us-east-1", ID) is None


def test_what_is_left() -> None:
    assert Uses(3, 1, 0.0, False).left == 2 and Uses(1, 4, 0.0, False).left == 0


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Region() as region, Site(region) as made:
        yield made


@pytest.mark.region
@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize(
    ("hosts", "made", "keys", "code"),
    [
        (3, {"limit": 3}, True, ""),
        (3, {"limit": 2}, True, "activation.used-up"),
        (1, {"hours": -1}, True, "activation.expired"),
        (3, {"limit": 1}, False, ""),
        (0, {"limit": 1, "hours": -1}, True, ""),
    ],
)
def test_the_region_is_asked_with_the_owners_keys(
    site: Site, hosts: int, made: dict[str, int], keys: bool, code: str
) -> None:
    pytest.importorskip("botocore")
    one = site.control.activate(**made)
    script = (
        "import sys\n"
        "from anywhere.changes.agents.wanted import Activation, Wanted\n"
        "from anywhere.flows.lifecycle.order import NotRegistered, Order\n"
        "from anywhere.flows.lifecycle.uses import check_uses\n"
        "try: check_uses(Order(Wanted('us-east-1'), Activation(sys.argv[1], 'x' * 20)), int(sys.argv[2]))\n"
        "except NotRegistered as error: print(error.code)\n"
    )
    asked = len(site.control.calls("DescribeActivations"))
    argv = [sys.executable, "-c", script, one["id"], str(hosts)]
    done = site.region.run(argv, site.owner if keys else {})
    assert done.returncode == 0 and done.stdout.strip() == code, done.stdout + done.stderr
    assert len(site.control.calls("DescribeActivations")) - asked == (1 if keys and hosts else 0)
