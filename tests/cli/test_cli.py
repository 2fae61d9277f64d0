"""The command line: wrong words, damaged input, full disks, closed pipes and Ctrl-C, each one clear line."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from anywhere.hosts.bundle import load
from tests.hosts.test_bundle import GOOD
from tests.region.options import Options
from tests.region.region import Region
from tests.support.pace import within
from tests.support.sample import spread
from tests.support.unprivileged import NOBODY, python, readable_copy

ROOT = Path(__file__).parent.parent.parent
ANYWHERE = (sys.executable, "-m", "anywhere")
# A network with nothing in it: what would reach out does so into the void.
ALONE = ("unshare", "-n") if os.geteuid() == 0 else ()
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TERM": "dumb"}


def run(*words: str, env: Mapping[str, str] | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
    """`anywhere` with these words, alone on its network."""
    piped: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    return subprocess.run(
        [*ALONE, *ANYWHERE, *words],
        cwd=ROOT,
        env={**ENVIRONMENT, **(env or {})},
        text=True,
        timeout=60,
        **{**piped, **more},
    )


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line for the shell."""
    return subprocess.run(["bash", "-c", line], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)


def one_line(done: subprocess.CompletedProcess[str], code: int = 2) -> str:
    """The only line on standard error of a command that ended so; nothing on standard output."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert done.stderr.startswith("anywhere: ") and done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr and not done.stdout
    return done.stderr.removeprefix("anywhere: ").rstrip("\n")


# --- wrong words --------------------------------------------------------------------------------------------------

EAST = ("check", "--region", "us-east-1")
WRONG = [
    (("chek",), "did you mean check"),
    (("check", "--region", "us-esat-1"), "did you mean us-west-1 or us-east-1"),
    (("check", "--region", "mars"), "unknown region 'mars'"),
    (("check", "--region", "us-east-1\nx"), "unknown region"),
    (("check", "--region", ""), "no region: give one with --region"),
    (("check",), "no region: give one with --region"),
    ((*EAST, "--only", "endpoint.reach"), "did you mean endpoints.reach"),
    ((*EAST, "--only", "netwrok"), "did you mean network"),
    ((*EAST, "--skip", "endponts"), "did you mean endpoints"),
    ((*EAST, "--demote", "zzz"), "topics are system, network, endpoints"),
    ((*EAST, "--format", "jsn"), "did you mean json"),
    ((*EAST, "--format", "zzz"), "known are table, json"),
    ((*EAST, "--phase", "rum"), "did you mean run"),
    ((*EAST, "--phase", "zzz"), "known are install, register, run"),
    ((*EAST, "--with", "sercets"), "did you mean secrets"),
    ((*EAST, "--with", "ecr,zzz"), "unknown feature 'zzz'"),
    ((*EAST, "--budget", "0"), "--budget must be 0.5 to 600"),
    ((*EAST, "--budget", "-3"), "--budget must be"),
    ((*EAST, "--budget", "nan"), "--budget must be"),
    ((*EAST, "--budget", "inf"), "--budget must be"),
    ((*EAST, "--budget", "soon"), "--budget takes a number, not 'soon'"),
    ((*EAST, "-p", "2.5"), "--parallel takes an integer, not '2.5'"),
    ((*EAST, "--idle", "-1"), "--idle must be 0 to 3600"),
    ((*EAST, "--idle", "nan"), "--idle must be"),
    ((*EAST, "--shards", "0"), "--shards must be 1 to 200"),
    ((*EAST, "--shards", "201"), "--shards must be 1 to 200"),
    ((*EAST, "--regoin", "x"), "--region"),
    (("check", "--region"), "--region needs a value"),
    ((*EAST, "--host", "/no/such/host.json"), "No such file"),
    ((*EAST, "--host", "/no/such/host.json.gz"), "No such file"),
    ((*EAST, "--host", "/dev/null.json"), "/dev/null.json"),
    ((*EAST, "--output", "/no/such/folder/x"), "there is no folder /no/such/folder"),
    ((*EAST, "--output", "/"), "it is a folder"),
    ((*EAST, "--save", "/no/such/folder/x.json"), "there is no folder"),
    (("explain", "egress.blockd"), "did you mean egress.blocked"),
    (("explain", "zzz"), "lists the causes"),
    (("explain", "egress.blocked", "more"), "unexpected argument: more"),
    (("endpoints",), "--region"),
    (("bundle", "diff", "x"), "NEW is missing"),
    (("move",), "--cluster is missing"),
    (("endpoints", "--region", "us-esat-1"), "did you mean"),
    (("endpoints", "--region", "us-east-1", "--format", "squib"), "did you mean squid"),
    (("endpoints", "--region", "us-east-1", "--phase", "zzz"), "unknown phase"),
    (("rules", "aply"), "aply"),
    (("proxy", "aply"), "aply"),
    (("taskdef", "check", "/no/such/file.json"), "no such file"),
    (("report", "merge", "/dev/zero"), "is not a regular file"),
    (("report", "merge", "/"), "Is a directory"),
    ((*EAST, "-i", ""), "--inventory is empty"),
    ((*EAST, "-i", "/dev/zero"), "is not a regular file"),
    ((*EAST, "-i", "/etc/hostname", "--limit", "@/dev/zero"), "is not a regular file"),
    ((*EAST, "--resume", "/dev/zero"), "--resume /dev/zero: not a file"),
    (("bundle", "show", "/dev/zero"), "not a file"),
    (("bundle", "diff", "/", "/"), "/: "),
    (("--zzz",), "there is no option --zzz"),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=[" ".join(words)[-40:] or "none" for words, _ in WRONG])
def test_wrong_words_are_one_line(words: tuple[str, ...], said: str) -> None:
    assert said in one_line(run(*words))


@pytest.mark.parametrize("word", spread(["\x1b[31mred", "a\nb\nc", "x" * 5000, "é€\U0001f600", "%s%n", "'; drop"], 2))
@pytest.mark.parametrize(
    "before", spread([("check", "--region"), (*EAST, "--only"), (*EAST, "--format"), ("explain",), ()], 2)
)
def test_any_word_is_one_printable_line(before: tuple[str, ...], word: str) -> None:
    text = one_line(run(*before, word))
    assert len(text) < 6000 and text.isprintable()


def test_a_word_that_is_no_text() -> None:
    one_line(run("check", "--region", os.fsdecode(b"us-\xff\xfe")))


# --- help ---------------------------------------------------------------------------------------------------------


def verbs() -> list[str]:
    from anywhere.cli import VERBS

    return list(VERBS)


@pytest.mark.parametrize("verb", spread(["", *verbs()], 5))
def test_help_for_each_verb(verb: str) -> None:
    done = run(*filter(None, [verb]), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.lstrip().startswith("Usage: anywhere") and "\x1b" not in done.stdout
    assert all(word in done.stdout for word in (verbs() if not verb else ["--help"]))


SHOWING = [
    "check",
    "endpoints",
    "bundle show",
    "bundle diff",
    "report merge",
    "explain",
    "taskdef check",
    "taskdef fit",
]


@pytest.mark.parametrize("words", SHOWING)
def test_examples_stand_in_the_help_line_by_line(words: str) -> None:
    lines = [line.strip() for line in run(*words.split(), "--help").stdout.splitlines()]
    assert "Examples:" in lines
    shown = lines[lines.index("Examples:") + 1 :]
    assert shown and all(f"anywhere {words}" in line for line in shown if line)


def shown_commands() -> list[str]:
    """Every command line that the pages for people and the examples of the help show."""
    known = "|".join(verbs())
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = [block for page in pages for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.S)]
    lines = [
        line for text in (*blocks, *(run(*w.split(), "--help").stdout for w in SHOWING)) for line in text.split("\n")
    ]
    found = (re.search(rf"(?:^|[/ ])anywhere ((?:{known})\b[^|>#]*)", line) for line in lines)
    return sorted({match[1].strip() for match in found if match and not match.string.strip().startswith("Usage")})


def test_every_command_that_is_shown_is_one_that_is_known() -> None:
    from anywhere.cli import run as run_here

    shown = shown_commands()
    assert len(shown) > 20
    assert run_here(["check", "--regoin", "x", "--help"]) == 2
    for line in shown:
        assert run_here([*shlex.split(line), "--help"]) == 0, line


@pytest.mark.parametrize("words", ["bundle", "report", "taskdef"])
def test_no_help_is_cut_off(words: str) -> None:
    assert "..." not in run(words, "--help").stdout.split("Commands:")[1]


def test_no_words_show_the_verbs() -> None:
    done = run()
    assert done.returncode == 2 and "anywhere help" in done.stderr and "Traceback" not in done.stderr


def test_the_version() -> None:
    from anywhere import __version__

    assert run("--version").stdout == f"anywhere {__version__}\n"


# --- where the result goes ----------------------------------------------------------------------------------------

SMALL = (*EAST, "--only", "system.os")


def test_the_result_is_on_stdout_alone_and_json_is_json() -> None:
    done = run(*SMALL, "--format", "json")
    assert done.returncode in (0, 1) and done.stderr == ""
    assert json.loads(done.stdout)["schema"] == "anywhere/report/1"


def test_no_colour_and_no_progress_where_no_terminal_is() -> None:
    for env in ({}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}, {"TERM": "xterm-256color"}):
        done = run(*SMALL, env=env)
        assert "\x1b" not in done.stdout and done.stderr == ""


def test_output_to_a_file(tmp_path: Path) -> None:
    done = run(*SMALL, "--format", "json", "--output", str(tmp_path / "x.json"))
    assert done.stdout == "" and done.stderr == ""
    assert json.loads((tmp_path / "x.json").read_text())["schema"] == "anywhere/report/1"
    assert os.listdir(tmp_path) == ["x.json"]


@pytest.mark.parametrize(
    "words", [SMALL, ("explain",), ("check", "--help"), ("--help",), ("endpoints", "--region", "us-east-1")]
)
def test_a_full_disk_behind_stdout(words: Sequence[str]) -> None:
    with open("/dev/full", "w") as full:
        done = run(*words, stdout=full)
    assert done.returncode == 2 and "No space left" in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--output", "--save"])
def test_a_full_disk_behind_a_file(option: str) -> None:
    assert "No space left" in one_line(run(*SMALL, option, "/dev/full"))


@pytest.mark.parametrize("words", [SMALL, ("explain",), ("endpoints", "--region", "us-east-1", "--with", "ecr")])
def test_a_reader_that_leaves_early(words: Sequence[str]) -> None:
    line = " ".join([*ALONE, *ANYWHERE, *words])
    done = shell(f"{line} | head -1; echo ${{PIPESTATUS[0]}}")
    assert done.stderr == "" and len(done.stdout.splitlines()) == 2
    assert done.stdout.splitlines()[1] in ("0", "1")


def test_a_reader_that_was_never_there() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = run(*SMALL, "--format", "json", stdout=writer)
    os.close(writer)
    assert done.returncode in (0, 1) and done.stderr == ""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", ">&- 2>&- <&-"])
def test_streams_that_are_closed(closed: str) -> None:
    line = " ".join([*ALONE, *ANYWHERE, *SMALL])
    done = subprocess.run(
        ["bash", "-c", f"{line} {closed}"], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode in (0, 1) and done.stderr == ""
    wrong = " ".join([*ALONE, *ANYWHERE, "chek"])
    done = subprocess.run(
        ["bash", "-c", f"{wrong} {closed}"], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and done.stdout == ""


@pytest.mark.parametrize(
    "line",
    [
        "check --region eu-west-1 --only system.memory --inventory -",
        "taskdef check -",
        "report merge -",
        "register --region eu-west-1 --cluster c --activation-stdin --dry-run",
    ],
)
def test_input_that_is_closed_is_empty(line: str) -> None:
    command = " ".join([*ALONE, *ANYWHERE, line, "<&-"])
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and done.stdout == "", done.stderr
    assert len(done.stderr.splitlines()) == 1 and "internal error" not in done.stderr


# --- bundles ------------------------------------------------------------------------------------------------------


def bundle_file(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "host.json.gz"
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(json.dumps(GOOD).encode())[:-12],
        b"\x1f\x8b\x08",
        b"not json",
        json.dumps(GOOD | {"schema": "anywhere/bundle/2"}).encode(),
        json.dumps({"schema": "anywhere/report/1"}).encode(),
        b"[" * 100_000,
        json.dumps(GOOD | {"settings": {"shards": "many"}}).encode(),
        json.dumps(GOOD | {"observations": None}).encode(),
        b"",
    ],
    ids=["truncated", "head only", "not json", "newer", "a report", "deep", "settings", "no observations", "empty"],
)
def test_a_damaged_bundle_is_one_line(tmp_path: Path, data: bytes) -> None:
    path = bundle_file(tmp_path, data)
    assert path in one_line(run("check", "--host", path))


def test_a_bundle_that_lacks_observations_could_not_be_judged(tmp_path: Path) -> None:
    done = run("check", "--host", bundle_file(tmp_path, json.dumps(GOOD).encode()), "--format", "json")
    target = json.loads(done.stdout)["targets"][0]
    assert done.returncode == 3 and target["verdict"] == "unknown" and done.stderr == ""
    assert {row["status"] for row in target["findings"]} <= {"error", "skip"}
    assert not [row for row in target["findings"] if "traceback" in row["evidence"]]


def saved(tmp_path: Path, name: str, **settings: object) -> str:
    path = tmp_path / f"{name}.json.gz"
    path.write_bytes(gzip.compress(json.dumps(GOOD | {"host": "local", "settings": settings}).encode()))
    return str(path)


@pytest.mark.parametrize("names", [("a",), ("a", "b", "c")])
def test_a_bundle_asked_for_what_it_was_not_saved_with_is_one_line(tmp_path: Path, names: tuple[str, ...]) -> None:
    paths = [saved(tmp_path, name, regions=["us-east-1"], features=["ecr"]) for name in names]
    for words, asked in ((("--region", "eu-west-1"), "eu-west-1"), (("--with", "ecr,logs"), "logs")):
        said = one_line(run("check", "--host", *paths, *words))
        assert f"so it cannot answer for {asked}: leave {words[0]} out" in said
    assert run("check", "--host", *paths, "--region", "us-east-1", "--with", "ecr").returncode == 3


def test_bundles_that_are_all_called_local_have_the_names_of_their_files(tmp_path: Path) -> None:
    for name in ("web1", "web2", "x/web2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        saved(tmp_path, name, regions=["us-east-1"])
    done = run("check", "--host", str(tmp_path), f"{tmp_path}/x/web2.json.gz", "--format", "json")
    names = [target["name"] for target in json.loads(done.stdout)["targets"]]
    assert names == ["web1", f"{tmp_path}/web2.json.gz", f"{tmp_path}/x/web2.json.gz"]
    (target,) = json.loads(run("check", f"{tmp_path}/web1.json.gz", "--format", "json").stdout)["targets"]
    assert target["name"] == "local"


def test_nothing_that_a_host_says_steers_the_terminal(tmp_path: Path) -> None:
    one_line(run("check", "--host", bundle_file(tmp_path, json.dumps(GOOD | {"host": "\x1b[2Jx"}).encode())))
    said = 'ID=debian\nVERSION_ID="\x1b[31m12"\nPRETTY_NAME="a\x1b]0;title\x07b\u202ec"\n'
    body = GOOD | {"observations": {'read ["/etc/os-release", 0]': said}}
    done = run("check", "--host", bundle_file(tmp_path, json.dumps(body).encode()))
    assert "title" in done.stdout
    assert not [mark for mark in "\x1b\x07\u202e" if mark in done.stdout]


# --- a host whose own files are damaged ---------------------------------------------------------------------------

RUBBISH: dict[str, str | bytes] = {
    "empty": "",
    "binary": bytes(range(256)) * 8,
    "one long line": "x" * 200_000,
    "nulls": b"\0" * 4096,
    "latin-1": "nameserver caf\xe9\nID=caf\xe9\nECS_CLUSTER=caf\xe9\n".encode("latin-1"),
    "brackets": "{[(\"'" * 500,
    "no values": "nameserver\nsearch\noptions ndots:\nID=\nVERSION_ID\n=x\nECS_CLUSTER=\n",
}
FILES = (
    "/etc/resolv.conf",
    "/etc/os-release",
    "/etc/hosts",
    "/etc/ecs/ecs.config",
    "/etc/docker/daemon.json",
    "/etc/machine-id",
)


@pytest.mark.region
@pytest.mark.parametrize("kind", spread([*RUBBISH, "folder", "absent", "dangling link"], 3))
def test_damaged_files_of_the_host_are_findings(kind: str) -> None:
    region = Region()
    host = region.world.host
    # A folder in the place of a file that the region itself wants to write cannot be made.
    for path in FILES[3:5] if kind == "folder" else FILES:
        if kind in RUBBISH:
            host.files[path] = RUBBISH[kind]
        elif kind == "folder":
            host.files[path] = None
            host.folders.append(path)
        elif kind == "absent":
            host.files[path] = None
        else:
            host.links[path] = "/nowhere"
    with region:
        done = region.run([*ANYWHERE, *EAST, "--format", "json", "--budget", "4"])
    assert done.returncode in (0, 1, 3) and done.stderr == "", (done.stdout, done.stderr)
    target = json.loads(done.stdout)["targets"][0]
    crashed = [row for row in target["findings"] if "traceback" in row["evidence"]]
    assert not crashed, "\n".join(crashed[0]["evidence"]["traceback"])


@pytest.mark.region
def test_without_root(room: Path) -> None:
    environment = readable_copy(room, "anywhere")
    with Region(options=Options(binds=(str(room),))) as region:
        argv = [*NOBODY, python(), "-m", "anywhere", *EAST, "--format", "json"]
        done = region.run(argv, environment, cwd=str(room))
    target = json.loads(done.stdout)["targets"][0]
    assert done.stderr == "" and not [row for row in target["findings"] if "traceback" in row["evidence"]]
    assert not [row for row in target["findings"] if row["status"] == "fail"]


@pytest.mark.region
@pytest.mark.parametrize(
    "closed",
    [
        "anywhere/cli",
        "anywhere/cli/explain.py",
        "anywhere/catalogue/data",
        "anywhere/model.py",
        "lib/typer",
    ],
)
def test_an_installation_that_the_user_may_not_read_is_one_line(room: Path, closed: str) -> None:
    environment = readable_copy(room, "anywhere")
    (room / closed).chmod(0)
    said = 0
    for words in (
        ["explain", "tls.expired"],
        ["endpoints", "--region", "us-east-1"],
        ["check", "--region", "us-east-1"],
    ):
        argv = [*ALONE, *NOBODY, python(), "-m", "anywhere", *words]
        done = subprocess.run(argv, text=True, capture_output=True, env=environment, cwd=room, timeout=60)
        assert "raceback" not in done.stderr + done.stdout, done.stderr
        if done.stderr:
            assert done.returncode == 3 and len(done.stderr.splitlines()) == 1, done.stderr
            assert "own files" in done.stderr and "umask 022" in done.stderr, done.stderr
            said += 1
    assert said


# --- Ctrl-C -------------------------------------------------------------------------------------------------------


def interrupt(process: subprocess.Popen[str], number: int) -> None:
    """Signal the command itself, which runs below the program that entered the region."""
    inner = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(inner[0]) if inner else process.pid, number)


def wait_until_it_works(process: subprocess.Popen[str]) -> None:
    """Until the command has started its first threads: before that it is Python itself that starts."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        inner = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        status = Path(f"/proc/{inner[0]}/status") if inner else Path(f"/proc/{process.pid}/status")
        try:
            threads = next(line for line in status.read_text().splitlines() if line.startswith("Threads:"))
        except (OSError, StopIteration):
            threads = "Threads: 1"
        if int(threads.split()[1]) > 1:
            return
        time.sleep(0.01)


