"""Names asked of the far side's resolver in groups: whose answer is whose, and who is asked by itself after all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from anywhere.hosts.base import RANDOM_LABEL, Query
from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.host import SSHHost
from anywhere.hosts.ssh.names.edns import HEAD, Samples
from anywhere.hosts.ssh.names.records import take_records
from anywhere.hosts.ssh.names.several import MOST, Plan, divided, planned
from anywhere.model import Reason
from tests.hosts.ssh.test_files import SHELLS
from tests.support.ssh.shells import run_script

# Stands for the C library's: writes each call down, has no address for `none`, and takes its time for `slow`.
GETENT = """#!/bin/sh
shift
echo "$*" >>CALLS
rc=0
for name; do
    case $name in
        none*) rc=2 ;;
        slow*) sleep 1.4; echo "10.0.0.9 STREAM $name" ;;
        *) printf '10.0.0.1 STREAM cdn.%s\\n10.0.0.1 DGRAM\\n10.0.0.2 STREAM\\n' "$name" ;;
    esac
done
exit $rc
"""
BASH = '#!/bin/sh\necho "bash: $4: Name or service not known" >&2\nexit 1\n'
NAMES = tuple(f"n{number}.example" for number in range(7))
INVENTED = f"{RANDOM_LABEL}.example"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    for name, text in {"getent": GETENT.replace("CALLS", str(tmp_path / "calls")), "bash": BASH}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def patient(plan: Plan) -> list[str]:
    """The lines for a busy machine, where the invented name takes its time too."""
    return [line.replace("look_up_first 0.15 ", "look_up_first 5 ") for line in plan.lines]


def asked(
    lines: list[str], shell: tuple[str, ...], programs: Path, moment: float = 0.0
) -> tuple[dict[str, tuple[int, str]], list[str]]:
    """The last record of each key, and the calls of getent. After `moment` seconds groups are ended; 0: never."""
    mark = script.token()
    program, *more = shell
    shell = (shutil.which(program) or program, *more)
    done = run_script(
        shell, script.jobs(mark, lines, 5), environment={"PATH": f"{programs}:/usr/bin:/bin"}, moment=moment
    )
    records = take_records(mark, bytearray(done.stdout))
    calls = (programs / "calls").read_text().splitlines() if (programs / "calls").exists() else []
    return {key: (rc, text) for key, rc, text in records}, sorted(calls)


@pytest.mark.parametrize("shell", SHELLS)
def test_names_with_addresses_take_one_process_a_group_and_the_invented_one_none(
    shell: tuple[str, ...], programs: Path
) -> None:
    plan = planned([*NAMES, INVENTED])
    assert plan and plan.first == INVENTED and plan.groups == (NAMES,)
    found, calls = asked(patient(plan), shell, programs)
    assert calls == [" ".join(NAMES)]
    assert found[INVENTED][0] == 2 and "not known" in found[INVENTED][1]
    rc, text = found[" ".join(NAMES)]
    assert rc == 0
    assert divided(NAMES, text)["n3.example"].splitlines()[0] == "10.0.0.1 STREAM cdn.n3.example"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("odd", "rc"), [("none.example", 2), ("slow.example", 0)])
def test_where_one_has_no_address_or_is_slow_each_is_asked_by_itself(
    shell: tuple[str, ...], odd: str, rc: int, programs: Path
) -> None:
    names = (*NAMES, odd)
    plan = Plan(INVENTED, (names,))
    found, calls = asked(patient(plan), shell, programs, moment=0.4)
    assert calls == sorted([" ".join(names), *names])
    assert found[" ".join(names)][0] == 1
    assert found["n0.example"][0] == 0 and found[odd][0] == rc


@pytest.mark.parametrize("shell", SHELLS)
def test_a_slow_resolver_is_asked_for_all_at_once(shell: tuple[str, ...], programs: Path) -> None:
    plan = Plan("slow.first", (NAMES,))
    (programs / "bash").write_text("#!/bin/sh\nexit 127\n")
    found, _ = asked(plan.lines, shell, programs)
    everyone = " ".join(("slow.first", *NAMES))
    assert plan.of(everyone) == ("slow.first", *NAMES)
    assert found[everyone][0] == 1
    assert found["slow.first"] == (0, "10.0.0.9 STREAM slow.first") and found["n5.example"][0] == 0


def test_files_that_were_seen_whole_are_not_measured_again(programs: Path) -> None:
    mark = script.token()
    line = script.name_line("n1.example")
    (programs / "find").write_text(f"#!/bin/sh\necho called >>{programs}/finds\n")
    (programs / "find").chmod(0o755)
    for is_fit in (False, True):
        text = script.jobs(mark, [line], 5, is_fit)
        done = run_script((shutil.which("sh") or "sh",), text, environment={"PATH": f"{programs}:/usr/bin:/bin"})
        assert b"10.0.0.1" in done.stdout
    assert (programs / "finds").read_text() == "called\n"


def test_whose_is_whose_is_certain_or_unknown() -> None:
    names = ("a", "b")
    assert divided(names, "10.0.0.1 STREAM b\n10.0.0.1 DGRAM  \n10.0.0.2 STREAM c") == {
        "a": "10.0.0.1 STREAM b\n10.0.0.1 DGRAM  ",
        "b": "10.0.0.2 STREAM c",
    }
    assert divided(names, "10.0.0.1 STREAM b\n10.0.0.1 DGRAM b\n10.0.0.2 STREAM c") == {}
    assert divided(names, "10.0.0.1 STREAM\n10.0.0.2 STREAM c") == {}
    assert divided(names, "") == {}


def test_groups_are_of_even_size_and_few_or_strange_names_have_none() -> None:
    plan = planned([f"n{number}" for number in range(2 * MOST + 2)])
    assert plan and [len(group) for group in plan.groups] == [9, 8, 8]
    assert planned(["a", "b", "c"]) is None
    assert planned(["a", "b", "c", "d e"]) is None


@pytest.mark.parametrize(
    ("replies", "is_plain"),
    [
        (["0100", "0101", "0102"], False),
        (["0102"], False),
        (["0200", "0201", "0202"], True),
        (["0201"], True),
        (["0200", "0101"], False),
        ([], False),
    ],
)
def test_the_replies_tell_whether_edns_is_answered(replies: list[str], is_plain: bool) -> None:
    samples = Samples()
    (line,) = samples.lines(["a.example", "b.example"])
    assert line.startswith(f"ask_each edns 0.5 {HEAD} ")
    digits = "\n ".join(f"{number}8180" for number in replies)
    assert samples.learn("edns 10.0.0.53", 0, digits)
    assert samples.is_plain("10.0.0.53", 0.1) is is_plain


def test_a_refusal_of_edns_is_the_old_form_alone() -> None:
    samples = Samples()
    samples.lines(["a.example"])
    samples.learn("edns 10.0.0.53", 0, "01008181")
    assert samples.is_plain("10.0.0.53", 0.1)


def test_no_nameserver_is_waited_for_longer_than_the_resolver() -> None:
    """The system's resolver had that time: to ask a dead nameserver once more made the check of a host twice as long."""
    answer = SSHHost.resolve(None, Query("a.example", "10.0.0.2", 5.0))  # type: ignore[arg-type]  # nothing is asked
    assert answer.reason is Reason.NAMESERVER_TIMEOUT and answer.source == "10.0.0.2"
