"""Every command that the product shows is one that it takes, and every id in a report is explained."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from anywhere.catalogue.causes.table import causes
from anywhere.catalogue.checks import CHECK, CHECK_TEXTS
from anywhere.checks import CHECKS
from anywhere.checks.base import TOPICS
from anywhere.model import Cause, Finding, Remedy, Report, Status, Target
from anywhere.report.table import render
from anywhere.taskdef import RULES
from anywhere.taskdef.modes import MODES
from tests.support.commands import in_next, in_text, refused

ROOT = Path(__file__).parents[2] / "anywhere"
REQUEST = "ask the network team"  # a fix without a command: its words are what comes next
PLACEHOLDERS = ("ID", "CODE", "REGION", "COMMAND")
ID = re.compile(r"(host|netfilter|network|system|endpoints|containers|agents|fit|density|taskdef|mode)\.[a-z0-9-]+")


def test_the_helper_tells_good_from_bad() -> None:
    assert refused(["anywhere", "check", "--region", "us-east-1", "--only", "endpoints"]) == ""
    assert refused(["sudo", "anywhere", "rules", "apply", "--no-persist"]) == ""
    assert refused(["curl", "-sv", "https://example.com/"]) == ""
    assert list(in_next("anywhere rules verify, and anywhere check from time to time")) == [
        ["anywhere", "rules", "verify"],
        ["anywhere", "check"],
    ]
    for line in (
        "anywhere",
        "anywhere chek",
        "anywhere rules",
        "anywhere rules aply",
        "anywhere check --regio us-east-1",
        "anywhere check --region REGION",
        "anywhere check --only netfilter.plan",
        "anywhere check --with nothing",
        "anywhere explain no.such",
        "anywhere proxy apply --url http://***@proxy:3128",
        "anywhere taskdef check",
    ):
        assert refused(shlex.split(line)), line


def test_every_check_and_every_id_has_a_row() -> None:
    assert {check.id for check in CHECKS} == {row.id for row in CHECK_TEXTS.values() if row.asked_by == CHECK}
    assert {f"mode.{mode}" for mode in MODES} <= set(CHECK_TEXTS)
    assert {row.topic for row in CHECK_TEXTS.values() if row.asked_by == CHECK} == set(TOPICS)
    assert all(row.title and row.means and row.asked_by for row in CHECK_TEXTS.values())


def test_every_id_in_the_source_is_explained() -> None:
    """An id is written once, as a whole string; what only looks like one is a file or a unit."""
    known = {*CHECK_TEXTS, *causes(), *(rule.id for rule in RULES)}
    others = {"system.slice", "network.target", "host.name", "system.conf"}
    written = {text for _, text in _strings() if ID.fullmatch(text)}
    assert len(written & set(CHECK_TEXTS)) > 50
    assert written - known - others == set()


def _strings() -> Iterator[tuple[str, str]]:
    """All strings of the product with their file; in an f-string what is filled in is an X."""
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path.name, node.value
            elif isinstance(node, ast.JoinedStr):
                parts = [str(v.value) if isinstance(v, ast.Constant) else "X" for v in node.values]
                yield path.name, "".join(parts)


def test_every_command_that_a_text_quotes_is_taken() -> None:
    found = [
        (name, words)
        for name, text in _strings()
        for words in in_text(text)
        if "..." not in words and not any("X" in word or word in PLACEHOLDERS for word in words)
    ]
    assert len(found) > 20
    assert [line for _, words in found if (line := refused(words, is_prose=True))] == []


def test_every_command_that_is_written_as_words_is_taken() -> None:
    found = list(_literal_commands())
    assert len(found) >= 3
    assert [line for words in found if (line := refused(words))] == []


def _literal_commands() -> Iterator[list[str]]:
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Tuple) and node.elts:
                words = [e.value if isinstance(e, ast.Constant) else None for e in node.elts]
                if "anywhere" in words[:2] and all(isinstance(word, str) for word in words):
                    yield [str(word) for word in words]


def _next(target: Target) -> str:
    return render(Report((target,))).rstrip("\n").rpartition("Next: ")[2]


@pytest.mark.parametrize("regions", [(), ("eu-west-1",)])
def test_every_next_is_taken(regions: tuple[str, ...]) -> None:
    facts = {"regions": list(regions)} if regions else {}
    targets = [Target("a", facts=facts), Target("a", facts={**facts, "partial": True})]
    targets += [Target("a", facts={**facts, "registration": {"state": "registered"}})]
    for id in (*CHECK_TEXTS, *(rule.id for rule in RULES)):
        targets.append(Target("a", facts=facts, findings=(Finding(id, Status.ERROR, "x", "could not be judged"),)))
    for code in causes():
        cause = Cause(code, Status.FAIL, "x", ("x",), Remedy(REQUEST), (0,))
        targets.append(Target("a", facts=facts, causes=(cause,), findings=(Finding("x", Status.FAIL, "x", "x"),)))
    lines = {_next(target) for target in targets}
    assert len(lines) > len(CHECK_TEXTS) and REQUEST in lines
    assert [why for line in lines for words in in_next(line) if (why := refused(words))] == []
    assert [line for line in lines if not list(in_next(line))] == [REQUEST]
