"""systemd's files and answers, and ecs.config as its two readers take it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anywhere.facts.agents.ecs_config import INSTANCE, USER, ecs_config, parse_ecs_config
from anywhere.facts.files import Access, Text
from anywhere.facts.system.packages import parse_packages
from anywhere.facts.system.quoting import (
    assignments,
    parse_environment_file,
    parse_service,
    split_words,
    unit_environment,
)
from anywhere.facts.system.units import DOCKER, ECS, ROOTS, SHOW, SSM, parse_show, units
from anywhere.hosts.base import Completed
from tests.support.fakehost import FakeHost

GENERATOR = Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")
SIGNS = ["A", "B=", "=", '"', "'", "\\", "\n", "\r", "#", ";", " ", "\t", "x", "[Service]", "Environment=", "$"]
heaps = st.lists(st.sampled_from(SIGNS)).map("".join)


@given(st.one_of(st.text(), heaps))
@example('A="')
@example("A=\\")
@example("#\\\nA=1")
def test_nothing_breaks_the_parsers(text: str) -> None:
    parse_environment_file(text)
    split_words(text)
    assignments(text)
    parse_service(text)
    parse_show(text)
    parse_packages(text)
    parse_ecs_config((Text(USER, text), Text(INSTANCE, text)))


ENVIRONMENT_FILE = r"""# a comment
PLAIN=http://proxy:3128
NOTE=prod # a part of it
 BLANKS =  'x y' z
export LOST=1
JOINED=a\
b
QUOTED="a\"b\\c d"
TWICE='it''s'
INSIDE=x"y" 'z'
SPACED="a"	'b'  c d
TAIL="a b"   """


def test_an_environment_file_is_read_as_systemd_does() -> None:
    assert parse_environment_file(ENVIRONMENT_FILE + "\n=novalue\nnoequals\nLAST=1") == {
        "PLAIN": "http://proxy:3128",
        "NOTE": "prod # a part of it",
        "BLANKS": "x yz",
        "JOINED": "ab",
        "QUOTED": 'a"b\\c d',
        "TWICE": "its",
        "INSIDE": "x\"y\" 'z'",
        "SPACED": "abc d",
        "TAIL": "a b",
        "LAST": "1",
    }
    assert parse_environment_file("A=http://p:1\u00a0\nB\u00a0=1\n") == {"A": "http://p:1\u00a0"}


def test_crlf_is_as_good_as_lf() -> None:
    text = "A=1\nB='x y'\n# c\nC=2"
    assert parse_environment_file(text.replace("\n", "\r\n")) == parse_environment_file(text)


@pytest.mark.skipif(not GENERATOR.exists(), reason="needs systemd's environment.d generator")
@pytest.mark.parametrize(
    "text", [ENVIRONMENT_FILE, ENVIRONMENT_FILE.replace("\n", "\r\n"), 'A="open\nB=1', "A='x\\'y'\n"]
)
def test_systemd_itself_reads_the_file_so(text: str, tmp_path: Path) -> None:
    """systemd's generator for environment.d runs the same parser; what it prints, the shell reads back."""
    (tmp_path / "environment.d").mkdir()
    (tmp_path / "environment.d" / "a.conf").write_text(text)
    clean = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    printed = subprocess.run([GENERATOR], capture_output=True, env=clean, text=True, check=False).stdout
    ours = parse_environment_file(text)
    theirs = {name: value for name, value in assignments(printed.replace("\n", " ")).items() if name in ours}
    assert theirs == ours


def test_words_are_split_as_systemd_does() -> None:
    assert split_words('A=1 "B=x y" \'C=d\' "E=f') == ("A=1", "B=x y", "C=d", "E=f")
    assert split_words('""') == ("",)
    assert assignments('"A=x y" 1B=no =x C') == {"A": "x y"}


