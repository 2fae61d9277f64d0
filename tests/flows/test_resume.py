"""The file of `--resume`: what a killed run left is gone on with, and no file of another kind is emptied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anywhere.changes.agents.result import Result, State
from anywhere.errors import BadInput
from anywhere.flows.lifecycle.register_fleet import keep_result, read_results
from anywhere.flows.resume import SCHEMA, Journal

FIRST = json.dumps({"schema": SCHEMA, "settings": {}}) + "\n"


@pytest.mark.parametrize(
    "content", [b"my only notes", b'{"cluster": "prod"', b"\xff\xfe", b"a\0b", b"{", b"web1\nweb2", b"[]\n"]
)
def test_a_file_of_another_kind_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    """One line without an end looks like a run that was killed while it began."""
    path = tmp_path / "notes"
    path.write_bytes(content)
    if content == b"{":  # how our own first line begins, too
        Journal(str(path), {})
        return
    with pytest.raises(BadInput, match="--resume"):
        Journal(str(path), {})
    assert path.read_bytes() == content


@pytest.mark.parametrize("cut", [0, 1, 5, 20, 30, len(FIRST) - 1, len(FIRST)])
def test_a_run_that_was_killed_while_it_began_is_gone_on_with(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(FIRST[:cut])
    Journal(str(path), {})
    assert path.read_text() == FIRST


def test_a_missing_file_is_made(tmp_path: Path) -> None:
    Journal(str(tmp_path / "run.jsonl"), {})
    assert (tmp_path / "run.jsonl").read_text() == FIRST


@pytest.mark.parametrize("torn", ["", '{"schema": "anywhere/regi', "[" * 100_000])
def test_what_is_registered_stays_so_after_a_line_that_was_cut_off(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "results.jsonl"
    keep_result(str(path), Result("a", State.DONE, "mi-1"))
    path.write_text(path.read_text() + torn)
    keep_result(str(path), Result("b", State.DONE, "mi-2"))
    keep_result(str(path), Result("c", State.DONE, "mi-3"))
    assert {name: one.instance for name, one in read_results(str(path)).items()} == {
        "a": "mi-1",
        "b": "mi-2",
        "c": "mi-3",
    }
    assert len(path.read_text().splitlines()) == (4 if torn else 3)
