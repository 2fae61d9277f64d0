"""Input that cannot be used is one line on standard error and exit code 2, before anything is done; nothing is lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from anywhere.cli import run
from anywhere.cli.register.order import activation_of
from anywhere.errors import BadInput
from anywhere.flows.hosts import chosen
from anywhere.flows.lifecycle.watch import Watch
from anywhere.flows.proxy import profile

ACTIVATION = {"ActivationId": "12345678-1234-1234-1234-123456789012", "ActivationCode": "A" * 20}
DEFINITION = {"family": "web", "containerDefinitions": [{"name": "a", "image": "nginx:1", "memory": 64}]}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("act.json").write_text(json.dumps(ACTIVATION))
    Path("web.json").write_text(json.dumps(DEFINITION))
    Path("text").write_text("no key")
    os.mkfifo("pipe")
    return tmp_path


REGISTER = "register --region eu-west-1 --activation-file act.json --dry-run"
CHECK = "check --region eu-west-1 --only system.memory"
REFUSED = (
    (f"{REGISTER} --keyring nope", "--keyring nope: cannot be read"),
    (f"{REGISTER} --keyring text", "--keyring text"),
    (f"{REGISTER} --demote nope", "no check or topic named 'nope'"),
    (f"{REGISTER} --artifacts-url mirror/ecs", "--artifacts-url takes http://HOST/PATH"),
    (f"{CHECK} --log-file pipe", "nobody reads from this pipe"),
    (f"{CHECK} --host web1 --ssh-key nope", "--ssh-key nope: no such file"),
    (f"{CHECK} --host web1 --ssh-key pipe", "--ssh-key pipe: not a file"),
    (f"{CHECK} --host web1 --ssh-config .", "--ssh-config .: not a file"),
    ("activation plan --hosts 99999999999", "--hosts takes up to 1000000"),
    ("taskdef fit web.json --no-reach --budget nan", "--budget must be 0.5 to 600 seconds"),
    ("taskdef fit web.json --no-reach --count 1000000", "N up to 99999"),
    *(
        (f"{words} --format jsn", "did you mean json")
        for words in (
            "bundle show act.json",
            "rules plan",
            "proxy revert",
            "artifacts verify .",
            CHECK,
            "status",
            "watch",
        )
    ),
)


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=[words for words, _ in REFUSED])
def test_it_is_refused_in_one_line(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words.split()) == 2
    shown = capsys.readouterr()
    assert said in shown.err and shown.err.count("\n") == 1 and not shown.out


@pytest.mark.parametrize("option", ["--output", "--save", "--resume", "--log-file", "--config", "--ssh-config"])
def test_an_option_whose_value_is_empty_is_not_passed_over(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A variable of a script that was not set: nothing would be saved, and nobody would be told."""
    for words in ([option, ""], [f"{option}="]):
        assert run([*CHECK.split(), *words]) == 2
        assert f"{option} is empty" in capsys.readouterr().err
    assert run(["proxy", "plan", "--url", "http://proxy:3128", "--credentials-file", ""]) == 2


def test_values_that_may_be_empty_are_taken(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*CHECK.split(), "--with", "", "--accept-issuer", "--output"]) == 0


def test_a_history_that_cannot_be_kept_says_where_and_what_to_set() -> None:
    watch = Watch(chosen(), "/proc/none/anywhere-watch", lambda _: None, lambda _: None)
    with pytest.raises(BadInput, match=r"cannot be kept in /proc/none/anywhere-watch: .*: set XDG_STATE_HOME"):
        watch._keep([{"host": "local", "verdict": "ready"}])


@pytest.mark.parametrize("text", ["parallel = 0", "parallel = 513", "host_timeout = nan", "host_timeout = 0.5"])
def test_a_limit_of_the_settings_file_is_as_that_of_the_option(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("anywhere.toml").write_text(f"[fleet]\n{text}\n")
    assert run(CHECK.split()) == 2
    assert "must be a positive number, 1 to" in capsys.readouterr().err


def test_a_region_that_is_set_and_unknown_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-one")
    assert run(["check", "--only", "system.memory"]) == 2
    assert "AWS_REGION=eu-west-one is no known region" in capsys.readouterr().err


def test_one_host_is_one_host(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["activation", "plan", "--hosts", "1"]) == 0
    assert capfd.readouterr().out == "activation 1: 1 host, expires in 24 h\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be-bom"])
def test_files_that_windows_wrote_are_read(encoding: str) -> None:
    """`aws ssm create-activation > activation.json` in Windows PowerShell 5.1 is UTF-16 with a byte order mark."""

    def put(name: str, text: str) -> None:
        data = b"\xfe\xff" + text.encode("utf-16-be") if encoding == "utf-16-be-bom" else text.encode(encoding)
        Path(name).write_bytes(data)

    put("act.json", json.dumps(ACTIVATION))
    put("web.json", json.dumps(DEFINITION))
    put("hosts.ini", "[web]\r\nweb1\r\n")
    put("url", "http://edge:pass@proxy.example.com:3128\r\n")
    put("anywhere.toml", 'region = "eu-west-1"\r\n')
    # The AWS CLI does not read a definition in UTF-16, so it is reported.
    assert run(["taskdef", "check", "web.json"]) == (0 if encoding == "utf-8-sig" else 2)
    assert run(["activation", "plan", "-i", "hosts.ini"]) == 0
    assert profile("", "url", "", (), "").address == "http://proxy.example.com:3128"
    assert run(["check", "--only", "system.memory", "--format", "json"]) == 0
    activation = activation_of("act.json", False)
    assert activation and activation.id == ACTIVATION["ActivationId"]


def test_half_a_mark_is_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    Path("act.json").write_bytes(b"\xff\xfea\0b")
    assert run(REGISTER.split()) == 2
    assert "is not a text file" in capsys.readouterr().err
