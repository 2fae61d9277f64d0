"""The result of `register` in its three formats."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from anywhere.changes.agents.existing import Difference
from anywhere.changes.agents.plan import install_plan
from anywhere.changes.agents.result import Result, State
from anywhere.changes.agents.wanted import Activation, Wanted
from anywhere.changes.install.packages import LocalPackage
from anywhere.model import Cause, Remedy, Status
from anywhere.report.fleet.registered import FORMATS, render
from tests.support.fakehost import FakeHost

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "register-1.json").read_text())
SECRET = Activation("01234567-89ab-cdef-0123-456789abcdef", "abcdefghij0123456789")
HOST = FakeHost({"/etc/os-release": 'ID=debian\nVERSION_ID="12"\n', "/etc/ecs/ecs.config": "ECS_CLUSTER=old\nX=1\n"})
STEPS = install_plan(
    HOST,
    Wanted("us-east-1", "prod"),
    (LocalPackage("amazon-ssm-agent", "s.deb"), LocalPackage("amazon-ecs-init", "e.deb")),
    SECRET,
)
ARN = "arn:aws:ecs:us-east-1:123456789012:container-instance/prod/0123456789abcdef0123456789abcdef"
DONE = Result(
    "root@a", State.DONE, "mi-0123456789abcdef0", ARN, "prod", STEPS, vouched=("s.deb signed by X",), seconds=9.5
)
PLANNED = replace(DONE, name="root@b", state=State.PLANNED, instance="", arn="", vouched=())
OTHER = Result(
    "root@c",
    State.DIFFERENT,
    error="cluster is old, not prod",
    code="registration.other",
    differences=(
        Difference("registration.other", "cluster", "old", "prod", "Move it.", (("systemctl", "stop", "ecs"),)),
    ),
)
CAUSE = Cause("egress.blocked", Status.FAIL, "No endpoint is reachable", (), Remedy("Ask.", (("true",),)), ())
FAILED = Result(
    "root@\x1b[2Jd", State.FAILED, error="not begun", code="egress.blocked", causes=(CAUSE,), now="nothing was changed"
)
ALL = (DONE, PLANNED, OTHER, FAILED)


def test_json_follows_its_schema() -> None:
    for one in ALL:
        jsonschema.validate(json.loads(render([one], "json")), SCHEMA)
    jsonschema.validate(json.loads(render(ALL, "json")), SCHEMA)


@pytest.mark.parametrize("format", FORMATS)
def test_no_format_holds_the_activation_or_steers_a_terminal(format: str) -> None:
    for text in (render(ALL, format), *(render([one], format) for one in ALL)):
        assert SECRET.id not in text and SECRET.code not in text
        assert "\x1b" not in text


def test_csv_is_the_row_for_an_inventory() -> None:
    rows = render(ALL, "csv").splitlines()
    assert rows[:2] == ["host,instance,arn,cluster,state", f"root@a,mi-0123456789abcdef0,{ARN},prod,done"]
    assert len(rows) == 5


def test_the_table_shows_diffs_have_and_want_and_fixes() -> None:
    planned = render([PLANNED], "table")
    assert "-ECS_CLUSTER=old" in planned and "+ECS_CLUSTER=prod" in planned and "spends one use" in planned
    other = render([OTHER], "table")
    assert "HAVE" in other and "    on root@c:\n    sudo systemctl stop ecs\n" in other
    here = render([replace(OTHER, name="local")], "table")
    assert "on local" not in here and "    sudo systemctl stop ecs\n" in here
    fix = Remedy("Stop it.", (("systemctl", "stop", "x"), ("anywhere", "check", "--host", "root@d")), ("root@d", ""))
    away = render([replace(FAILED, causes=(replace(CAUSE, remedy=fix),))], "table")
    assert "    on root@d:\n    systemctl stop x\n    here:\n    anywhere check" in away, away
    failed = render([FAILED], "table")
    assert "[egress.blocked]" in failed and "  Now: nothing was changed.\n  Fix egress.blocked: Ask.\n" in failed
    assert render(ALL, "table").splitlines()[0].split() == ["HOST", "INSTANCE", "CONTAINER", "INSTANCE", "STATE"]
