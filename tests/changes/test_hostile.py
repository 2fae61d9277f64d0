"""What a local user, a folder, an environment or a full disk can do to a change that runs as root: nothing."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anywhere.changes import engine
from anywhere.changes.base import ChangeFailed, Command, Step
from anywhere.changes.files import file_step
from anywhere.changes.lock import LOCK, locked
from anywhere.changes.rules import plan as rules
from anywhere.changes.rules import proof
from anywhere.changes.rules.desired import observe
from anywhere.changes.rules.guard_script import guard_script
from anywhere.hosts.base import Host
from anywhere.settings import Settings
from tests.support.barehost import BareHost, snapshot
from tests.support.pace import within
from tests.support.sample import spread

pytestmark = [pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups"


@pytest.fixture
def host() -> Iterator[BareHost]:
    with BareHost() as made:
        made.sh("echo root > /etc/precious; chmod 600 /etc/precious")
        yield made
        assert made.sh("cat /etc/precious; stat -c %a /etc/precious") == "root\n600\n"


def one_file(path: str, text: str = "ours\n") -> object:
    return lambda seen: file_step(seen, path, text.encode(), f"write {path}")


# ---- folders that others may write to


@pytest.mark.parametrize(
    "folder",
    [
        "mkdir -m 1777 /etc/d",
        "mkdir -m 777 /etc/d",
        "mkdir /etc/d; chown 65534 /etc/d",
        "mkdir -m 777 /etc/up; mkdir /etc/up/d; ln -s up/d /etc/d",
    ],
)
def test_no_file_is_written_where_others_could_redirect_it(host: BareHost, folder: str) -> None:
    host.sh(folder)
    host.sh("ln -s /etc/precious /etc/d/f; ls /etc/d/f")
    with pytest.raises(ChangeFailed, match="redirect what root writes"):
        engine.apply(host, "t", one_file("/etc/d/f"))
    assert not engine.revert(host, "t").missed


def test_in_a_folder_of_a_group_no_link_is_followed_and_no_file_taken_over(host: BareHost) -> None:
    """As /usr/local/share/ca-certificates of Debian, root:staff 2775."""
    host.sh("mkdir /etc/d; chown 0:50 /etc/d; chmod 2775 /etc/d")
    before = snapshot(host)
    engine.apply(host, "t", one_file("/etc/d/new"))
    assert host.sh("cat /etc/d/new; stat -c %a /etc/d/new") == "ours\n644\n"
    assert not engine.revert(host, "t").missed
    assert snapshot(host) == before
    for plant in ("ln -s /etc/precious /etc/d/f", "rm /etc/d/f; mkfifo /etc/d/f; chown 65534 /etc/d/f"):
        host.sh(plant)
        with pytest.raises(ChangeFailed):
            engine.apply(host, "t", lambda seen: (Step("f", "f", write_command()),))
        assert not engine.revert(host, "t").missed


def write_command() -> Command:
    from anywhere.changes.files import write

    return write("/etc/d/f", b"ours\n")


@pytest.mark.parametrize("mask", ["000", "077", "777"])
def test_the_umask_of_the_caller_decides_nothing(host: BareHost, mask: str) -> None:
    before, old = snapshot(host), os.umask(int(mask, 8))
    try:
        engine.apply(host, "t", one_file("/etc/b/c/f"))
        assert host.sh("stat -c %a /etc/b /etc/b/c /etc/b/c/f").split() == ["755", "755", "644"]
        assert host.sh(f"stat -c %a {LOCK}").strip() == "600"
        assert not engine.revert(host, "t").missed
    finally:
        os.umask(old)
    assert snapshot(host) == before


# ---- the lock


def test_a_local_user_cannot_hold_the_lock(host: BareHost) -> None:
    engine.apply(host, "t", one_file("/etc/f"))
    held = host.run(("sh", "-c", f"{NOBODY} flock {LOCK} sleep 5"))
    assert not held.ok and "denied" in held.stderr
    started = time.monotonic()
    assert not engine.revert(host, "t").missed
    assert time.monotonic() - started < within(20)


@pytest.mark.parametrize(
    "plant",
    ["ln -s /etc/precious {}", "mkfifo {}", "mkdir {}", "touch {}; chown 65534 {}", "touch {}; chmod 666 {}"],
)
def test_what_lies_in_the_place_of_the_lock_is_refused_or_made_roots(host: BareHost, plant: str) -> None:
    host.sh(f"rm -f {LOCK}; {plant.format(LOCK, LOCK)}")
    if "chmod" in plant:
        with locked(host, "t"):
            assert host.sh(f"stat -c %a {LOCK}").strip() == "600"
        return
    with pytest.raises(ChangeFailed, match="not a file of root's"):
        engine.apply(host, "t", one_file("/etc/f"))


def test_without_root_one_line_says_so_and_nothing_is_touched(host: BareHost) -> None:
    from anywhere.changes.script import own_script

    with locked(host, "t"):
        pass
    asked = host.run((*NOBODY.split(), *own_script("lock", "take", LOCK, "t")))
    assert asked.rc == 4 and not asked.stdout
    assert host.sh(f"stat -c '%u %a' {LOCK}") == "0 600\n"


def test_a_command_that_outlived_its_run_is_waited_for_and_a_late_one_does_not_begin(host: BareHost) -> None:
    from anywhere.changes.lock import under

    with locked(host, "first") as token:
        late = under(token, ("touch", "/etc/late"))
        slow = under(token, ("sh", "-c", "sleep 1.5; touch /etc/slow"))
        orphan = subprocess.Popen([*host.enter, *slow], stdout=subprocess.DEVNULL)
        time.sleep(0.5)
        # As a killed run: nobody gives the lock back.
        host.sh(f"echo '999999999 1 {token} first' > {LOCK}")
    with locked(host, "second"):
        assert host.sh("ls /etc/slow").strip() == "/etc/slow"
        assert not host.run(late).ok
    orphan.wait()
    assert "No such" in host.sh("ls /etc/late 2>&1 || true")


# ---- the environment and the current folder


def test_nothing_of_the_callers_folder_or_environment_runs(host: BareHost) -> None:
    host.sh(
        "mkdir -p -m 777 /run/hostile; cd /run/hostile;"
        "for m in socket threading time sitecustomize usercustomize; do"
        " echo \"open('/run/pwned','w')\" > $m.py; done; echo 'touch /run/pwned' > env.sh;"
        "echo 'package Socket; system(\"touch /run/pwned\"); 1;' > Socket.pm;"
        "for p in ip sed grep iptables-save stat dd timeout python3 systemctl id mktemp cat; do"
        " printf '#!/bin/sh\\ntouch /run/pwned\\nexec /usr/bin/env PATH=/usr/sbin:/usr/bin %s "
        '"$@"\\n\' $p > $p; chmod 755 $p; done;'
        'mount --bind /dev/null "$(command -v systemd-socket-activate || echo /run/hostile/env.sh)"'
    )
    hostile = (
        "cd /run/hostile && export PATH=.:/run/hostile:$PATH PYTHONPATH=/run/hostile PERL5LIB=/run/hostile "
        "BASH_ENV=/run/hostile/env.sh ENV=/run/hostile/env.sh CDPATH=/run/hostile TMPDIR=/run/hostile"
    )

    class Hostile(BareHost):
        def run(self, argv, *, input=b"", timeout=60.0):
            return super().run(("/bin/sh", "-c", f'{hostile} && exec "$@"', "x", *argv), input=input, timeout=timeout)

    there = Hostile.attach(host.pid)
    scripts = lambda seen: (*file_step(seen, "/etc/f", b"x", "f"), Step("c", "c", Command(("ip", "link", "show"))))  # noqa: E731
    engine.apply(there, "t", scripts)
    host.sh("rm -f /run/pwned")  # what a plan looks at is the host layer's
    asked = there.run(
        ("/bin/sh", "-s", "--", "docker0", "", "", "0.8", "2"), input=proof._SCRIPT.read_bytes(), timeout=90
    )
    assert "listener " in asked.stdout, asked.stderr
    engine.revert(there, "t")
    assert "No such" in host.sh("ls /run/pwned 2>&1 || true")


def test_steps_run_with_programs_of_the_system_alone(host: BareHost) -> None:
    host.sh(
        "mkdir -p /run/hostile; printf '#!/bin/sh\\ntouch /run/pwned\\n' > /run/hostile/touch; chmod 755 /run/hostile/touch"
    )
    with locked(host, "t") as token:
        from anywhere.changes.lock import under

        argv = under(token, ("sh", "-c", "touch /run/done; pwd"))
        done = host.run(("env", "PATH=/run/hostile:/usr/bin:/bin", *argv))
    assert done.stdout == "/\n"
    assert "No such" in host.sh("ls /run/pwned 2>&1 || true") and host.sh("ls /run/done")


# ---- the guard


PLANTS = [
    "ln -s /etc/precious {}.new; ln -s /etc/precious {}",
    "mkfifo {}.new; mkfifo {}",
    "mkdir {}.new {}",
    "touch {}.new {}; chmod 400 {}",
    "ln -s /etc/precious {}.new; mkfifo {}",
]


@pytest.mark.parametrize("plant", spread(PLANTS, 4))
def test_a_guard_is_neither_led_astray_nor_stopped_by_what_lies_in_the_metrics_folder(
    host: BareHost, plant: str
) -> None:
    folder = "/var/lib/metrics"
    metrics = f"{folder}/anywhere_rules.prom"
    host.sh(f"mkdir -m 777 {folder}; chown 65534 {folder}; {NOBODY} sh -c '{plant.format(*[metrics] * 4)}'")
    with guard(host, metrics) as log:
        host.sh("iptables -t nat -F")
        until(lambda: not rules.plan(host, Settings(), persist=False), log)
        until(lambda: "put back:" in log.read_text(), log)
        if "mkdir" not in plant:
            until(lambda: "repairs_total 1" in host.sh(f"[ -f {metrics} ] && cat {metrics} || true"), log)
            assert host.sh(f"stat -c '%F %u %a' {metrics}") == "regular file 0 644\n"
        assert not host.sh(f"find {folder} -name '.anywhere*'"), "no scratch file stays"


def test_a_metrics_folder_that_is_a_link_is_not_entered(host: BareHost) -> None:
    host.sh("mkdir -m 777 /var/lib/metrics; ln -s /etc /var/lib/metrics/dir")
    with guard(host, "/var/lib/metrics/dir/anywhere_rules.prom") as log:
        until(lambda: "cannot be written safely" in log.read_text(), log)
        assert "No such" in host.sh("ls /etc/anywhere_rules.prom 2>&1 || true")


def test_a_second_guard_waits_and_no_rule_is_there_twice(host: BareHost) -> None:
    with guard(host, "") as first, guard(host, "", name="second") as second:
        until(lambda: "waiting" in second.read_text(), second)
        host.sh("iptables -t nat -F; iptables -F INPUT")
        until(lambda: "put back:" in first.read_text(), first)
        assert host.sh("iptables-save").count("anywhere-rules-") == 5
        assert host.run(("sh", str(host.root / "rules.sh"), "once")).ok
        assert host.sh("iptables-save").count("anywhere-rules-") == 5


class guard:
    """A guard on a bare host, and its log."""

    def __init__(self, host: BareHost, metrics: str, name: str = "first") -> None:
        if not rules.traces(host):
            engine.apply(host, "rules", lambda seen: rules.plan(seen, Settings(), persist=False))
        script = host.root / "rules.sh"
        script.write_text(guard_script(observe(host)))
        self.log = host.root / f"{name}.log"
        run = host.root / name
        run.mkdir()
        environment = {**os.environ, "RUNTIME_DIRECTORY": str(run), "ANYWHERE_TEXTFILE": metrics}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*host.enter, "sh", str(script), "guard"],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
            )
        time.sleep(2)

    def __enter__(self) -> Path:
        return self.log

    def __exit__(self, *_: object) -> None:
        os.killpg(self.process.pid, 9)
        self.process.wait(5)


def until(true, log: Path, seconds: float = 20.0) -> None:
    started = time.monotonic()
    while not true():
        assert time.monotonic() - started < seconds, log.read_text()
        time.sleep(0.1)


# ---- a full disk


@pytest.mark.parametrize("kib", spread([0, 4, 8, 12, 16, 20, 28, 40], 3))
def test_a_disk_that_is_full_at_any_write_leaves_a_state_that_one_revert_undoes(host: BareHost, kib: int) -> None:
    """The room is refused beforehand; here it vanishes once the first step has begun."""
    host.sh("mkdir -p /var/lib/anywhere; mount -t tmpfs -o size=1m,mode=700 t /var/lib/anywhere; echo old > /etc/old")
    fill = f"cat /dev/zero > /var/lib/anywhere/full 2>/dev/null; truncate -s -{kib}K /var/lib/anywhere/full; true"

    def plan(seen: Host) -> tuple[Step, ...]:
        steps = [Step("fill", "fill", Command(("sh", "-c", fill)))]
        for number in range(6):
            steps += file_step(seen, f"/etc/d/{number}", b"x" * 3000, f"{number}")
        return (*steps, *file_step(seen, "/etc/old", b"new\n", "old"))

    before = snapshot(host)
    with contextlib.suppress(ChangeFailed):
        engine.apply(host, "t", plan)
    assert not engine.revert(host, "t").missed
    host.sh("rm -f /var/lib/anywhere/full")
    assert snapshot(host) == before
    assert not engine.revert(host, "t").missed


def test_the_tool_itself_is_started_isolated_in_what_is_installed_and_documented() -> None:
    """`python -m anywhere` takes modules from the current folder; `-I` does not."""
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(
        ["git", "grep", "-nE", r"python3? -m anywhere", "--", "docs", "README.md", "packaging", "anywhere"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    allowed = ("docs/security.md", "docs/decisions/", "anywhere/__main__.py")
    assert [line for line in done.stdout.splitlines() if not line.startswith(allowed)] == []