def test_a_service_section_is_read_alone_and_lines_are_joined() -> None:
    service = "[Service]\n# c\nEnvironment=A=1 \\\n# between\n  B=2\n;c\n\nEnvironment=\n"
    text = f"[Unit]\nEnvironment=NO=1\n{service}[Install]\nX=1"
    assert parse_service(text) == (("Environment", "A=1  B=2"), ("Environment", ""))


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("Environment=A=1 \\ \nB=2", {"A": "1"}),  # a blank behind the backslash: no joining
        ("Environment=A=1 \\", {"A": "1"}),
        ("Environment=A=\\x41\\102 B=2", {"A": "AB", "B": "2"}),
        ("Environment=A=1 B=a\\qc C=3", {"A": "1"}),
        ("Environment=A=1 B=\\777 C=3", {"A": "1"}),
        ("Environment=A=\\u0100\\377", {"A": "\u0100\xff"}),
        ("\u00a0Environment=A=1", {}),
        ("Environment=A=1\u00a0B=2", {"A": "1\u00a0B=2"}),
        ("[Unit\nEnvironment=A=1", {}),
        ("Environment=A=pw% B=b%-c C=a%40b D=%% E=%t/50%-x", {"A": "pw%", "B": "b%-c", "D": "%", "E": "/run/50%-x"}),
    ],
)
def test_lines_that_systemd_reads_in_its_own_way(line: str, taken: dict[str, str]) -> None:
    settings = [value for key, value in parse_service(f"[Service]\n{line}") if key == "Environment"]
    assert {k: v for value in settings for k, v in unit_environment(value)[0].items()} == taken


def test_a_hidden_file_is_no_drop_in() -> None:
    files = {f"{ROOTS[-1]}/{DOCKER}": "[Service]\n", f"{ROOTS[0]}/{DOCKER}.d/.a.conf": "[Service]\nEnvironment=A=1\n"}
    assert units(FakeHost(files))[DOCKER].environment == {}


def test_show_blocks_are_told_apart_and_odd_lines_are_left_out() -> None:
    text = "Id=a.service\nLoadState=loaded\nNRestarts=7\nnonsense\n\nId=b.service\nLoadState=not-found\nNRestarts=x\n"
    first, second = parse_show(text)
    assert (first.name, first.exists, first.restarts) == ("a.service", True, 7)
    assert (second.name, second.exists, second.restarts) == ("b.service", False, None)


def test_systemd_219_has_another_name_for_environment_files() -> None:
    shown = f"Id={DOCKER}\nLoadState=loaded\nEnvironmentFile=/etc/sysconfig/docker (ignore_errors=yes)\n"
    assert parse_show(shown)[0].environment_files == ("/etc/sysconfig/docker",)


def test_an_answer_in_a_chroot_is_no_answer() -> None:
    host = FakeHost(
        {f"{ROOTS[-1]}/{ECS}": "[Service]\nRestartPreventExitStatus=5\n"},
        {SHOW: Completed(SHOW, 0, "", "Running in chroot, ignoring request.")},
    )
    found = units(host)[ECS]
    assert (found.exists, found.source, found.is_running, found.final_exits) == (True, "files", None, ("5",))


def test_a_masked_unit_is_told() -> None:
    assert units(FakeHost({f"/etc/systemd/system/{DOCKER}": ""}))[DOCKER].masked
    assert units(FakeHost(commands={SHOW: f"Id={DOCKER}\nLoadState=masked\nActiveState=inactive\n"}))[DOCKER].masked


def test_an_empty_assignment_takes_back_the_earlier_ones() -> None:
    files = {
        f"{ROOTS[-1]}/{DOCKER}": "[Service]\nEnvironment=A=1\nEnvironmentFile=/etc/default/docker\n",
        f"{ROOTS[0]}/{DOCKER}.d/a.conf": "[Service]\nEnvironment=\nEnvironmentFile=\nEnvironment=B=2 C=3\n",
        f"{ROOTS[0]}/{DOCKER}.d/b.conf": "[Service]\nUnsetEnvironment=C\n",
        "/etc/default/docker": "D=4\n",
    }
    assert units(FakeHost(files))[DOCKER].environment == {"B": "2"}


def test_one_assignment_is_taken_back_by_its_value() -> None:
    service = "[Service]\nEnvironment=A=1 B=2\nUnsetEnvironment=A=1 B=3\n"
    assert units(FakeHost({f"{ROOTS[-1]}/{DOCKER}": service}))[DOCKER].environment == {"B": "2"}


