"""Many hosts: bounded, in order, never held up by one of them; judged together; resumed; interrupted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anywhere.cli.progress import Tally
from anywhere.errors import BadInput
from anywhere.flows.clones import CODE, judge_fleet, same_machine
from anywhere.flows.fleet import FEWEST, Fleet, Load, look_at_processors
from anywhere.flows.resume import Journal
from anywhere.model import Finding, Report, Status, Target
from anywhere.report.fleet.view import endpoints, groups, outliers, row
from tests.support.pace import within
from tests.support.ssh.fleets import Fleets, fleets, misbehaving

# --- the runner --------------------------------------------------------------------------------------------------


def collect(fleet: Fleet[int, str]) -> list[tuple[int, str]]:
    return [(done.index, done.result) for done in fleet.run()]


def test_every_job_is_done_once() -> None:
    fleet = Fleet(list(range(200)), lambda job: f"r{job}", lambda job: "late", parallel=7)
    assert sorted(collect(fleet)) == [(number, f"r{number}") for number in range(200)]


class Counted:
    """Work that counts how many run at once, and waits for `enough` of them."""

    def __init__(self, enough: int = 1) -> None:
        self.running = self.most = 0
        self._lock, self._meeting = threading.Lock(), threading.Barrier(enough, timeout=60)

    def __call__(self, job: int) -> str:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self._meeting.wait()
        time.sleep(0.001)
        with self._lock:
            self.running -= 1
        return "done"


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No job gives its place away because this machine stood still for seconds."""
    monkeypatch.setattr("anywhere.flows.fleet.SLOW", 600.0)


@pytest.mark.usefixtures("unhurried")
def test_as_many_at_once_as_asked_for_and_no_more() -> None:
    work = Counted(enough=9)
    assert len(collect(Fleet(list(range(90)), work, lambda job: "", parallel=9, is_full=lambda: False))) == 90
    assert work.most == 9


@pytest.mark.usefixtures("unhurried")
def test_few_at_once_while_this_machine_is_full() -> None:
    work = Counted()
    assert len(collect(Fleet(list(range(100)), work, lambda job: "", parallel=50, is_full=lambda: True))) == 100
    assert work.most <= FEWEST


@pytest.mark.usefixtures("unhurried")
def test_more_again_when_this_machine_has_room() -> None:
    looks = iter([False] * 8 + [True] * 20)
    first, later = Counted(), Counted(enough=12)

    def work(job: int) -> str:
        return first(job) if job < 100 else later(job)

    fleet = Fleet(list(range(124)), work, lambda job: "", parallel=12, is_full=lambda: next(looks, False))
    assert {result for _, result in collect(fleet)} == {"done"}
    assert later.most == 12


def test_what_hangs_while_this_machine_is_full_delays_nobody() -> None:
    release = threading.Event()

    def work(job: int) -> str:
        if job < FEWEST:
            release.wait(60)
        return "done"

    fleet = Fleet(list(range(20)), work, lambda job: "given up", seconds=8, is_full=lambda: True)
    results = collect(fleet)
    release.set()
    assert [job for job, _ in results[-FEWEST:]] == list(range(FEWEST))
    assert [result for _, result in results] == ["done"] * (20 - FEWEST) + ["given up"] * FEWEST


@pytest.mark.parametrize(
    ("own", "waiting", "unused", "full"),
    [
        (1.0, 0.0, 0.9, True),  # one interpreter takes one processor, however many there are
        (0.6, 0.0, 0.0, True),
        (0.6, 0.0, 0.5, False),
        (0.1, 0.3, 0.0, False),  # others keep it busy: waiting for hosts goes on beside them
        (0.2, 2.5, 0.0, True),  # others are runs like this one: each wants more than it gets
        (0.2, 2.5, 0.5, False),  # a processor is free: more at once are done sooner
        (0.0, 0.0, 1.0, False),
    ],
)
def test_when_a_machine_is_full(own: float, waiting: float, unused: float, full: bool) -> None:
    looks = ((float(second), own * second, unused * second * 400, second * 400.0) for second in range(100))
    load = Load(lambda: next(looks), lambda: waiting)
    assert [load.is_full() for _ in range(20)][-1] is full


