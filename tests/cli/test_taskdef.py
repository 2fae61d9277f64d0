"""`anywhere taskdef` as a user calls it: files, folders, patterns, standard input; formats and exit codes."""

from __future__ import annotations

import gzip
import io
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from anywhere.cli import run
from tests.taskdef.test_rules import CASES

DOCUMENTS = CASES / "documents"
GOOD = {
    "family": "good",
    "requiresCompatibilities": ["EXTERNAL"],
    "containerDefinitions": [{"name": "a", "image": "i", "memory": 64}],
}
BAD = GOOD | {"family": "bad", "networkMode": "awsvpc"}
WARNED = GOOD | {"family": "warned", "networkMode": "bridge", "requiresCompatibilities": ["EC2"]}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in (("good.json", GOOD), ("bad.json", BAD), ("warned.json", WARNED)):
        Path(name).write_text(json.dumps(value))
    Path("package.json").write_text('{"name": "x"}')
    Path("broken.json").write_text('{"containerDefinitions": [')
    return tmp_path


def call(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(["taskdef", *words])
    out, err = capfd.readouterr()
    return code, out, err


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["good.json"], 0),
        (["warned.json"], 0),
        (["warned.json", "--strict"], 1),
        (["bad.json"], 1),
        (["bad.json", "--demote", "taskdef.network-mode"], 0),
        (["bad.json", "--skip", "taskdef.network-mode"], 0),
        (["bad.json", "--only", "taskdef.memory"], 0),
        (["good.json", "broken.json"], 2),
        (["package.json"], 2),
        (["package.json", "good.json", "--ignore-others"], 0),
        (["nothing.json"], 2),
        (["bad.json", "--launch-type", "ec2"], 1),  # registered for EXTERNAL, which refuses awsvpc
        (["bad.json", "--launch-type", "ec2", "--skip", "taskdef.compatibility"], 0),
        (["bad.json", "--launch-type", "fargate"], 1),
    ],
)
def test_exit_codes(capfd: pytest.CaptureFixture[str], words: list[str], code: int) -> None:
    assert call(capfd, "check", *words)[0] == code


@pytest.mark.usefixtures("files")
def test_bad_documents_are_one_line_each_and_the_others_are_judged(capfd: pytest.CaptureFixture[str]) -> None:
    Path("deep.json").write_text("[" * 100_000)
    bad = ["broken.json", "deep.json", "missing.json"]
    code, out, err = call(capfd, "check", *bad, "bad.json", "good.json", "--format", "json")
    assert code == 2
    assert [line.split()[1].rstrip(":") for line in err.splitlines()] == [
        "missing.json",
        "broken.json",
        "deep.json",
    ] or (sorted(line.split()[1].rstrip(":") for line in err.splitlines()) == sorted(bad))
    report = json.loads(out)
    assert [(target["name"], target["verdict"]) for target in report["targets"]] == [
        ("bad.json", "not-ready"),
        ("good.json", "ready"),
    ]
    assert {target["kind"] for target in report["targets"]} == {"document"}
    assert all(target["causes"] == [] for target in report["targets"])
    (fault,) = [f for t in report["targets"] for f in t["findings"] if f["status"] == "fail"]
    assert fault["evidence"]["pointer"] == "/networkMode" and fault["evidence"]["line"] == 1
    assert fault["evidence"]["patch"] == [{"op": "replace", "path": "/networkMode", "value": "bridge"}]


@pytest.mark.usefixtures("files")
def test_folders_and_patterns_pass_over_what_is_not_ecs(capfd: pytest.CaptureFixture[str]) -> None:
    Path("broken.json").unlink()
    Path("sub/.git").mkdir(parents=True)
    Path("sub/one.json").write_text(json.dumps(GOOD))
    Path("sub/.git/two.json").write_text(json.dumps(BAD))
    for words in (["."], ["*.json", "sub"], ["**/*.json"]):
        code, out, err = call(capfd, "check", *words, "--format", "json")
        names = {Path(target["name"]).name for target in json.loads(out)["targets"]}
        assert names >= {"good.json", "bad.json", "warned.json", "one.json"} and "package.json" not in names
        assert (code, err) == (1, "")


@pytest.mark.usefixtures("files")
def test_folder_with_a_broken_definition_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capfd, "check", ".")
    assert code == 2 and err.splitlines() == [
        "anywhere: ./broken.json: not valid JSON: Expecting value (line 1, column 27)"
    ]


