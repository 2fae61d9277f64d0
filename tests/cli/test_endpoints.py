"""`anywhere endpoints`: arguments, output and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from anywhere.cli import run
from anywhere.hosts.base import Answer
from anywhere.model import Reason

CASES = Path(__file__).parent.parent / "cases" / "endpoints"


@pytest.fixture
def anywhere(capfd):
    """The command line as a function: exit code, standard output, standard error."""

    def call(*words: str) -> tuple[int, str, str]:
        code = run(["endpoints", *(() if "--region" in words else ("--region", "us-east-1")), *words])
        return code, *capfd.readouterr()

    return call


def test_command_prints_the_table_wide_and_plain_when_not_on_a_terminal(anywhere):
    assert anywhere() == (0, (CASES / "core.table.txt").read_text(), "")


def test_command_takes_comma_lists_and_repeats(anywhere):
    document = json.loads(anywhere("--with", "logs,ecr", "--with", "kms", "--phase", "run", "--format", "json")[1])
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
        (("--region", "us-east-1", "--region", "eu-west-1"), "run it once for each --region"),
        (("--output", "/nonexistent/list"), "cannot write /nonexistent/list: No such file or directory"),
        (("--output", "/"), "cannot write /: Is a directory"),
        (("--output", "/dev/full"), "cannot write /dev/full: No space left on device"),
    ],
)
def test_bad_input_is_one_line_with_the_way_out(anywhere, words, hint):
    code, printed, said = anywhere(*words)
    assert (code, printed, said.count("\n")) == (2, "", 1)
    assert hint in said


def test_output_replaces_the_file_as_a_whole_and_leaves_nothing_else(anywhere, tmp_path):
    wanted = tmp_path / "list.csv"
    wanted.write_text("old")
    assert anywhere("--format", "csv", "--output", str(wanted)) == (0, "", "")
    assert wanted.read_text() == (CASES / "core.csv").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]


def test_nftables_without_any_address_writes_nothing(anywhere, tmp_path, monkeypatch):
    silent = Answer("", "system", reason=Reason.NAMESERVER_TIMEOUT)
    monkeypatch.setattr("anywhere.hosts.local.LocalHost.resolve", lambda self, query: silent)
    code, printed, said = anywhere("--format", "nftables", "--output", str(tmp_path / "set.nft"))
    assert (code, printed) == (3, "") and "where DNS works" in said
    assert not list(tmp_path.iterdir())


def test_nftables_holds_what_the_names_resolve_to(anywhere, monkeypatch):
    monkeypatch.setattr(
        "anywhere.hosts.local.LocalHost.resolve",
        lambda self, query: Answer(query.name, "system", ("192.0.2.1",) if query.name.startswith("ecs-a-1.") else ()),
    )
    code, printed, said = anywhere("--format", "nftables", "--shards", "3")
    assert (code, said) == (0, "")
    assert "\t192.0.2.1,\n" in printed and "1 of the first 3 names resolved" in printed


def test_process_says_one_line_and_exits_2():
    argv = [sys.executable, "-m", "anywhere", "endpoints", "--region", "us-eats-1"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "did you mean us-east-1" in done.stderr


@pytest.mark.parametrize("format", ["table", "json", "csv", "plain", "squid"])
def test_a_reader_that_goes_away_is_no_error(format):
    argv = f"{sys.executable} -m anywhere endpoints --region us-east-1 --with ecr --format {format} | true"
    done = subprocess.run(
        ["bash", "-c", f"{argv}; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")