def test_a_pattern_stands_for_its_files_in_order() -> None:
    files = {
        f"{ROOTS[-1]}/{DOCKER}": "[Service]\nEnvironmentFile=-/etc/proxy.d/*.env\nEnvironmentFile=-/etc/gone.d/*\n",
        "/etc/proxy.d/b.env": "A=2\n",
        "/etc/proxy.d/a.env": "A=1\nB=1\n",
        "/etc/proxy.d/c.txt": "A=3\n",
        "/etc/proxy.d/.hidden.env": "A=4\n",
    }
    found = units(FakeHost(files))[DOCKER]
    assert found.environment == {"A": "2", "B": "1"}
    assert found.sources["A"] == "/etc/proxy.d/b.env"


def test_a_file_that_may_not_be_read_is_hidden_not_empty() -> None:
    files = {f"{ROOTS[-1]}/{ECS}": f"[Service]\nEnvironmentFile=-{USER}\n", USER: None}
    assert units(FakeHost(files))[ECS].hidden == (USER,)


def config(user: str = "", instance: str = "") -> FakeHost:
    return FakeHost({USER: user, INSTANCE: instance})


def test_the_later_line_and_the_users_file_win_for_both_readers() -> None:
    found = ecs_config(config("ECS_CLUSTER=a\nECS_CLUSTER=b\n", "ECS_CLUSTER=c\nAWS_DEFAULT_REGION=us-east-1\n"))
    assert found.agent == found.init == {"ECS_CLUSTER": "b", "AWS_DEFAULT_REGION": "us-east-1"}
    assert found.sources["ECS_CLUSTER"] == f"{USER}:2"
    assert [(one.kind, one.number) for one in found.problems] == [("overridden", 1), ("duplicate", 2)]


@pytest.mark.parametrize(
    ("text", "kind", "number", "agent"),
    [
        ('A=1\nECS_CLUSTER="prod"\n', "quoted", 2, '"prod"'),
        ("ECS_CLUSTER='prod'", "quoted", 1, "'prod'"),
        ("export ECS_CLUSTER=prod\n", "syntax", 1, None),
        ("ECS_CLUSTER = prod\n", "syntax", 1, None),
        ("A=1\njust words\n", "syntax", 2, None),
        ("ECS_AVAILABLE_LOGGING_DRIVERS=[json-file]\n", "json", 1, None),
        ('ECS_AVAILABLE_LOGGING_DRIVERS={"a":1}\n', "json", 1, None),
        ("ECS_INSTANCE_ATTRIBUTES=[1]\n", "json", 1, None),
        ('ECS_INSTANCE_ATTRIBUTES={"rack": 7}\n', "json", 1, None),
        ("ECS_CONTAINER_INSTANCE_TAGS={plant: north}\n", "json", 1, None),
        ('ECS_INSTANCE_ATTRIBUTES={"ra ck": "7"}\n', "json", 1, None),
        ("ECS_AGENT_LABELS={plant: north}\n", "ignored", 1, None),
        ("ECS_RESERVED_MEMORY=70000\n", "ignored", 1, None),
        ("ECS_EXTERNAL=True\n", "external", 1, None),
        ("ECS_LOGLEVEL=infoECS_CLUSTER=prod\n", "glued", 1, None),
    ],
)
def test_lines_that_do_not_say_what_they_should_are_named(text: str, kind: str, number: int, agent: str | None) -> None:
    found = ecs_config(config(text))
    assert [(one.kind, one.number) for one in found.problems] == [(kind, number)]
    assert found.agent.get("ECS_CLUSTER") == agent


@pytest.mark.parametrize(
    "text",
    [
        "ECS_CLUSTER=prod\r\nECS_EXTERNAL=true\r\n",
        "ECS_CLUSTER=prod",
        '# a note\n\nECS_RESERVED_PORTS=[22, 80]\nECS_INSTANCE_ATTRIBUTES={"rack": "7"}\n#ECS_CLUSTER="x"\n',
        "HTTPS_PROXY=http://user:pa=ss@proxy:3128\n",
        "ECS_AVAILABLE_LOGGING_DRIVERS=\n",
    ],
)
def test_lines_that_are_right_are_left_alone(text: str) -> None:
    assert ecs_config(config(text)).problems == ()


def test_secrets_of_the_settings_are_not_kept() -> None:
    text = (
        'ECS_ENGINE_AUTH_DATA={"r":{"password":"hunter2"}}\nAWS_SECRET_ACCESS_KEY=hunter2\nAWS_SESSION_TOKEN="hunter2"'
    )
    assert "hunter2" not in repr(ecs_config(config(text)))