def test_one_look_alone_fills_no_machine() -> None:
    looks = iter([(0.0, 0.0, 0.0, 0.0), (1.0, 0.9, 0.0, 200.0), (1.0, 0.9, 0.0, 200.0)])
    load = Load(lambda: next(looks), lambda: 0.0)
    assert (load.is_full(), load.is_full()) == (False, False)


def test_the_processors_of_this_machine() -> None:
    before, after = look_at_processors(), look_at_processors()
    assert all(new >= old for new, old in zip(after, before, strict=True))
    assert before[3] >= before[2] > 0


def test_hosts_that_hang_neither_delay_nor_hide_the_others() -> None:
    release = threading.Event()

    def work(job: int) -> str:
        if job % 10 == 0:
            release.wait(30)
        return "done"

    started = time.monotonic()
    fleet = Fleet(list(range(100)), work, lambda job: "given up", parallel=4, seconds=4.0)
    seen = {}
    moments = {}
    for done in fleet.run():
        seen[done.index] = done.result
        moments[done.index] = time.monotonic() - started
    release.set()
    assert [seen[number] for number in range(100)] == ["given up" if n % 10 == 0 else "done" for n in range(100)]
    # Ten hang, four at once, four seconds each: one behind the other they would take ten seconds and more.
    assert time.monotonic() - started < 4 + 3 * 3 + within(1)
    assert max(moment for number, moment in moments.items() if number % 10) < 3 * 3 + 1


def test_a_result_that_comes_too_late_is_not_told_twice() -> None:
    def work(job: int) -> str:
        time.sleep(1.5 if job == 0 else 0.9)
        return "done"

    fleet = Fleet([0, 1, 2, 3], work, lambda job: "given up", parallel=1, seconds=1.0)
    assert sorted(collect(fleet)) == [(0, "given up"), (1, "done"), (2, "done"), (3, "done")]


def test_jobs_that_only_wait_give_their_places_early() -> None:
    """Forty that wait for nothing are begun soon, though only four count at once."""
    started: list[float] = []
    begun = time.monotonic()

    def work(job: int) -> str:
        started.append(time.monotonic() - begun)
        time.sleep(3.0)
        return ""

    fleet = Fleet(list(range(40)), work, lambda job: "given up", parallel=4, slow=0.1, is_full=lambda: False)
    assert len(collect(fleet)) == 40
    assert max(started) < within(2.5)


def test_a_bug_is_raised_and_not_swallowed() -> None:
    def work(job: int) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        collect(Fleet([1, 2], work, lambda job: ""))


def test_no_job_at_all() -> None:
    assert collect(Fleet([], lambda job: "", lambda job: "")) == []


# --- judged together ---------------------------------------------------------------------------------------------


def host(name: str, **facts: Any) -> Target:
    finding = Finding("endpoints.reach", Status.PASS, "ssm.us-east-1.amazonaws.com:443", "answers", seconds=0.1)
    clock = Finding(
        "system.clock", Status.PASS, "clock", "agrees", evidence={"timings": {"offset": facts.pop("skew", 0)}}
    )
    return Target(name, started="2026-11-21T10:00:00Z", facts=facts, findings=(finding, clock))


def machine(name: str, number: int, **facts: Any) -> Target:
    own = {
        "hostname": name,
        "machine_id": f"{number:016x}",
        "identity": {"host_key": f"SHA256:{number}", "macs": [f"00:16:3e:00:00:{number:02x}"], "boot": f"{number:08x}"},
        "network": {"mtu": 1500, "nameservers": ["10.0.0.53"]},
        "os": {"name": "Debian 12"},
    }
    return host(name, **{**own, **facts})