def test_standard_input_is_read(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(json.dumps(BAD).encode())

    monkeypatch.setattr(sys, "stdin", Stdin())
    code, out, _ = call(capfd, "check", "-", "--format", "json")
    assert code == 1 and json.loads(out)["targets"][0]["name"] == "stdin"


@pytest.mark.usefixtures("files")
def test_service_finds_its_definition_in_another_file(capfd: pytest.CaptureFixture[str]) -> None:
    service = {"serviceName": "s", "taskDefinition": "arn:aws:ecs:eu-west-1:111122223333:task-definition/good:4"}
    Path("service.json").write_text(json.dumps(service | {"launchType": "EXTERNAL", "enableExecuteCommand": True}))
    _, out, _ = call(capfd, "check", "service.json", "good.json", "--only", "service.exec", "--format", "json")
    (finding,) = json.loads(out)["targets"][0]["findings"]
    assert finding["summary"] == "ECS Exec needs a task role, and the definition has none"


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "good.json", "--launch-type", "extern"], "unknown launch type 'extern'; did you mean external?"),
        (["check", "good.json", "--os", "linus"], "unknown operating system 'linus'; did you mean linux?"),
        (["check", "good.json", "--only", "taskdef.network"], "unknown rule 'taskdef.network'"),
        (["check", "good.json", "--format", "sarfi"], "sarif"),
        (["convert", "good.json", "--to", "fargate"], "unknown launch type 'fargate'"),
        (["convert", "good.json", "bad.json"], "convert takes one file, not 2"),
        (["convert", "broken.json"], "broken.json: not valid JSON"),
        (["fit", "good.json", "--count", "x"], "--count x: give N or NAME=N"),
        (["fit", "good.json", "--count", "other=2"], "--count other: no definition has this name"),
        (["density", "--instance-type", "m5.large"], "m5.large is not in the table: give --interfaces"),
        (["density", "--instance-type", "c5.large", "--subnet", "10.0.0.0/99"], "10.0.0.0/99 is no IPv4 subnet"),
    ],
)
def test_usage_errors_are_one_line(capfd: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    code, out, err = call(capfd, *words)
    assert code == 2 and said in err and len(err.splitlines()) == 1 and out == ""


@pytest.mark.usefixtures("files")
def test_convert_writes_the_definition_alone(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capfd, "convert", "bad.json", "--to", "external")
    assert code == 0 and json.loads(out) == BAD | {"networkMode": "bridge"}
    assert "network mode bridge, was awsvpc" in err
    code, again, err = call(capfd, "convert", "bad.json", "--to", "external", "--changes", "changes.json")
    assert (code, again, err) == (0, out, "")
    changes: dict[str, Any] = json.loads(Path("changes.json").read_text())
    assert changes["patch"] == [{"op": "replace", "path": "/networkMode", "value": "bridge"}]
    assert [change["kind"] for change in changes["changes"]] == ["changed", "decide"]
    assert call(capfd, "convert", "bad.json", "--output", "new.json")[:2] == (0, "")
    assert Path("new.json").read_text() == out
    assert call(capfd, "check", "new.json")[0] == 0


def test_convert_asks_which_of_several(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "two.json").write_text(json.dumps([GOOD, BAD]))
    code, _, err = call(capfd, "convert", str(tmp_path / "two.json"))
    assert code == 2 and "say which definition with --resource: good, bad" in err
    code, out, _ = call(capfd, "convert", str(tmp_path / "two.json"), "--name", "bad")
    assert code == 0 and json.loads(out)["family"] == "bad"


@pytest.mark.usefixtures("files")
def test_fit_over_described_instances(capfd: pytest.CaptureFixture[str]) -> None:
    resources = [{"name": "CPU", "integerValue": 2048}, {"name": "MEMORY", "integerValue": 100}]
    instances = [
        {"ec2InstanceId": f"mi-{at}", "remainingResources": resources, "attributes": [{"name": "ecs.os-type"}]}
        for at in range(2)
    ]
    Path("instances.json").write_text(json.dumps({"containerInstances": instances}))
    words = ["fit", "good.json", "--instance", "instances.json", "--no-reach", "--format", "json", "--count"]
    code, out, _ = call(capfd, *words, "2")
    assert code == 0
    code, out, _ = call(capfd, *words, "good=3")
    first = json.loads(out)["targets"][0]["findings"][0]
    assert code == 1 and first["summary"].startswith("2 of 3 placed")
    assert first["evidence"]["lacking"] == {
        "mi-0": ["needs 64 MiB, 36 of 100 are left"],
        "mi-1": ["needs 64 MiB, 36 of 100 are left"],
    }


@pytest.mark.usefixtures("files")
def test_fit_on_this_machine(capfd: pytest.CaptureFixture[str]) -> None:
    words = ("fit", "good.json", "--host", "local", "--no-reach", "--format", "json")
    code, out, _ = call(capfd, *words)
    assert code in (1, 3) and "registered ECS agent" in out
    code, out, _ = call(capfd, *words, "--as-registered")
    assert code == 0 and json.loads(out)["targets"][-1]["findings"][-1]["summary"] == "1 of 1 tasks placed on 1 host"


@pytest.mark.usefixtures("files")
def test_fit_on_saved_bundles_by_file_folder_and_pattern(capfd: pytest.CaptureFixture[str]) -> None:
    Path("saved").mkdir()
    for name in ("web1", "web2"):
        body = {"schema": "anywhere/bundle/1", "host": "local", "observations": {}}
        Path(f"saved/{name}.json.gz").write_bytes(gzip.compress(json.dumps(body).encode()))
    words = ("--no-reach", "--format", "json")
    for chosen in (["saved/web1.json.gz", "saved/web2.json.gz"], ["saved"], ["saved/*.json.gz"]):
        code, out, err = call(capfd, "fit", "good.json", "--host", *chosen, *words)
        last = json.loads(out)["targets"][-1]["findings"]
        assert {row["subject"] for row in last} >= {"web1", "web2"}, (code, err)


@pytest.mark.usefixtures("files")
def test_fit_with_a_host_that_cannot_be_asked_does_not_judge(capfd: pytest.CaptureFixture[str]) -> None:
    Path("bundle.json").write_text('{"schema": "other"}')
    code, _, err = call(capfd, "fit", "good.json", "--host", "bundle.json", "--no-reach")
    assert code in (2, 3) and "Traceback" not in err


@pytest.mark.usefixtures("files")
def test_explain_mode_tells_every_mode(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capfd, "explain-mode", "bad.json")
    assert code == 0
    for word in ("host", "bridge-static", "bridge-dynamic", "awsvpc   (in force)", "external instances have no awsvpc"):
        assert word in out
    code, out, _ = call(capfd, "explain-mode", "bad.json", "--launch-type", "ec2", "--format", "json")
    modes = {finding["check"]: finding for finding in json.loads(out)["targets"][0]["findings"]}
    assert modes["mode.awsvpc"]["evidence"]["current"] and "two on a c5.large" in modes["mode.awsvpc"]["summary"]


def test_every_format_renders_every_document(capfd: pytest.CaptureFixture[str]) -> None:
    for format in ("table", "json", "jsonl", "junit", "sarif"):
        code, out, err = call(
            capfd, "check", str(DOCUMENTS / "template.yaml"), str(DOCUMENTS / "plan.json"), "--format", format
        )
        assert code == 1 and out and err == ""


def test_the_next_command_converts_what_was_refused(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "two tasks.yaml"
    path.write_text(
        "Resources:\n"
        + "".join(
            f"  {name}:\n    Type: AWS::ECS::TaskDefinition\n    Properties: {{Family: !Sub '${{X}}-{name}', "
            "NetworkMode: awsvpc, ContainerDefinitions: [{Name: a, Image: b, Memory: 128}]}\n"
            for name in ("First", "Second")
        )
    )
    code, out, _ = call(capfd, "check", str(path))
    assert code == 1
    program, *words = shlex.split(out.splitlines()[-1].removeprefix("Next: "))
    assert (program, words[0]) == ("anywhere", "taskdef")
    assert call(capfd, *words[1:])[0] == 0
    assert "Next:" not in call(capfd, "check", str(path), "--launch-type", "fargate")[1]


ODD = (
    "Description: 'a \u200d\u2028b'\r\nResources:\r\n  Task:\r\n    Type: AWS::ECS::TaskDefinition\r\n    Properties:\r\n"
    "      Family: a # \u200d\r\n"
    "      NetworkMode: awsvpc\r\n      ContainerDefinitions: [{Name: a, Image: b, Memory: 128}]\r\n"
)


@pytest.mark.parametrize("output", ["", "new.yaml"])
def test_convert_keeps_line_ends_and_every_character(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("odd.yaml").write_bytes(ODD.encode())
    code, out, _ = call(capfd, "convert", "odd.yaml", *(["--output", output] if output else []))
    made = Path(output).read_bytes().decode() if output else out
    expected = ODD.replace("NetworkMode: awsvpc", 'NetworkMode: "bridge"')
    expected = expected.replace("128}]\r\n", '128}]\r\n      RequiresCompatibilities: ["EXTERNAL"]\r\n')
    assert code == 0 and made == expected


def test_convert_writes_nothing_to_a_terminal_that_steers_it(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd.yaml").write_bytes(ODD.encode())
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, _ = call(capfd, "convert", str(tmp_path / "odd.yaml"))
    assert code == 0 and "\r" not in out and "\u200d" not in out and "'a \ufffd\ufffdb'" in out


def test_a_folder_without_definitions_is_one_line(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services:\n  web:\n    image: nginx\n")
    line = f"anywhere: {tmp_path}: holds no task definition, service or run request"
    for command in ("check", "fit", "explain-mode"):
        code, out, err = call(capfd, command, str(tmp_path))
        assert (code, out, err.splitlines()) == (2, "", [line])
    assert call(capfd, "check", str(tmp_path), "--ignore-others") == (0, "", "")


def test_containers_alone_are_named(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "containers.json").write_text(json.dumps(GOOD["containerDefinitions"]))
    code, out, err = call(capfd, "check", str(tmp_path / "containers.json"))
    assert code == 2 and out == "" and "holds containers alone: a task definition is" in err


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_findings_on_documents_are_said_where_no_cause_explains_them(
    format: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, definition = tmp_path / "web.json", {"family": "web", "networkMode": "awsvpc"}
    for memory, code, said in ((128, 1, False), (128, 0, True)):
        container = {"name": "a", "image": "nginx:1.29", "memory": memory}
        path.write_text(json.dumps({**definition, "containerDefinitions": [container]}))
        assert run(["taskdef", "check", str(path), "--format", format]) == code
        text = capfd.readouterr().out
        assert ("No failures and no warnings" in text) is said and ("taskdef.network-mode" in text) is (
            not said or format == "html"
        )
        definition["networkMode"] = "bridge"
