"""What this machine's own delay makes of a result: measured again, and not judged where that does not help."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from anywhere.errors import HostUnreachable
from anywhere.flows.check import Check
from anywhere.flows.hosts import Hosts, chosen
from anywhere.flows.lateness.again import BUSY, MORE, depends_on_time, unjudged
from anywhere.flows.lateness.pace import ALL_THE_TIME, Look, Pace, Waiting, look
from anywhere.flows.lateness.room import always, room
from anywhere.flows.target import LOST, Lost, gone
from anywhere.hosts.base import Deadline
from anywhere.inventory import Entry
from anywhere.model import Cause, Finding, Reason, Remedy, Status, Target, Verdict
from anywhere.settings import Settings

SLOW = Finding("endpoints.reach", Status.FAIL, "ecs", "silent", reason=Reason.TIMEOUT)
REFUSED = Finding("endpoints.reach", Status.FAIL, "ssm", "refused", reason=Reason.REFUSED)
FINE = Finding("system.os", Status.PASS, "linux", "Debian")


def target(*findings: Finding) -> Target:
    causes = [
        Cause(f"code.{place}", one.status, one.summary, (one.subject,), Remedy("Fix it."), (place,))
        for place, one in enumerate(findings)
        if one.status is Status.FAIL
    ]
    return Target("h", causes=tuple(causes), findings=findings)


def test_what_was_late_is_not_judged_and_the_rest_is() -> None:
    found = unjudged(target(SLOW, REFUSED, FINE))
    assert [cause.code for cause in found.causes] == ["code.1"]
    assert [(one.status, one.summary) for one in found.findings[:1]] == [(Status.ERROR, BUSY)]
    assert found.findings[0].evidence["seen"] == "silent" and found.findings[1:] == (REFUSED, FINE)


def test_what_there_was_no_time_for_is_put_down_to_this_machine() -> None:
    unchecked = Finding("endpoints.reach", Status.ERROR, "ssm", "not checked", evidence={"because": "deadline"})
    assert unjudged(target(unchecked)).findings[0].summary == BUSY


@pytest.mark.parametrize("was_up", [False, True])
def test_a_host_that_did_not_answer_twice_keeps_its_cause(was_up: bool) -> None:
    mute = Lost.of("h", HostUnreachable("no answer within 10 s", timed=True, was_up=was_up)).target()
    assert depends_on_time(mute) and unjudged(mute) == mute


@pytest.mark.parametrize(
    ("one", "timed"),
    [
        (SLOW, True),
        (REFUSED, False),
        (replace(SLOW, status=Status.PASS), False),
        (replace(REFUSED, reason=None, evidence={"because": "deadline"}), True),
        (replace(REFUSED, reason=None, cause="egress.slow", status=Status.WARN), True),
        (replace(REFUSED, reason=None, evidence={"timed": True}), True),
    ],
)
def test_what_rests_on_time(one: Finding, timed: bool) -> None:
    assert depends_on_time(target(one, FINE)) is timed


class Scripted:
    """Stands for the examination of hosts: each call gives the next result."""

    def __init__(self, *results: Target) -> None:
        self.results, self.asked, self.seconds = list(results), 0, [0.0]

    def __call__(self, entry: Entry, hosts: Hosts, late: object) -> Target:
        if entry.name.endswith(".2"):
            return replace(target(FINE), name=entry.name)
        self.asked += 1
        self.seconds.append(hosts.seconds)
        return replace(self.results.pop(0), name=entry.name)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool, Scripted], Target]:
    def run(late: bool, scripted: Scripted) -> Target:
        monkeypatch.setattr(Pace, "was_late", lambda *_: late)
        check = Check(Settings(regions=("us-east-1",)), chosen(host=["10.0.0.1", "10.0.0.2"]))
        monkeypatch.setattr(check, "_examine", scripted)
        return check.run().report.targets[0]

    return run


def test_a_host_that_was_measured_late_is_measured_again(judged: Callable[[bool, Scripted], Target]) -> None:
    scripted = Scripted(target(SLOW), target(FINE))
    assert judged(True, scripted).verdict is Verdict.READY and scripted.asked == 2
    first, second = scripted.seconds[-2:]
    assert second == first + MORE


def test_what_stays_late_is_no_fault_of_the_host(judged: Callable[[bool, Scripted], Target]) -> None:
    scripted = Scripted(target(SLOW, FINE), target(SLOW, FINE))
    found = judged(True, scripted)
    assert found.verdict is Verdict.UNKNOWN and not found.causes and scripted.asked == 2


def test_in_time_a_fault_is_a_fault_at_once(judged: Callable[[bool, Scripted], Target]) -> None:
    scripted = Scripted(target(SLOW))
    assert judged(False, scripted).verdict is Verdict.NOT_READY and scripted.asked == 1


def test_what_does_not_rest_on_time_is_measured_once(judged: Callable[[bool, Scripted], Target]) -> None:
    scripted = Scripted(target(REFUSED))
    assert judged(True, scripted).verdict is Verdict.NOT_READY and scripted.asked == 1


@pytest.mark.parametrize("late", [False, True])
def test_a_host_that_did_not_answer_is_tried_again(judged: Callable[[bool, Scripted], Target], late: bool) -> None:
    mute = Lost.of("h", HostUnreachable("no answer within 10 s", timed=True)).target()
    scripted = Scripted(mute, target(FINE))
    assert judged(late, scripted).verdict is Verdict.READY and scripted.asked == 2
    first, second = scripted.seconds[-2:]
    assert second == first + MORE * late
    refused = Lost.of("h", HostUnreachable("connection refused")).target()
    scripted = Scripted(refused)
    assert judged(late, scripted).causes == refused.causes and scripted.asked == 1


def test_what_was_seen_before_a_host_fell_silent_still_counts(
    monkeypatch: pytest.MonkeyPatch, judged: Callable[[bool, Scripted], Target]
) -> None:
    mute = Lost.of("h", HostUnreachable("no answer within 10 s", timed=True)).target()
    lost = Finding("host.reach", Status.ERROR, "h", "lost", evidence={"because": LOST, "timed": True})
    half = gone(target(FINE, lost))
    assert FINE in judged(False, Scripted(half, mute)).findings
    assert FINE in alone(monkeypatch, Scripted(half, mute), 30.0).findings
    assert REFUSED in judged(False, Scripted(half, target(REFUSED))).findings


def alone(monkeypatch: pytest.MonkeyPatch, scripted: Scripted, seconds: float) -> Target:
    check = Check(Settings(regions=("us-east-1",)), chosen(host=["10.0.0.1"], host_timeout=seconds))
    monkeypatch.setattr(check, "_examine", scripted)
    return check.run().report.targets[0]


def test_a_host_alone_that_did_not_answer_is_tried_again_in_what_is_left_of_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mute = Lost.of("h", HostUnreachable("no answer within 10 s", timed=True)).target()
    scripted = Scripted(mute, target(FINE))
    assert alone(monkeypatch, scripted, 30.0).verdict is Verdict.READY
    first, second = scripted.seconds[-2:]
    assert first - 20 < second <= first
    scripted = Scripted(mute, mute)
    assert alone(monkeypatch, scripted, 30.0).causes == mute.causes and scripted.asked == 2
    for left, result in ((1.9, mute), (30.0, Lost.of("h", HostUnreachable("connection refused")).target())):
        scripted = Scripted(result)
        assert alone(monkeypatch, scripted, left).causes == result.causes and scripted.asked == 1


def test_a_host_that_let_us_log_in_and_then_did_not_answer_gets_more_time(
    judged: Callable[[bool, Scripted], Target],
) -> None:
    stuck = Finding(
        "host.reach", Status.ERROR, "h", "no answer", evidence={"because": LOST, "timed": True, "was_up": True}
    )
    scripted = Scripted(gone(target(FINE, stuck)), target(FINE))
    assert judged(False, scripted).verdict is Verdict.READY and scripted.asked == 2
    first, second = scripted.seconds[-2:]
    assert second == first + MORE


def test_a_host_that_answers_at_the_second_try_while_we_are_late_is_looked_at_once_more(
    judged: Callable[[bool, Scripted], Target],
) -> None:
    mute = Lost.of("h", HostUnreachable("no answer within 10 s", timed=True)).target()
    scripted = Scripted(mute, target(SLOW), target(FINE))
    assert judged(True, scripted).verdict is Verdict.READY and scripted.asked == 3


def spin() -> None:
    while True:
        pass


@pytest.fixture
def crowd() -> Iterator[None]:
    """Four busy processes for each processor."""
    busy = [multiprocessing.Process(target=spin, daemon=True) for _ in range(4 * multiprocessing.cpu_count())]
    for process in busy:
        process.start()
    yield
    for process in busy:
        process.kill()
        process.join()


@pytest.mark.usefixtures("crowd")
def test_a_program_that_waits_for_a_processor_is_late() -> None:
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            sum(range(1000))
            time.sleep(0)

    with Pace() as pace:
        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(3)
        late = pace.was_late(2.0)
        ended.set()
        thread.join()
    assert late, list(pace.looks)


def test_a_program_that_waits_for_its_hosts_is_not_late() -> None:
    second = 1_000_000_000
    seen = look({"a": (0, 0)}, {"a": (second // 10, second // 100), "b": (second // 10, 0)}, 0.0, 1.0)
    assert not seen.is_late and seen.used == pytest.approx(0.2)
    assert look({"a": (0, 0)}, {"a": (second // 10, second // 2)}, 0.0, 1.0).is_late
    assert not look({}, {"a": (1000, 1000)}, 0.0, 1.0).is_late
    assert look({}, {"a": (second * 9 // 10, 0)}, 0.0, 1.0).is_late


def test_what_is_measured_again_has_more_time_from_the_beginning() -> None:
    deadline = Deadline(1.0)
    with room(deadline, 14.0, always):
        assert deadline.left() > 14.5


def test_a_program_that_has_no_time_to_look_is_late() -> None:
    pace = Pace()
    assert pace.was_late(6.0, ALL_THE_TIME) and not pace.was_late(0.3)
    now = time.monotonic()
    pace.looks.extend(Look(now - ago, 0.0, 0.1) for ago in (5.0, 4.0, 3.0, 2.0, 1.0))
    assert not pace.was_late(5.0)


@pytest.mark.parametrize(("waited", "patience", "left"), [(0.9, 14.0, 15.0), (0.1, 14.0, 1.0), (0.9, 0.0, 1.0)])
def test_one_host_gets_more_time_where_this_program_waits_for_a_processor(
    monkeypatch: pytest.MonkeyPatch, waited: float, patience: float, left: float
) -> None:
    readings = iter([{"1": (0, 0)}, {"1": (int((1 - waited) * 1e9), int(waited * 1e9))}])
    monkeypatch.setattr("anywhere.flows.lateness.room.thread_times", lambda: next(readings))
    deadline = Deadline(1.0)
    with room(deadline, patience):
        time.sleep(0.8)
    assert left - 0.5 < deadline.left() + 0.8 < left + 0.5


@pytest.mark.parametrize("late", [True, False])
def test_one_of_many_gets_more_time_where_the_run_is_late(late: bool) -> None:
    deadline = Deadline(1.0)
    with room(deadline, 14.0, lambda seconds: late and 0.5 < seconds < 0.7):
        time.sleep(0.8)
    assert (deadline.left() > 10) is late


def test_how_many_threads_wait_is_counted_by_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([{"1": (0, 0)}, {"1": (0, 1_000_000_000), "2": (0, 500_000_000)}])
    clock = iter([0.0, 0.1, 1.0, 1.1])
    monkeypatch.setattr("anywhere.flows.lateness.pace.thread_times", lambda: next(times))
    monkeypatch.setattr("anywhere.flows.lateness.pace.time.monotonic", lambda: next(clock))
    waiting = Waiting()
    assert [waiting.threads() for _ in range(3)] == [0.0, 1.5, 1.5]