def left_behind(region: Region) -> str:
    """What runs on the region's host."""
    return region.run(["sh", "-c", "ps -e -o args= | grep -v -e 'ps -e' -e defunct"]).stdout


@pytest.mark.region
@pytest.mark.parametrize("after", spread([0.1, 0.0, 0.8, 0.3, 1.5], 2))
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_is_one_line_and_leaves_nothing(tmp_path: Path, after: float, number: signal.Signals) -> None:
    """In a region that drops everything, with a systemctl that hangs, so that commands and probes are under way."""
    region = Region(["egress-dropped"])
    region.world.host.binds.append(str(tmp_path))
    region.world.host.programs["/usr/bin/chronyc"] = "#!/bin/sh\nsleep 4242 & sleep 4242\n"
    with region:
        before = left_behind(region)
        process = region.popen(
            [*ANYWHERE, *EAST, "--output", str(tmp_path / "out"), "--save", str(tmp_path / "host.json")],
            {"TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        wait_until_it_works(process)
        time.sleep(after)
        started = time.monotonic()
        interrupt(process, number)
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - started < within(1.0)
        assert process.returncode in (128 + number, -number), (process.returncode, err)
        assert out == "" and "Traceback" not in err
        assert err.count("\n") <= 1
        if number is signal.SIGINT:
            assert err.startswith("anywhere: interrupted") and process.returncode == 130
        assert os.listdir(tmp_path) == []
        time.sleep(0.2)
        assert left_behind(region) == before


@pytest.mark.region
def test_the_file_that_was_there_survives_an_interruption(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("old")
    region = Region(["egress-dropped"])
    region.world.host.binds.append(str(tmp_path))
    with region:
        words = [*ANYWHERE, *EAST, "--output", str(tmp_path / "out")]
        process = region.popen(words, stderr=subprocess.DEVNULL, text=True)
        time.sleep(0.8)
        interrupt(process, signal.SIGINT)
        process.wait(10)
    assert (tmp_path / "out").read_text() == "old" and os.listdir(tmp_path) == ["out"]


# --- a whole run --------------------------------------------------------------------------------------------------


@pytest.mark.region
def test_secrets_are_nowhere(tmp_path: Path) -> None:
    """Neither in the report of any format, nor in the bundle, nor on standard error."""
    secrets = ("gr\u00fcn/p@ss", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEBYa", "dXNlcjpwdw")
    region = Region(["proxy-407"])
    region.world.host.binds.append(str(tmp_path))
    url = f"http://edge:{secrets[0]}@{region.world.service(80)}:3128"
    region.world.environment |= {"https_proxy": url, "HTTPS_PROXY": url}
    region.world.environment |= {"AWS_SECRET_ACCESS_KEY": secrets[1], "AWS_SESSION_TOKEN": secrets[2]}
    region.world.host.files["/etc/ecs/ecs.config"] = f'ECS_ENGINE_AUTH_DATA={{"r": {{"auth": "{secrets[3]}"}}}}\n'
    with region:
        texts = []
        for form in ("table", "json"):
            save = tmp_path / f"{form}.json"
            done = region.run([*ANYWHERE, *EAST, "--format", form, "--save", str(save)])
            texts += [done.stdout, done.stderr, save.read_text(), json.dumps(load(str(save)), ensure_ascii=False)]
    for secret in (*secrets, "ss@", "p@ss"):
        assert not [text[max(0, text.find(secret) - 80) :][:160] for text in texts if secret in text]


def test_a_signal_in_the_middle_of_writing_ends_it_as_a_signal_does() -> None:
    """The handler may not write to a stream that is being written: Python raises RuntimeError there."""
    program = (
        "import os, signal, sys\nfrom anywhere import cli\n"
        "class Stream:\n"
        "    def flush(self):\n        raise RuntimeError('reentrant call inside <_io.BufferedWriter>')\n"
        "sys.stdout = Stream()\ncli.leave(143)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (143, "")
