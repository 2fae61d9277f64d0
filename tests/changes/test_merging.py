"""Files of others keep every byte that is not ours: odd encodings, odd line ends, odd headers."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anywhere.changes.agents.config import config_steps
from anywhere.changes.agents.wanted import Wanted
from anywhere.changes.base import ChangeFailed
from anywhere.changes.merging import bytes_of, json_of, merge_lines, merge_section, text_of, without
from tests.support.barehost import BareHost
from tests.support.fakehost import FakeHost

CONFIG = "/etc/ecs/ecs.config"
LATIN = b"# Zust\xe4ndig: M\xfcller\nECS_CLUSTER=a\n"


def test_bytes_that_are_no_utf8_survive_a_merge() -> None:
    found = text_of(FakeHost({CONFIG: LATIN}), CONFIG)
    assert bytes_of(merge_lines(found, {"HTTP_PROXY": "p"})[0]) == LATIN + b"HTTP_PROXY=p\n"


def test_a_registration_keeps_them_too() -> None:
    host = FakeHost({CONFIG: LATIN + b'ECS_INSTANCE_ATTRIBUTES={"a":"\xe4"}\n'})
    (step,) = [
        step for step in config_steps(host, Wanted("us-east-1", "b", attributes={"c": "d"})) if CONFIG in step.key
    ]
    assert step.do.input.startswith(b"# Zust\xe4ndig: M\xfcller\nECS_CLUSTER=b\n") and b'"a":"\xe4"' in step.do.input


@pytest.mark.parametrize("odd", ["a\u0085b", "a\u2028b", "a\x0cb", "a\x0bb", "a\x1cb"])
def test_a_line_ends_at_a_line_feed_alone(odd: str) -> None:
    text = f"# {odd}\nA=1\n"
    merged, undo = merge_lines(text, {"A": "2"})
    assert merged == f"# {odd}\nA=2\n" and without(merged + "B=1\n", dict(undo)) == text + "B=1\n"


def test_other_lines_keep_their_ends() -> None:
    text = "X=1\r\nA=1\r\nY=2\r\n"
    merged, undo = merge_lines(text, {"A": "2", "B": "3"})
    assert merged == "X=1\r\nA=2\nY=2\r\nB=3\n"
    assert without(merged, dict(undo)) == text
    assert without(merged.replace("A=2\n", "A=2\r\n"), dict(undo)) == text


@given(st.text(alphabet="AB=#\r\n\u0085x \udce4", max_size=30))
def test_taken_out_again_the_text_is_what_it_was(text: str) -> None:
    text = text if not text or text.endswith("\n") else text + "\n"
    merged, undo = merge_lines(text, {"ZZ": "new"})
    assert merged.startswith(text) and without(merged, dict(undo)) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[main]\nproxy=p\n"),
        ("[main]\ngpgcheck=1\n", "[main]\ngpgcheck=1\nproxy=p\n"),
        ("[main]\r\ngpgcheck=1\r\n", "[main]\r\ngpgcheck=1\r\nproxy=p\n"),
        ("[main] \ngpgcheck=1\n", "[main] \ngpgcheck=1\nproxy=p\n"),
        ("[main]", "[main]\nproxy=p\n"),
        ("[main]\n[repo]\na=1\n", "[main]\nproxy=p\n[repo]\na=1\n"),
        ("[main]\na=1\n\n\n[repo]\nproxy=x\n", "[main]\na=1\nproxy=p\n\n\n[repo]\nproxy=x\n"),
        ("[repo]\na=1", "[repo]\na=1\n[main]\nproxy=p\n"),
        ("[main]\nproxy=old\n", "[main]\nproxy=p\n"),
        ("[main]\nproxy=p\n", "[main]\nproxy=p\n"),
    ],
)
def test_a_section_is_found_by_its_header_and_ends_at_the_next(before: str, after: str) -> None:
    assert merge_section(before, {"proxy": "p"})[0] == after


def test_json_keeps_bytes_and_takes_half_a_pair() -> None:
    assert bytes_of(json_of({"a": b"\xe4".decode("utf-8", "surrogateescape")})) == b'{"a": "\xe4"}'
    assert json.loads(json_of({"a": "\ud800"})) == {"a": "\ud800"}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied"), "run as root"),
        (IsADirectoryError(21, "Is a directory"), "is a directory, not a file: remove it"),
        (OSError(22, "is a pipe, not a file"), f"{CONFIG} is a pipe, not a file: remove it"),
        (OSError(5, "Input/output error"), "cannot be read: Input/output error"),
    ],
)
def test_what_stands_in_the_way_is_said(error: OSError, said: str) -> None:
    class Odd(FakeHost):
        def read(self, path: str, *, tail: int = 0) -> bytes:
            raise error

    with pytest.raises(ChangeFailed, match=said):
        text_of(Odd(), CONFIG)


@pytest.mark.region
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_apply_and_revert_on_a_host_leave_every_byte() -> None:
    with BareHost(alone=True) as host:
        host.sh(f"mkdir -p /etc/ecs; printf '# \\344\\r\\nECS_CLUSTER=a\\r\\n' > {CONFIG}")
        argv = [*host.enter, sys.executable, "-m", "anywhere", "proxy"]
        done = subprocess.run([*argv, "apply", "--url", "http://p:1"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert host.read(CONFIG).startswith(b"# \xe4\r\nECS_CLUSTER=a\r\nHTTP_PROXY=http://p:1\n")
        host.sh(f"echo X=1 >> {CONFIG}")
        assert subprocess.run([*argv, "revert"], capture_output=True).returncode == 0
        assert host.read(CONFIG) == b"# \xe4\r\nECS_CLUSTER=a\r\nX=1\n"
