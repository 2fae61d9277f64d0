"""The pages about rules: what they name exists, and no statement of AWS's pages is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anywhere.taskdef import RULES
from anywhere.taskdef.docs import page
from anywhere.taskdef.modes import MODES

DOCS = Path(__file__).parent.parent.parent / "docs"
ROWS = [line for line in (DOCS / "aws-pages.md").read_text().splitlines() if re.match(r"\| [EMVF]\d", line)]
OWN = {
    *(f"mode.{mode}" for mode in (*MODES, "*")),
    "fit.placement", "fit.reach", "fit.port-dynamic", "density.interfaces", "density.addresses", "density.trunking",
    "taskdef.input",
}  # fmt: skip


def test_rules_page_is_what_the_table_says() -> None:
    assert (DOCS / "taskdef.md").read_text() == page()


@pytest.mark.parametrize(("letter", "last"), [("E", 47), ("M", 36), ("V", 43), ("F", 33)])
def test_every_statement_has_its_row(letter: str, last: int) -> None:
    named = [number for row in ROWS for number in re.findall(r"[EMVF]\d+", row.split("|")[1])]
    assert {f"{letter}{number}" for number in range(1, last + 1)} == {n for n in named if n[0] == letter}


def test_every_row_names_a_judge_or_says_why_there_is_none() -> None:
    for row in ROWS:
        judged = row.rstrip("|").rsplit("|", 1)[1].strip()
        assert "`" in judged or judged.startswith(("nothing", "as ", "listed", "the advice")), row


def test_rules_and_checks_named_in_the_page_exist() -> None:
    from anywhere.catalogue.causes.table import causes
    from anywhere.checks import CHECKS

    known = {rule.id for rule in RULES} | {check.id for check in CHECKS} | set(causes()) | OWN
    named = {word for row in ROWS for word in re.findall(r"`([a-z]+\.[a-z*0-9-]+)`", row)}
    assert named - known - {"service.*", "taskdef.*"} == set()
    assert {rule.id for rule in RULES if rule.id.startswith("service.")} - named <= {
        "service.daemon",
        "service.deployment",
        "service.ebs",
        "service.grace-period",
        "service.order",
        "service.overrides",
        "service.placement-strategy",
        "service.references",
        "service.role",
        "service.volume",
        "service.shape",
        "service.limits",
        "service.placement-constraint",
    }


def test_hook_runs_the_command_that_there_is() -> None:
    import yaml

    from anywhere.cli import run

    hooks = yaml.safe_load((DOCS.parent / ".pre-commit-hooks.yaml").read_text())
    for hook in hooks:
        program, *words = hook["entry"].split()
        assert program == "anywhere" and run([*words, str(DOCS.parent / "schemas")]) == 0
