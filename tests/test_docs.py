"""What is written down is true now: generated pages, the README's commands, every cause explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anywhere.catalogue.causes.registration import REGISTRATION_CAUSES
from anywhere.catalogue.causes.table import causes
from anywhere.checks import CHECKS
from anywhere.cli import VERBS
from anywhere.diagnosis import RULES
from tests.region.faults import table
from tests.tools.pages import ROOT, stale

CONTRACT_CODE = re.compile(r"^[a-z0-9]+\.[a-z0-9-]+$")


def test_the_generated_pages_are_fresh() -> None:
    assert stale() == [], "run `make docs`"


def test_every_cause_that_a_rule_or_a_check_names_is_explained() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "anywhere").rglob("*.py"))
    named = {rule.code for rule in RULES} | set(re.findall(r'\bcause="([a-z0-9.-]+)"', text))
    assert named - set(causes()) == set()


def test_every_cause_has_a_fault_in_the_region() -> None:
    shown = {code for one in table().values() for code in one.causes}
    # Only several hosts, a connection over SSH, or a registration (tests/booted/test_register_faults.py) can show these.
    elsewhere = {"identity.duplicate", "host.unreachable", "host.permission"}
    elsewhere |= {text.code for text in REGISTRATION_CAUSES}
    assert set(causes()) - shown - elsewhere == set()


def test_check_ids_are_unique_and_well_formed() -> None:
    ids = [check.id for check in CHECKS]
    assert len(ids) == len(set(ids))
    assert all(CONTRACT_CODE.match(id) for id in ids)


def test_the_suite_is_as_large_as_it_says() -> None:
    healthy = [one for one in table().values() if one.is_healthy]
    assert len(healthy) >= 12
    assert len(table()) - len(healthy) >= 60


@pytest.mark.parametrize(
    "path", sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md")) + ["README.md"]
)
def test_links_lead_somewhere(path: str) -> None:
    page = ROOT / path
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_every_page_is_found_from_the_index() -> None:
    linked = re.findall(r"\]\(([\w/.-]+\.md)", (ROOT / "docs/index.md").read_text())
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if not page.startswith("decisions/")} - {*linked, "index.md"} == set()


def test_the_readme_names_only_verbs_that_exist() -> None:
    used = set(re.findall(r"^\| `anywhere (\w+)", (ROOT / "README.md").read_text(), re.M))
    assert used <= set(VERBS)
    assert Path(ROOT / "Makefile").read_text().count("demo:") == 1
