"""Runs the unmodified `anywhere check` in the embedded region and reads its report."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.region.faults import table
from tests.region.options import Options
from tests.region.region import Region

ANYWHERE = (sys.executable, "-m", "anywhere")
VOLATILE = ("seconds", "started", "timings")


def judge(
    names: Sequence[str], *, options: Options | None = None, arguments: Sequence[str] = (), save: Path | None = None
) -> dict[str, Any]:
    """The report's only target, for a host under these faults and variations."""
    saving = ("--save", str(save)) if save else ()
    return judge_often(names, 1, options=options, arguments=(*arguments, *saving))[0]


def judge_often(
    names: Sequence[str], times: int, *, options: Options | None = None, arguments: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The same host judged several times in a row, each by a process of its own."""
    chosen = [table()[name] for name in names]
    words = [word for one in chosen for word in one.arguments]
    with Region(
        tuple(one.name for one in chosen if not one.is_healthy),
        tuple(one.name for one in chosen if one.is_healthy),
        options or Options(),
    ) as world:
        region = world.options.regions[0]
        command = [*ANYWHERE, "check", "--region", region, "--format", "json", *words, *arguments]
        return [_target(world.run(command)) for _ in range(times)]


def judge_in(world: Region, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """The target of a region that is up already, as it is now."""
    command = [*ANYWHERE, "check", "--region", world.options.regions[0], "--format", "json", *arguments]
    return _target(world.run(command))


def _target(done: CompletedProcess[str]) -> dict[str, Any]:
    assert done.stdout, f"no report: {done.stderr}"
    target: dict[str, Any] = json.loads(done.stdout)["targets"][0]
    return target | {"exit_code": done.returncode}


def codes(target: Mapping[str, Any]) -> list[str]:
    """The cause codes, sorted."""
    return sorted(cause["code"] for cause in target["causes"])


def steady(value: Any) -> Any:
    """A report without what may differ between two runs on an unchanged host."""
    if isinstance(value, dict):
        return {key: steady(item) for key, item in value.items() if key not in VOLATILE}
    return [steady(item) for item in value] if isinstance(value, list) else value


def explain(target: Mapping[str, Any]) -> str:
    """The causes and the findings that need one, for a failed assertion."""
    causes = [f"{cause['code']} {cause['severity']}: {cause['summary']}" for cause in target["causes"]]
    rows = [
        f"  {row['check']} {row['status']} {row['subject']} {row['stage']} {row['reason']}: {row['summary']}"
        for row in target["findings"]
        if row["status"] in ("warn", "fail", "error")
    ]
    return "\n".join([*causes, *rows])