def test_a_clone_is_made_a_machine_of_its_own_by_one_command() -> None:
    """The words of the fix (agents, state, machine-id, SSH host keys) are what the command does."""
    for one in judge_fleet([machine("web1", 1, machine_id="c" * 16), machine("web2", 2, machine_id="c" * 16)]):
        (cause,) = one.causes
        assert cause.remedy and "SSH host keys" in cause.remedy.text
        assert cause.remedy.commands == (("sudo", "anywhere", "reset", "--reclaim", "--yes"),)


def test_hosts_of_their_own_share_nothing() -> None:
    targets = tuple(machine(f"web{n}", n) for n in range(5))
    assert judge_fleet(targets) == targets
    assert same_machine(targets) == []


@pytest.mark.parametrize(
    ("facts", "mark"),
    [
        ({"machine_id": "c" * 16}, "machine-id"),
        ({"registration": {"id": "mi-0123456789abcdef0"}}, "managed instance id"),
        ({"identity": {"host_key": "SHA256:same", "boot": ""}}, "SSH host key"),
        ({"identity": {"macs": ["52:54:00:00:00:01", "00:16:3e:00:00:77"], "boot": ""}}, "hardware address"),
    ],
)
def test_what_two_hosts_share_is_named_on_both(facts: dict[str, Any], mark: str) -> None:
    targets = [machine("web1", 1), machine("web2", 2, **facts), machine("web3", 3, **facts)]
    judged = judge_fleet(targets)
    assert [[cause.code for cause in target.causes] for target in judged] == [[], [CODE], [CODE]]
    for target in judged[1:]:
        (cause,) = target.causes
        finding = target.findings[cause.findings[0]]
        assert (finding.check, finding.status) == ("system.identity-shared", Status.FAIL)
        assert finding.summary == f"2 hosts have one and the same {mark}: web2, web3"
        assert set(cause.findings) == {i for i, one in enumerate(target.findings) if one.is_trouble}


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"identity": {"host_key": "SHA256:same", "boot": ""}}, ("ssh-keygen -A",)),
        ({"identity": {"macs": ["00:16:3e:00:00:99"], "boot": ""}}, ()),
    ],
)
def test_a_registration_of_its_own_is_kept_where_something_else_is_shared(
    facts: dict[str, Any], words: tuple[str, ...]
) -> None:
    for one in judge_fleet([machine("web1", 1, **facts), machine("web2", 2, **facts)]):
        (cause,) = one.causes
        assert cause.remedy
        said = " ".join(word for command in cause.remedy.commands for word in command)
        assert "stays" in cause.remedy.text and not {"Vault", "machine-id"} & set(said.replace("/", " ").split()), said
        assert all(word in said for word in words) and bool(said) is bool(words)


def test_judging_twice_changes_nothing() -> None:
    targets = [machine("web1", 1, machine_id="c" * 16), machine("web2", 2, machine_id="c" * 16)]
    once = judge_fleet(targets)
    assert judge_fleet(once) == once
    assert judge_fleet(once[:1]) == (targets[0],)


def test_one_machine_under_two_names_is_no_duplicate() -> None:
    targets = [machine("web1", 1), replace(machine("web1", 1), name="alias"), machine("web2", 2)]
    assert not any(target.causes for target in judge_fleet(targets))
    assert same_machine(targets) == [("web1", "alias")]


@pytest.mark.parametrize("unread", ["hostname", "machine_id", "registration", "network"])
def test_a_machine_of_which_less_was_read_is_no_clone_of_itself(unread: str) -> None:
    whole = machine("web1", 1, registration={"id": "mi-0123456789abcdef0"})
    part = replace(whole, name="alias", facts={name: value for name, value in whole.facts.items() if name != unread})
    boot = dict(whole.facts["identity"])["boot"]  # type: ignore[call-overload]  # a mapping, above
    least = replace(whole, name="least", facts={**part.facts, "identity": {"boot": boot}})
    targets = [part, whole, least]
    assert not any(target.causes for target in judge_fleet(targets))
    assert same_machine(targets) == [("alias", "web1", "least")]