def test_deeply_nested_json_is_a_problem_and_no_crash() -> None:
    assert ecs_config(config("ECS_INSTANCE_ATTRIBUTES=" + "[" * 100_000)).problems[0].kind == "json"


def test_a_forbidden_file_is_not_known() -> None:
    found = ecs_config(FakeHost({USER: None}))
    assert (found.known, found.hidden) == (False, (USER,))
    assert parse_ecs_config((Text(USER, access=Access.MISSING),)).known


def test_packages_that_are_gone_do_not_count() -> None:
    text = (
        "amazon-ssm-agent 3.3.987.0-1 install ok installed\ndocker.io 20.10 deinstall ok config-files\n"
        "apparmor  unknown ok not-installed\npackage docker-ce is not installed\n"
    )
    assert parse_packages(text) == {"amazon-ssm-agent": "3.3.987.0-1"}


@pytest.mark.parametrize(
    "value", ['{"rack": "A7/3"}', '{"site.hall": "north hall: 2"}', '{"gpu": ""}', '{"a/b\\\\c": "x@y"}', "{}"]
)
def test_attributes_that_ecs_takes(value: str) -> None:
    assert not ecs_config(config(f"ECS_INSTANCE_ATTRIBUTES={value}\n")).problems


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        ("ECS_CLUSTER=prod\nECS_LOGLEVEL=info\n".encode("utf-16"), ["utf16"]),
        (
            "ECS_CLUSTER=prod\nECS_LOGLEVEL=info\n".encode("utf-16")
            + b"ECS_EXTERNAL=true\n# by an installer that came later, long enough to fill the end\n",
            ["mixed"],
        ),
        (b"ECS_CLUSTER=prod\nECS_LOGLEVEL=info\n" + b"\0" * 40, []),
        (b"\xef\xbb\xbf# settings\nECS_CLUSTER=prod\n", []),
    ],
)
def test_other_encodings_and_zeros_at_the_end(data: bytes, kinds: list[str]) -> None:
    found = ecs_config(FakeHost(files={"/etc/ecs/ecs.config": data}))
    assert [one.kind for one in found.problems] == kinds


def test_systemd_gives_every_unit_its_own_variables() -> None:
    """A later file adds, an empty value clears, the unit's own line wins; a file of /run is hidden by one of /etc."""
    folder = "systemd/system.conf.d/p.conf"
    files = {
        "/etc/systemd/system.conf": "[Manager]\nDefaultEnvironment=A=1 GONE=1\n[Service]\nDefaultEnvironment=NO=1\n",
        f"/etc/{folder}": '[Manager]\nDefaultEnvironment=\nDefaultEnvironment="B=2 3" C=4 D=5\n',
        f"/run/{folder}": "[Manager]\nDefaultEnvironment=HIDDEN=1\n",
        f"/etc/systemd/system/{DOCKER}": "[Service]\nEnvironment=C=own\nUnsetEnvironment=D\n",
    }
    unit = units(FakeHost(files=files))[DOCKER]
    assert unit.environment == {"B": "2 3", "C": "own"}
    assert unit.sources["B"] == f"/etc/{folder}" and unit.sources["C"] == f"/etc/systemd/system/{DOCKER}"


@pytest.mark.parametrize(
    ("state", "active", "files", "exists"),
    [
        ("bad", "inactive", (), False),
        ("\nNeedDaemonReload=yes", "inactive", (), False),
        ("bad", "inactive", ("amazon-ssm-agent.service",), True),  # a file that systemd cannot make sense of
        ("bad", "active", (), True),  # it still runs
        ("disabled", "inactive", (), True),
    ],
)
def test_a_unit_whose_file_is_gone_is_not_there(state: str, active: str, files: tuple[str, ...], exists: bool) -> None:
    """`dpkg -r amazon-ssm-agent` of AWS's package reloads systemd before the file goes."""
    shown = f"Id={SSM}\nLoadState=loaded\nActiveState={active}\nUnitFileState={state}\n"
    host = FakeHost(
        commands={SHOW: f"{shown}FragmentPath=/lib/systemd/system/{SSM}\n"}, folders={"/lib/systemd/system": files}
    )
    assert units(host)[SSM].exists is exists
