"""The record of a file that two steps with one key have written."""

from __future__ import annotations

from typing import Any

import pytest

from anywhere.changes.record import merged

FILE = {"path": "/etc/x", "copy": "original", "wrote": ["first"], "mixed": False, "lines": "a"}
PAIRS = {"a": [["P=1", None], ["Q=1", "Q=0"]], "b": [["P=2", "P=1"], ["Q=2", "Q=1"], ["R=1", "R=0"]]}


def record(known: dict[str, Any], later: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    kept: list[Any] = []
    (found,) = merged([known], [later], PAIRS.__getitem__, lambda value: kept.append(value) or "new")
    return found, kept


def test_each_line_of_ours_has_what_stood_there_before_any_of_ours() -> None:
    found, kept = record(FILE, {**FILE, "copy": "first", "wrote": ["second"], "lines": "b"})
    assert found == {**FILE, "wrote": ["first", "second"], "lines": "new"}
    assert kept == [[["P=1", None], ["Q=1", "Q=0"], ["P=2", None], ["Q=2", "Q=0"], ["R=1", "R=0"]]]


def test_a_later_step_without_lines_leaves_those_of_the_first() -> None:
    later = {name: value for name, value in FILE.items() if name != "lines"}
    assert record(FILE, {**later, "copy": "first", "wrote": ["second"]}) == ({**FILE, "wrote": ["first", "second"]}, [])
    assert record(later, {**FILE, "copy": "first", "wrote": ["first"]}) == ({**FILE, "lines": "new"}, [PAIRS["a"]])


@pytest.mark.parametrize(("copy", "mixed"), [("original", False), ("first", False), ("foreign", True)])
def test_an_edit_of_somebody_else_in_between_is_noted(copy: str, mixed: bool) -> None:
    found, _ = record(FILE, {**FILE, "copy": copy, "wrote": ["second"]})
    assert found["mixed"] is mixed
    assert record({**FILE, "mixed": True}, {**FILE, "copy": "first"})[0]["mixed"] is True


def test_other_undos_stay_as_they_are() -> None:
    command = {"argv": ["true"], "timeout": 5}
    assert merged([command, FILE], [{**FILE, "path": "/etc/y"}], PAIRS.__getitem__, str) == [command, FILE]
