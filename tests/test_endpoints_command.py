"""`anywhere endpoints`: arguments, output and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anywhere.cli import endpoints as verb
from anywhere.errors import AnywhereError, BadInput
from anywhere.hosts.base import Answer
from anywhere.model import Reason

CASES = Path(__file__).parent / "cases" / "endpoints"


def invoke(*words: str) -> tuple[str, AnywhereError | None]:
    result = CliRunner().invoke(verb.app, ["--region", "us-east-1", *words])
    if isinstance(result.exception, AnywhereError):
        return result.stdout, result.exception
    assert result.exit_code == 0, result.output
    return result.stdout, None


def test_command_prints_the_table_wide_and_plain_when_not_on_a_terminal():
    assert invoke() == ((CASES / "core.table.txt").read_text(), None)


def test_command_takes_comma_lists_and_repeats():
    document = json.loads(invoke("--with", "logs,ecr", "--with", "kms", "--phase", "run", "--format", "json")[0])
    assert document["features"] == ["ecr", "logs", "kms"] and document["phases"] == ["run"]
    assert {e["component"] for e in document["endpoints"]} == {"ecs-agent", "ssm-agent", "docker", "task"}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--format", "jsn"), "did you mean json?"),
        (("--format", "nftable"), "did you mean nftables"),
        (("--with", "logs,erc"), "did you mean ecr?"),
        (("--phase", "instal"), "did you mean install?"),
        (("--shards", "0"), "1 to 200"),
        (("--region", "us-eats-1"), "did you mean us-east-1"),
        (("--region", ""), "--region is needed"),
        (("--output", "/nonexistent/list"), "cannot write /nonexistent/list: No such file or directory"),
        (("--output", "/"), "cannot write /: Is a directory"),
        (("--output", "/dev/full"), "cannot write /dev/full: No space left on device"),
    ],
)
def test_bad_input_is_one_line_with_the_way_out(words, hint):
    printed, error = invoke(*words)
    assert isinstance(error, BadInput) and error.exit_code == 2
    assert hint in str(error) and "\n" not in str(error) and not printed


def test_output_replaces_the_file_as_a_whole_and_leaves_nothing_else(tmp_path):
    wanted = tmp_path / "list.csv"
    wanted.write_text("old")
    (tmp_path / "link.csv").symlink_to(wanted)
    printed, _ = invoke("--format", "csv", "--output", str(tmp_path / "link.csv"))
    assert not printed and wanted.read_text() == (CASES / "core.csv").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.csv", "list.csv"]


def test_nftables_without_any_address_writes_nothing(tmp_path, monkeypatch):
    silent = Answer("", "system", reason=Reason.NAMESERVER_TIMEOUT)
    monkeypatch.setattr("anywhere.hosts.local.LocalHost.resolve", lambda self, query: silent)
    printed, error = invoke("--format", "nftables", "--output", str(tmp_path / "set.nft"))
    assert error is not None and error.exit_code == 3 and "where DNS works" in str(error)
    assert not printed and not list(tmp_path.iterdir())
