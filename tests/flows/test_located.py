"""A fix says where it runs: pasted where it was read, it never changes the reader's own machine instead of the host."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from anywhere.flows.hosts import Hosts
from anywhere.flows.reported.located import located, reaching
from anywhere.hosts.target import SSHOptions, SSHTarget, parse_target
from anywhere.inventory import Entry
from anywhere.model import Cause, Finding, Remedy, Report, Status, Target
from anywhere.report import renderer
from anywhere.report.read import read_report

SCHEMA = json.loads((Path(__file__).parent.parent.parent / "schemas" / "report-1.json").read_text())
FIX = Remedy(
    "Fix it.",
    (("sudo", "systemctl", "restart", "ecs"), ("sudo", "anywhere", "rules", "apply"), ("anywhere", "explain", "x.y")),
)
LISTED = frozenset({"all", "web"})


def target(name: str, fix: Remedy = FIX) -> Target:
    finding = Finding("netfilter.rules", Status.FAIL, "nat", "not there", remedy=fix, cause="rules.missing")
    cause = Cause("rules.missing", Status.FAIL, "not there", ("nat",), fix, (0,))
    facts = {"hostname": f"{name}.example", "regions": ["us-east-1"]}
    return Target(name, "host", "2026-11-21T10:00:00Z", 1.0, facts, (cause,), (finding,))


def of(entry: Entry, inventory: str = "", **ssh: object) -> Target:
    return located(target(entry.name), entry, Hosts((entry,), SSHOptions(**ssh), inventory=inventory))


def ssh(spec: str, name: str = "", groups: frozenset[str] = frozenset()) -> Entry:
    return Entry(name or spec, parse_target(spec), groups)


def commands(one: Target) -> dict[str, str]:
    remedy = one.causes[0].remedy
    assert one.findings[0].remedy == remedy
    return dict(zip((" ".join(command) for command in remedy.commands), remedy.where or ("",) * 9))


def test_on_this_machine_nothing_changes() -> None:
    for entry in (Entry("local", "local"), Entry("web1", "local", LISTED)):
        assert of(entry, "hosts.ini") == target(entry.name)


@pytest.mark.parametrize(
    ("entry", "inventory", "options", "reach"),
    [
        (ssh("admin@web1:2222"), "", {}, "--host admin@web1:2222"),
        (ssh("admin@[fd00::1]:22"), "", {}, "--host admin@[fd00::1]:22"),
        (ssh("10.0.0.7", "web1", LISTED), "hosts.ini", {}, "-i hosts.ini --limit web1"),
        (ssh("root@10.0.0.7", "web1", LISTED), "-", {}, "--host root@10.0.0.7"),
        (ssh("web1"), "hosts.ini", {}, "--host web1"),
        (
            ssh("web1"),
            "",
            {"identities": ("k",), "config": ("jump.conf",), "become_password": "x", "become": False},
            "--host web1 --ssh-key k --ssh-config jump.conf -K",
        ),
        (
            Entry("web1", SSHTarget("10.0.0.7", "u", 22, "web1", "id"), LISTED),
            "-",
            {},
            "--host u@10.0.0.7:22 --ssh-key id",
        ),
    ],
)
def test_ours_carry_how_to_reach_the_host_and_others_run_on_it(
    entry: Entry, inventory: str, options: dict[str, object], reach: str
) -> None:
    one = of(entry, inventory, **options)
    assert " ".join(one.reach) == reach
    assert commands(one) == {
        "sudo systemctl restart ecs": entry.name,
        f"anywhere rules apply {reach}": "",
        "anywhere explain x.y": "",
    }
    assert located(one, entry, Hosts((entry,))).causes == one.causes


def test_a_bundle_is_of_the_host_that_it_was_saved_on(tmp_path: Path) -> None:
    entry = Entry("b.json", str(tmp_path / "b.json"))
    one = located(target("local"), entry, Hosts((entry,)))
    assert one.reach == ()
    assert commands(one) == {
        "sudo systemctl restart ecs": "local.example",
        "sudo anywhere rules apply": "local.example",
        "anywhere explain x.y": "",
    }


def fleet(count: int) -> Report:
    return Report(tuple(of(ssh(f"10.0.0.{n}", f"web{n}", LISTED), "hosts.ini") for n in range(1, count + 1)))


def test_one_host_in_every_format() -> None:
    report = Report((of(ssh("admin@web1")),))
    body = json.loads(renderer("json")(report))
    jsonschema.validate(body, SCHEMA)
    assert body["targets"][0]["causes"][0]["remedy"]["where"] == ["admin@web1", "", ""]
    [back] = read_report(renderer("json")(report), "x")
    assert (back.causes, back.reach) == (report.targets[0].causes, report.targets[0].reach)
    table = renderer("table")(report)
    assert "      on admin@web1:\n      $ sudo systemctl restart ecs\n      here:\n" in table
    assert "      $ anywhere rules apply --host admin@web1\n" in table
    assert table.splitlines()[-1] == "Next: on admin@web1: sudo systemctl restart ecs"
    script = "# on admin@web1:\nsudo systemctl restart ecs\n# here:\nanywhere rules apply --host admin@web1\n"
    assert script in renderer("markdown")(report)
    assert script in renderer("html")(report)
    assert script in renderer("junit")(report)


def test_many_hosts_get_one_command() -> None:
    for name in ("table", "markdown", "html"):
        text = renderer(name)(fleet(3))
        assert "anywhere rules apply -i hosts.ini --limit web1,web2,web3\n" in text
        assert "on web1, web2, web3:\n" in text
    text = renderer("table")(fleet(30))
    last = ",".join(f"web{n}" for n in range(1, 21))
    assert f"anywhere rules apply -i hosts.ini --limit {last}\n" in text
    assert "web20 and 10 more:\n" in text
    jsonschema.validate(json.loads(renderer("json")(fleet(3))), SCHEMA)


def test_hosts_that_were_named_one_by_one_and_this_machine() -> None:
    entry = Entry("local", "local")
    report = Report((of(ssh("a")), of(ssh("b"), config=("j",)), of(entry)))
    text = renderer("table")(report)
    assert "anywhere rules apply --host a --host b --ssh-config j\n" in text


def test_a_host_with_other_commands_is_left_to_its_own_report() -> None:
    """The commands shown for many are those of most, under their names alone."""
    entry = ssh("10.0.0.9", "db1", LISTED)
    other = Remedy("Fix it.", (("sudo", "dnf", "install", "x"),))
    strange = located(target("db1", other), entry, Hosts((entry,), inventory="hosts.ini"))
    text = renderer("table")(Report((*fleet(3).targets, strange)))
    assert "on web1, web2, web3:\n" in text
    assert "dnf" not in text


def test_what_comes_next_reaches_the_host() -> None:
    ready = located(
        Target("h", facts={"regions": ["us-east-1"], "registration": {"state": "registered"}}), ssh("h"), Hosts(())
    )
    assert "anywhere rules verify --host h, and anywhere check --region us-east-1 --host h" in renderer("table")(
        Report((ready,))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`anywhere rules revert` undoes it", "`anywhere rules revert --host root@h` undoes it"),
        ("`sudo anywhere move --cluster a` again", "`anywhere move --cluster a --host root@h` again"),
        ("`anywhere explain x` and `ls`", "`anywhere explain x` and `ls`"),
        ("nothing was changed", "nothing was changed"),
    ],
)
def test_quoted_commands_of_ours_reach_the_host(text: str, expected: str) -> None:
    assert reaching(text, ("--host", "root@h")) == expected
    assert reaching(text, ()) == text