def test_containers_of_one_kernel_are_machines() -> None:
    first = machine("web1", 1)
    second = replace(first, name="web2", facts={**first.facts, "hostname": "web2"})
    assert [[cause.code for cause in target.causes] for target in judge_fleet([first, second])] == [[CODE], [CODE]]


def test_what_is_not_known_is_shared_by_nobody() -> None:
    targets = [host("a"), host("b", machine_id="", registration={}, identity={})]
    assert not any(target.causes for target in judge_fleet(targets))


def test_outliers() -> None:
    rest = [machine(f"web{n}", n) for n in range(20)]
    odd = [
        machine("odd-mtu", 100, network={"mtu": 1400, "nameservers": ["10.0.0.53"]}),
        machine("odd-resolver", 101, network={"mtu": 1500, "nameservers": ["8.8.8.8"]}),
        machine("odd-clock", 102, skew=17),
        machine("odd-os", 103, os={"name": "Ubuntu 24.04"}),
    ]
    found = {(one.fact, one.value, one.usual): one.hosts for one in outliers(Report((*rest, *odd)))}
    assert found == {
        ("clock", "+17 s", "+0 s"): ("odd-clock",),
        ("nameservers", "8.8.8.8", "10.0.0.53"): ("odd-resolver",),
        ("MTU", "1400", "1500"): ("odd-mtu",),
        ("operating system", "Ubuntu 24.04", "Debian 12"): ("odd-os",),
    }


def test_two_kinds_of_hosts_are_no_outliers() -> None:
    half = [machine(f"a{n}", n) for n in range(10)] + [
        machine(f"b{n}", 50 + n, os={"name": "Ubuntu 24.04"}, skew=30) for n in range(10)
    ]
    assert outliers(Report(tuple(half))) == ()
    assert outliers(Report((machine("a", 1), machine("b", 2, skew=99)))) == ()


def test_groups_and_cells() -> None:
    report = Report(
        judge_fleet([machine(f"web{n}", n, machine_id="c" * 16 if n < 3 else f"{n:016}") for n in range(5)])
    )
    (group,) = groups(report)
    assert (group.code, group.hosts, group.of) == (CODE, ("web0", "web1", "web2"), 5)
    assert endpoints(report) == ("ssm.us-east-1.amazonaws.com",)
    assert row(report.targets[0])["ssm.us-east-1.amazonaws.com"].seconds == 0.1


# --- going on with a run -----------------------------------------------------------------------------------------


