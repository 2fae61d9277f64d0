"""Calls side by side: in order, bounded, never held up by one that hangs, on threads that are used again."""

from __future__ import annotations

import threading

import pytest

from anywhere import threads
from anywhere.threads import Lane, begin, fan_out, race, within


def test_results_have_the_order_of_the_calls() -> None:
    assert fan_out([lambda n=n: n * n for n in range(300)], limit=7) == [n * n for n in range(300)]
    assert fan_out([]) == []


def test_all_calls_run_at_once_within_the_limit() -> None:
    meeting = threading.Barrier(20, timeout=60)
    assert len(fan_out([meeting.wait] * 20)) == 20


def test_the_first_error_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        fan_out([lambda: 1 // 0, lambda: 1])
    with pytest.raises(ZeroDivisionError):
        race([lambda: 1 // 0], lambda *_: False)
    with pytest.raises(ZeroDivisionError):
        within(60, lambda: 1 // 0)


def test_a_race_ends_as_soon_as_enough_is_there() -> None:
    hanging = threading.Event()
    calls = [lambda: "quick", lambda: str(hanging.wait(60))]
    assert race(calls, lambda results, _: 0 in results) == {0: "quick"}
    hanging.set()
    assert race(calls, lambda *_: False) == {0: "quick", 1: "True"}
    assert race([], lambda *_: False) == {}


def test_a_race_ends_with_time_alone() -> None:
    hanging = threading.Event()
    assert race([hanging.wait], lambda _, seconds: seconds > 0.05) == {}
    hanging.set()


def test_few_threads_take_the_calls_of_a_lane_in_their_order() -> None:
    taken: list[int] = []
    calls = [lambda n=n: taken.append(n) or threading.get_ident() for n in range(20)]
    found = race(calls, lambda *_: False, [Lane(range(0, 20, 2), 1), Lane(range(1, 20, 2), 1)])
    assert sorted(taken) == list(range(20)) and len(set(found.values())) <= 2
    assert [n for n in taken if n % 2] == list(range(1, 20, 2))


def test_what_hangs_holds_up_nobody_in_its_lane_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "STALLED", 0.2)
    hanging = threading.Event()
    calls = [lambda: str(hanging.wait(60)), *[lambda n=n: str(n) for n in range(5)]]
    found = race(calls, lambda results, seconds: len(results) == 5 or seconds > 30, [Lane(range(6), 1)])
    assert found == {place: str(place - 1) for place in range(1, 6)}
    hanging.set()


def test_what_hangs_is_left_behind() -> None:
    hanging = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.05, hanging.wait)
    hanging.set()
    assert within(60, lambda: "done") == "done"


def test_a_thread_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_idle", [])
    seen: list[int] = []
    for _ in range(5):
        over = threading.Event()

        def call(over: threading.Event = over) -> None:
            seen.append(threading.get_ident())
            over.set()

        begin(call)
        assert over.wait(60)
        while not threads._idle:
            pass
    assert len(set(seen)) == 1


def test_no_more_idle_threads_than_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_idle", [])
    monkeypatch.setattr(threads, "MOST_IDLE", 3)
    meeting = threading.Barrier(10, timeout=60)
    fan_out([meeting.wait] * 10)
    assert len(threads._idle) <= 3
