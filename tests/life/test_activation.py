"""`anywhere activation` with the owner's keys against the region, and what it refuses before it asks."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anywhere.aws.role import role_problems
from anywhere.errors import BadInput
from anywhere.flows.life.activation import Wish, check_wish, keep, parse_seconds, plan
from tests.region import Region
from tests.region.site import Site

ACTIVATION = (sys.executable, "-m", "anywhere", "activation")
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
ATTACHED = (
    "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Region() as region, Site(region) as made:
        yield made


@pytest.mark.region
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_created_shown_and_deleted(site: Site, tmp_path: Path) -> None:
    pytest.importorskip("botocore")

    def run(*words: str, keys: bool = True) -> subprocess.CompletedProcess[str]:
        return site.region.run([*ACTIVATION, *words], site.owner if keys else {})

    file, fleet = tmp_path / "a.json", tmp_path / "hosts.ini"
    fleet.write_text("\n".join(f"10.0.0.{n}" for n in range(1, 4)) + "\n")
    where = ("--region", "us-east-1")
    refused = run("create", *where, "--output", str(file), keys=False)
    assert refused.returncode == 2 and "AWS_PROFILE" in refused.stderr and not file.exists()
    made = run("create", *where, "-i", str(fleet), "--name", "plant 7", "--tag", "site=7", "--output", str(file))
    assert made.returncode == 0, made.stderr
    values = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert values["ActivationCode"] not in made.stdout + made.stderr
    assert "was not checked" in made.stderr  # the region has no IAM
    shown = json.loads(run("show", *where, "-i", str(fleet), "--format", "json").stdout)
    (row,) = [one for one in shown["activations"] if one["id"] == values["ActivationId"]]
    assert (row["limit"], row["left"], row["name"], row["expired"]) == (3, 3, "plant 7", False)
    assert values["ActivationCode"] not in json.dumps(shown)
    asked = run("delete", *where, values["ActivationId"])
    assert asked.returncode == 2 and "--yes" in asked.stderr
    assert run("delete", *where, values["ActivationId"], "--yes").returncode == 0
    none = run("show", *where, "-i", str(fleet))
    assert none.returncode == 1 and "none has enough" in none.stderr
    gone = run("delete", *where, values["ActivationId"], "--yes")
    assert gone.returncode == 1 and "InvalidActivation" in gone.stderr and "Traceback" not in gone.stderr


@pytest.mark.parametrize(
    ("hosts", "hours", "expected"),
    [
        (1, 24, ((1, 24.0),)),
        (1000, 1, ((1000, 24.0),)),
        (1001, 72, ((501, 72), (500, 72))),
        (2999, 9999, ((1000, 720.0), (1000, 720.0), (999, 720.0))),
    ],
)
def test_a_plan_is_as_large_as_the_fleet(hosts: int, hours: float, expected: tuple[tuple[int, float], ...]) -> None:
    assert plan(hosts, hours) == expected
    assert sum(limit for limit, _ in plan(hosts, hours)) == hosts


@pytest.mark.parametrize(
    "wish",
    [
        Wish("us-east-1", 0),
        Wish("us-east-1", 1001),
        Wish("us-east-1", seconds=31 * 86400),
        Wish("us-east-1", role="arn:aws:iam::1:role/x"),
        Wish("us-east-1", name="a;b"),
        Wish("nowhere"),
    ],
)
def test_what_aws_would_refuse_is_refused_here(wish: Wish) -> None:
    with pytest.raises(BadInput):
        check_wish(wish)


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
@pytest.mark.parametrize("mode", [None, 0o644, 0o666, 0o400])
def test_the_code_is_for_its_owner_alone_also_in_a_file_that_others_could_read(
    tmp_path: Path, mode: int | None
) -> None:
    file = tmp_path / "a.json"
    if mode is not None:
        file.write_text("{}")
        file.chmod(mode)
    keep(str(file), {"ActivationId": "x", "ActivationCode": "y"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["ActivationCode"] == "y"


def test_times() -> None:
    assert [parse_seconds(text) for text in ("30m", "24h", "7d")] == [1800, 86400, 604800]
    with pytest.raises(BadInput):
        parse_seconds("1w")


@pytest.mark.parametrize(
    ("document", "attached", "wrong"),
    [
        (TRUST, ATTACHED, 0),
        (json.dumps(TRUST).replace('"', "%22"), ATTACHED, 0),
        ({"Statement": {**TRUST["Statement"][0], "Principal": {"Service": "ecs-tasks.amazonaws.com"}}}, ATTACHED, 1),
        ({"Statement": [{**TRUST["Statement"][0], "Effect": "Deny"}]}, ATTACHED[:1], 2),
        (None, (), 3),
        *(
            ({"Statement": {**TRUST["Statement"][0], "Action": one}}, ATTACHED, 0)
            for one in ("sts:assumerole", "sts:Assume*")
        ),
        ({"Statement": {**TRUST["Statement"][0], "Action": "sts:TagSession"}}, ATTACHED, 1),
        ("not a policy", ATTACHED, 1),
    ],
)
def test_roles(document: object, attached: tuple[str, ...], wrong: int) -> None:
    assert len(role_problems(document, attached)) == wrong
