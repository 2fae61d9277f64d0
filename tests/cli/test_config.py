"""The configuration file of a site: what it changes, what it refuses, and that the report shows it."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from anywhere.errors import BadInput
from anywhere.flows.reported.site import Config, load
from anywhere.settings import Settings

DAY = date(2026, 12, 1)
FULL = """
region = "eu-west-1"
features = ["ecr"]
accepted_issuers = ["Corp CA"]

[[demote]]
check = "system.selinux"
reason = "exception SEC-17"
expires = 2027-03-31

[[demote]]
check = "network"
reason = "migration"
expires = 2026-01-31

[fleet]
parallel = 4
host_timeout = 12.5
"""


def config(folder: Path, text: str) -> Config:
    path = folder / "site.toml"
    path.write_text(text)
    return load(str(path))


def test_what_the_command_line_leaves_open_is_filled_in(tmp_path: Path) -> None:
    found = config(tmp_path, FULL)
    made = found.applied(Settings(), DAY)
    assert made.regions == ("eu-west-1",) and made.features == {"ecr"} and made.accepted_issuers == ("Corp CA",)
    given = Settings(regions=("us-east-1",), features=frozenset({"logs"}))
    made = found.applied(given, DAY)
    assert made.regions == ("us-east-1",) and made.features == {"logs"}
    assert (found.parallel, found.host_timeout) == (4, 12.5)


def test_the_declared_way_stands_until_the_command_line_declares_another(tmp_path: Path) -> None:
    found = config(tmp_path, 'expect = ["private", "docker=proxy"]\n')
    assert found.applied(Settings(), DAY).expect == ("private", "docker=proxy")
    assert found.notes(Settings(), DAY) == [f"expects private, docker=proxy ({found.path})"]
    given = Settings(expect=("direct",))
    assert found.applied(given, DAY).expect == ("direct",) and found.notes(given, DAY) == []


@pytest.mark.parametrize(
    "text", ['expect = "privat"', 'expect = ["private", "public"]', "expect = [1]", 'expect = "x=proxy"']
)
def test_a_way_that_is_none_is_refused_with_the_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match=r"site\.toml: "):
        config(tmp_path, text + "\n")


def test_a_demotion_ends_on_its_day(tmp_path: Path) -> None:
    found = config(tmp_path, FULL)
    assert found.applied(Settings(), DAY).demote == ("system.selinux",)
    assert found.applied(Settings(), date(2027, 3, 31)).demote == ("system.selinux",)
    assert found.applied(Settings(), date(2027, 4, 1)).demote == ()


def test_the_report_names_what_the_file_changes(tmp_path: Path) -> None:
    notes = config(tmp_path, FULL).notes(Settings(), DAY)
    assert any("system.selinux demoted until 2027-03-31: exception SEC-17" in note for note in notes)
    assert any("network demoted no longer, expired 2026-01-31" in note for note in notes)
    assert all("site.toml" in note for note in notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("regoin = 'x'", "did you mean region"),
        ("region = 3", "region must be a text"),
        ("[[demote]]\ncheck='network'\nexpires=2027-01-01", "needs its name and a reason"),
        ("[[demote]]\ncheck='network'\nreason='x'\nexpires='2027-01-01'", "date without quotes"),
        ("demote = 'network'", "[[demote]]"),
        ("[fleet]\nparallel = -1", "positive number"),
        ("[fleet]\nparalel = 1", "did you mean parallel"),
        ("fleet = 1", "[fleet]"),
        ("region = ", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as error:
        config(tmp_path, text)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_the_current_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "anywhere.toml").write_text("region = 'eu-west-1'")
    assert load("").regions == ("eu-west-1",)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
def test_another_users_file_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "anywhere.toml").write_text("accepted_issuers = ['Evil CA']")
    os.chown(tmp_path / "anywhere.toml", 65534, 65534)
    with pytest.raises(BadInput, match="another user"):
        load("")