def test_a_journal_keeps_what_was_judged(tmp_path: Path) -> None:
    path = str(tmp_path / "run.jsonl")
    first = Journal(path, {"regions": ["us-east-1"]})
    first.add(machine("web1", 1))
    second = Journal(path, {"regions": ["us-east-1"]})
    assert second.has("web1")
    assert not second.has("web2")
    assert second.done["web1"] == machine("web1", 1)


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_journal_of_a_killed_run_is_gone_on_with(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "run.jsonl"
    first = Journal(str(path), {})
    for number in range(3):
        first.add(machine(f"web{number}", number))
    path.write_bytes(path.read_bytes()[:-cut])
    second = Journal(str(path), {})
    assert (second.has("web1"), second.has("web2")) == (True, False)
    second.add(machine("web2", 2))
    assert Journal(str(path), {}).has("web2")


def test_a_journal_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    Journal(str(path), {"regions": ["us-east-1"]})
    with pytest.raises(BadInput, match="other options"):
        Journal(str(path), {"regions": ["eu-west-1"]})
    for text in ('{"schema": "anywhere/bundle/1"}\n', "not json\n", "[]\n"):
        path.write_text(text)
        with pytest.raises(BadInput):
            Journal(str(path), {})
    with pytest.raises(BadInput):
        Journal("/no/such/folder/x", {})


def test_the_line_of_progress() -> None:
    tally = Tally(1000, before=100)
    for number in range(20):
        tally.add(machine("a", number))
    assert tally.line().startswith("[==>")
    assert "120/1000  20 ready" in tally.line()
    assert " left" in tally.line()


# --- over SSH, in a region ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fleet(shared_room: Path) -> Iterator[Fleets]:
    with fleets(shared_room) as running:
        yield running


pytest_region = pytest.mark.region


def report(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest_region
def test_the_report_has_the_inventorys_order_and_every_host(fleet: Fleets) -> None:
    lines = [fleet.host(f"web{n}", n) for n in (3, 1, 2)]
    path = fleet.inventory(*lines, "gone ansible_host=127.1.0.9 ansible_port=1", "nowhere.invalid")
    done = fleet.check("-i", path, "--format", "json")
    body = report(done)
    assert [target["name"] for target in body["targets"]] == ["web3", "web1", "web2", "gone", "nowhere.invalid"]
    assert [target["verdict"] for target in body["targets"]] == ["ready"] * 3 + ["unknown"] * 2
    assert [cause["code"] for cause in body["targets"][3]["causes"]] == ["host.unreachable"]
    assert done.returncode == 3
    (cause,) = body["fleet"]["causes"]
    assert (cause["code"], cause["severity"]) == ("host.unreachable", "error")
    assert cause["hosts"] == ["gone", "nowhere.invalid"]
    assert re.fullmatch(r"connection refused .* after \d+\.\d s \(in other words on 1 more\)", cause["summary"])
    assert "one machine under 3 names" in done.stderr


@pytest_region
def test_one_host_is_no_other_mode(fleet: Fleets) -> None:
    done = fleet.check("--host", f"root@127.1.0.1:{fleet.server.port}", "--format", "json")
    (target,) = report(done)["targets"]
    assert (target["name"], target["verdict"], done.returncode) == (f"root@127.1.0.1:{fleet.server.port}", "ready", 0)
    done = fleet.check("--host", "root@127.1.0.1:1", "--format", "json")
    (target,) = report(done)["targets"]
    assert (target["verdict"], done.returncode) == ("unknown", 3)


@pytest_region
def test_results_are_streamed_as_they_come(fleet: Fleets) -> None:
    path = fleet.inventory(
        "slow ansible_host=127.1.0.9 ansible_port=1", *(fleet.host(f"web{n}", n) for n in range(1, 4))
    )
    done = fleet.check("-i", path, "--format", "jsonl", "--parallel", "2")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(row["name"] for row in rows[:-1]) == ["slow", "web1", "web2", "web3"]
    assert rows[-1]["fleet"]["hosts"] == 4


@pytest_region
def test_a_run_is_gone_on_with(fleet: Fleets, tmp_path: Path) -> None:
    journal = str(fleet.folder / "run.jsonl")
    path = fleet.inventory(fleet.host("web1", 1), "gone ansible_host=127.1.0.9 ansible_port=1")
    first = report(fleet.check("-i", path, "--resume", journal, "--format", "json"))
    path = fleet.inventory(fleet.host("web1", 1), fleet.host("gone", 2), fleet.host("web3", 3))
    second = report(fleet.check("-i", path, "--resume", journal, "--format", "json"))
    assert [target["verdict"] for target in second["targets"]] == ["ready"] * 3
    assert second["targets"][0]["started"] == first["targets"][0]["started"]
    assert second["targets"][1]["started"] >= first["targets"][1]["started"]
    done = fleet.check("-i", path, "--resume", journal, "--with", "ecr")
    assert (done.returncode, "other options" in done.stderr) == (2, True)


def lines_of(path: Path) -> int:
    return path.read_text().count("\n") if path.exists() else 0


@pytest_region
def test_ctrl_c_gives_the_report_so_far(fleet: Fleets, tmp_path: Path, shared_room: Path) -> None:
    with misbehaving(fleet, shared_room / "hanging") as ports:
        # A shell that never answers is waited for longer than a good host takes, however busy this machine is.
        path = fleet.inventory(
            *(fleet.host(f"web{n}", n) for n in range(1, 4)),
            *(fleet.host(f"hangs{n}", n, ports["hangs"]) for n in range(4, 7)),
        )
        words = ("--budget", "60", "--host-timeout", "300")
        with subprocess.Popen(
            fleet.command("-i", path, "--format", "json", "--resume", str(tmp_path / "run"), *words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell starts what runs in the background with this signal ignored, and so would be the program.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            end = time.monotonic() + within(60)
            while time.monotonic() < end and lines_of(tmp_path / "run") < 4:
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=within(20))
    body = json.loads(out)
    assert [target["name"] for target in body["targets"]] == ["web1", "web2", "web3"]
    assert process.returncode == 130
    assert "interrupted: 3 of 6 hosts are not checked" in err


@pytest_region
def test_hosts_that_misbehave_are_each_one_line_of_the_report(fleet: Fleets) -> None:
    script = """
import socket, threading, time
def serve(address, data, stays):
    listening = socket.create_server((address, 2222))
    while True:
        sock, _ = listening.accept()
        sock.sendall(data)
        if stays: keep.append(sock)
        else: sock.close()
keep = []
for address, data, stays in (("127.1.0.61", b"", True), ("127.1.0.62", b"HTTP/1.1 400 Bad Request\\r\\n\\r\\n", False),
                             ("127.1.0.63", b"SSH-2.0-x\\r\\n" + b"\\xff" * 9000, True)):
    threading.Thread(target=serve, args=(address, data, stays), daemon=True).start()
time.sleep(60)
"""
    with fleet.region.popen([sys.executable, "-c", script]) as bad:
        time.sleep(0.5)
        names = {"silent": 61, "web": 62, "garbage": 63}
        lines = [f"{name} ansible_host=127.1.0.{number} ansible_port=2222" for name, number in names.items()]
        path = fleet.inventory(fleet.host("fine1", 1), *lines, fleet.host("fine2", 2))
        started = time.monotonic()
        done = fleet.check("-i", path, "--format", "json")
        bad.kill()
    verdicts = {target["name"]: target["verdict"] for target in report(done)["targets"]}
    assert verdicts == {"fine1": "ready", "silent": "unknown", "web": "unknown", "garbage": "unknown", "fine2": "ready"}
    assert time.monotonic() - started < within(25)


@pytest_region
def test_bundles_of_a_fleet_are_judged_again_without_a_network(fleet: Fleets) -> None:
    folder = fleet.folder / "bundles"
    path = fleet.inventory(fleet.host("web1", 1), fleet.host("web2", 2))
    live = report(fleet.check("-i", path, "--format", "json", "--save", f"{folder}/"))
    assert sorted(os.listdir(folder)) == ["web1.json.gz", "web2.json.gz"]
    words: Sequence[Sequence[str]] = (
        ("--host", str(folder)),
        ("--host", f"{folder}/*.json.gz"),
        ("--host", f"{folder}/web1.json.gz", f"{folder}/web2.json.gz"),
    )
    for chosen in words:
        again = subprocess.run(
            [sys.executable, "-m", "anywhere", "check", *chosen, "--format", "json"], capture_output=True, text=True
        )
        body = json.loads(again.stdout)
        assert [steady(target) for target in body["targets"]] == [steady(target) for target in live["targets"]]


def steady(target: dict[str, Any]) -> list[Any]:
    return [
        target["name"],
        target["verdict"],
        [(f["check"], f["status"], f["subject"], f["summary"]) for f in target["findings"]],
    ]


@pytest_region
@pytest.mark.parametrize(
    "words",
    [
        ("--parallel", "0"),
        ("--host-timeout", "0"),
        ("--limit", "web"),
        ("--inventory", "/no/such/file"),
        ("--ssh-key", "/no/such/key"),
        ("--host", "a b"),
        ("--host", "/no/such/*.json.gz"),
    ],
)
def test_bad_words_are_one_line(words: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", "anywhere", "check", *words], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
