"""What two versions of the program say of the same host: `python -m tests.tools.compare_reports OLD NEW [FAULT...]`.

OLD and NEW are checkouts with their `tests/region`; each stands up its own region. Compared are the JSON reports of `check`
of the healthy region and of each named fault or variation, apart from times and from what two runs of OLD say differently
(the ids of requests). A line for each difference: case, JSON pointer, both values. A finding stands under its check and
subject, a cause under its code, so that one more does not move all others.
Exit code 0: no difference, 1: some, 2: a run without a report.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEALTHY = "healthy"
LONGEST_VALUE = 100
# Runs in the checkout: where its helper for tests lives depends on its age.
JUDGE = """
import importlib, importlib.util, json, sys
places = ("tests.support.judged", "tests.judged")
judged = importlib.import_module(next(one for one in places if importlib.util.find_spec(one.rpartition(".")[0])
                                      and importlib.util.find_spec(one)))
print(json.dumps(judged.steady(judged.judge_often(sys.argv[2:], int(sys.argv[1])))))
"""


class NoReport(Exception):
    """A checkout that gave no report; the text is the last line that it said."""


def reports(checkout: Path, case: str, times: int = 1) -> list[Any]:
    """The host's part of the JSON report of each of several runs in one region, times left out. Raises NoReport."""
    argv = [sys.executable, "-c", JUDGE, str(times), *([] if case == HEALTHY else [case])]
    done = subprocess.run(argv, cwd=checkout, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise NoReport(f"{checkout}: {case}: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return [by_name(target) for target in json.loads(done.stdout)]


def differences(old: Any, new: Any, pointer: str = "") -> Iterator[tuple[str, Any, Any]]:
    """JSON pointer, old and new value of all that is not the same; what is on one side only is None on the other."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            name = key.replace("~", "~0").replace("/", "~1")
            yield from differences(old.get(key), new.get(key), f"{pointer}/{name}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new)):
            yield from differences(one, other, f"{pointer}/{number}")
    elif old != new:
        yield pointer, old, new


def by_name(target: Any) -> Any:
    """A target with its findings under check and subject and its causes under their codes."""
    findings: dict[str, Any] = {}
    for row in target["findings"]:
        findings.setdefault(f"{row['check']} {row['subject']}".strip(), []).append(row)
    names = {i: f"{row['check']} {row['subject']}".strip() for i, row in enumerate(target["findings"])}
    causes = [{**one, "findings": [names[i] for i in one["findings"]]} for one in target["causes"]]
    return {**target, "findings": findings, "causes": {one["code"]: one for one in causes}}


def main(argv: list[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser("compare_reports", description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("fault", nargs="*", help="names as `python -m tests.region --list` shows them")
    given = parser.parse_args(argv)
    return max([compare(given.old.resolve(), given.new.resolve(), case) for case in (HEALTHY, *given.fault)])


def compare(old: Path, new: Path, case: str) -> int:
    """Prints what differs in one case; its exit code."""
    try:
        before, again = reports(old, case, 2)
        (after,) = reports(new, case)
    except NoReport as error:
        print(error, file=sys.stderr)
        return 2
    drawn = {pointer for pointer, *_ in differences(before, again)}
    found = [row for row in differences(before, after) if row[0] not in drawn]
    print(f"{case}: {len(found)} differences")
    for pointer, was, now in found:
        print(f"{case} {pointer}: {_short(was)} -> {_short(now)}")
    return int(bool(found))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
