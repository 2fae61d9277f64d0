"""The engine on a real file system and kernel: journal, lock, room, undo; and what a kill -9 leaves."""

from __future__ import annotations

import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from anywhere.changes import engine, lock
from anywhere.changes.base import ChangeFailed, Command, Halted, HostBusy, Step
from anywhere.changes.files import file_step
from anywhere.changes.lock import locked
from anywhere.changes.rules import persistence
from anywhere.changes.script import own_script, run_script
from anywhere.changes.shell import script
from anywhere.changes.waves import Rollout, cut, roll
from anywhere.errors import BadInput
from anywhere.hosts.base import Completed, Host, Inventory
from tests.support.adverse import dying
from tests.support.barehost import BareHost, snapshot
from tests.support.fakehost import FakeHost

region = pytest.mark.region
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
SECRET = "geheim"


@pytest.fixture
def host() -> Iterator[BareHost]:
    with BareHost() as made:
        yield made


def one_file(path: str, text: str, **more: object) -> object:
    return lambda host: file_step(host, path, text.encode(), f"write {path}", **more)


# ---- plans and waves: no host needed


def test_a_plan_as_shell_runs_the_same_commands_and_hides_credentials() -> None:
    steps = (
        Step("a", "first", Command(("ip", "route", "add", "a b"))),
        Step(
            "b", "second", Command(("sh", "-c", "long"), b"text\n", shown=("install", "-D", "/dev/stdin", "/etc/x y"))
        ),
        Step("c", "third", Command(("sh",), f"http://u:{SECRET}@p".encode(), secret=True, shown=("install", "/etc/p"))),
    )
    text = script(steps, "local")
    assert "ip route add 'a b'" in text and "install -D /dev/stdin '/etc/x y' <<'END_OF_INPUT'\ntext\n" in text
    assert SECRET not in text and "exit 1" in text
    assert subprocess.run(["sh", "-n"], input=text.encode()).returncode == 0


def test_what_others_keep_secret_in_a_merged_file_is_not_printed_either() -> None:
    text = 'ECS_ENGINE_AUTH_DATA={"https://r":{"auth":"geheim"}}\nHTTPS_PROXY=http://p:1\n'
    said = script(
        (Step("a", "merge", Command(("sh",), text.encode(), shown=("install", "/etc/ecs/ecs.config"))),), "local"
    )
    assert SECRET not in said and "/etc/ecs/ecs.config" in said
    ran = subprocess.run(["sh"], input=said.encode(), capture_output=True)
    assert ran.returncode == 1 and b"by hand" in ran.stderr


@pytest.mark.parametrize(
    ("size", "sizes"),
    [("", [40]), ("5%", [1] + [2] * 19 + [1]), ("10", [1, 10, 10, 10, 9]), ("100%", [1, 39]), ("1", [1] * 40)],
)
def test_waves_begin_with_a_canary(size: str, sizes: list[int]) -> None:
    assert [len(wave) for wave in cut([f"h{n}" for n in range(40)], size)] == sizes


@pytest.mark.parametrize("size", ["0", "0%", "101%", "-1", "5 %", "1.5", "many", "%", "1e9", "٣"])
def test_a_wave_that_is_none_is_refused(size: str) -> None:
    with pytest.raises(BadInput, match="--wave"):
        cut(["a", "b"], size)


def test_a_rollout_stops_at_the_first_failing_wave_and_goes_on_when_run_again() -> None:
    names = [f"h{n}" for n in range(8)]
    so = {"h3"}
    broken = {"h4"}

    def pending(group: object) -> dict[str, str | None]:
        return {name: "" if name in so else None for name in names}

    def act(group: object) -> dict[str, str | None]:
        so.update(name for name in group if name not in broken)
        return {name: "no" if name in broken else None for name in group}

    first = roll(names, "3", pending, act)
    assert first == Rollout(("h3",), ("h0", "h1", "h2"), (("h4", "no"),), ("h5", "h6", "h7")) or first.failed
    assert first.failed == (("h4", "no"),) and not first.complete
    assert set(first.untouched) | {"h4"} | set(first.done) | set(first.already) == set(names)
    broken.clear()
    again = roll(names, "3", pending, act)
    assert again.complete and set(again.done) == set(first.untouched) | {"h4"}


def test_a_host_that_cannot_be_asked_stops_everything_before_the_first_wave() -> None:
    acted: list[object] = []
    found = roll(["a", "b"], "1", lambda names: {"a": None, "b": "no route"}, lambda names: acted.append(names) or {})
    assert found == Rollout((), (), (("b", "no route"),), ("a",)) and not acted


# ---- files


@region
@root
def test_a_file_is_put_back_with_mode_owner_and_folders(host: BareHost) -> None:
    host.sh("mkdir -p /etc/a; printf old > /etc/a/f; chmod 640 /etc/a/f; chown 7:8 /etc/a/f; ln -s a/f /etc/link")
    before = snapshot(host)

    def plan(seen: Host) -> tuple[Step, ...]:
        return (*file_step(seen, "/etc/link", b"new\n", "follow"), *file_step(seen, "/etc/b/c/d", b"x", "deep"))

    assert len(engine.apply(host, "t", plan).done) == 2
    assert host.sh("cat /etc/a/f; stat -c '%a %u:%g' /etc/a/f; readlink /etc/link") == "new\n640 7:8\na/f\n"
    assert not engine.apply(host, "t", plan).done
    assert not engine.revert(host, "t").failed
    assert snapshot(host) == before


@region
@root
def test_a_file_that_someone_else_changed_since_is_left_and_said(host: BareHost) -> None:
    engine.apply(host, "t", one_file("/etc/f", "ours\n"))
    engine.apply(host, "t", one_file("/etc/g", "ours\n"))
    host.sh("echo theirs >> /etc/f")
    done = engine.revert(host, "t")
    assert [title for title, _ in done.failed] == ["remove /etc/f"] and "someone else" in done.failed[0][1]
    assert done.undone == ("remove /etc/g",)
    assert host.sh("cat /etc/f") == "ours\ntheirs\n"
    host.sh("rm /etc/f")
    assert not engine.revert(host, "t").failed


@region
@root
def test_only_our_lines_leave_a_merged_file_that_lives_on(host: BareHost) -> None:
    host.sh("printf 'A=1\\nNO_PROXY=x\\n' > /etc/f")
    lines = (("NO_PROXY=x,y", "NO_PROXY=x"), ("HTTPS_PROXY=p", None))
    engine.apply(host, "t", one_file("/etc/f", "A=1\nNO_PROXY=x,y\nHTTPS_PROXY=p\n", lines=lines))
    host.sh("echo B=2 >> /etc/f")
    assert not engine.revert(host, "t").failed
    assert host.sh("cat /etc/f") == "A=1\nNO_PROXY=x\nB=2\n"


@region
@root
def test_credentials_are_in_no_journal_and_in_files_of_root_alone(host: BareHost) -> None:
    host.sh(f"echo 'P=http://u:{SECRET}@old' > /etc/f; chmod 644 /etc/f")
    engine.apply(host, "t", one_file("/etc/f", f"P=http://u:{SECRET}@new\n", mode="0600", secret=True))
    assert host.sh("stat -c %a /etc/f").strip() == "600", "others could read it before"
    assert SECRET not in host.sh("cat /var/lib/anywhere/*.journal")
    assert SECRET in host.sh("cat /var/lib/anywhere/t.undo/*")
    assert host.sh("stat -c %a /var/lib/anywhere/t.undo /var/lib/anywhere/t.undo/*").split() == ["700", "600"]
    engine.revert(host, "t")
    assert host.sh("stat -c %a /etc/f").strip() == "644"
    assert host.sh("ls /var/lib/anywhere 2>&1 || true").count("No such file") == 1


# ---- undo


@region
@root
def test_a_failed_undo_is_listed_and_the_others_still_run(host: BareHost) -> None:
    def plan(seen: Host) -> tuple[Step, ...]:
        bad = Step("bad", "cannot be undone", Command(("true",)), (Command(("sh", "-c", "echo no >&2; exit 3")),))
        return (*file_step(seen, "/etc/one", b"1", "one"), bad, *file_step(seen, "/etc/two", b"2", "two"))

    engine.apply(host, "t", plan)
    done = engine.revert(host, "t")
    assert done.undone == ("remove /etc/two", "remove /etc/one")
    assert done.failed == (("undo cannot be undone", "exit code 3: no"),)
    assert [entry.title for entry in engine.journaled(host, "t")] == ["cannot be undone"]


@region
@root
def test_the_first_undo_of_a_key_holds_because_it_saw_the_original(host: BareHost) -> None:
    host.sh("echo original > /etc/f")
    for text in ("one\n", "two\n", "three\n"):
        engine.apply(host, "t", one_file("/etc/f", text))
    assert len(engine.journaled(host, "t")) == 1


@region
@root
def test_a_failing_step_ends_the_run_and_can_be_taken_back(host: BareHost) -> None:
    before = snapshot(host)

    def plan(seen: Host) -> tuple[Step, ...]:
        return (*file_step(seen, "/etc/one", b"1", "one"), Step("bad", "does not work", Command(("false",))))

    with pytest.raises(ChangeFailed, match="does not work: exit code 1") as raised:
        engine.apply(host, "t", plan)
    assert isinstance(raised.value, Halted)
    assert [len(raised.value.done), len(raised.value.left)] == [1, 1]
    engine.revert(host, "t")
    assert snapshot(host) == before


@region
@root
def test_a_damaged_journal_is_told_and_never_guessed_at(host: BareHost) -> None:
    engine.apply(host, "t", one_file("/etc/f", "ours\n"))
    host.sh('printf \'{"key": "x"}\\n[1]\\n{"undone": 3}\\n{cut\' >> /var/lib/anywhere/t.journal')
    with pytest.raises(ChangeFailed, match="damaged"):
        engine.revert(host, "t")
    assert host.sh("cat /etc/f") == "ours\n"


# ---- room and lock


@region
@root
@pytest.mark.parametrize("folder", ["/var/lib", "/etc"])
def test_a_read_only_disk_is_refused_before_the_first_step(host: BareHost, folder: str) -> None:
    # The newer system call refuses any remount of an overlay.
    host.sh(f"LIBMOUNT_FORCE_MOUNT2=always mount -o remount,ro {folder}")
    before = snapshot(host)
    with pytest.raises(ChangeFailed, match=f"nothing was changed .* {folder}[a-z./]* is read-only"):
        engine.apply(host, dying.JOURNAL, dying.plan)
    assert snapshot(host) == before


@region
@root
@pytest.mark.parametrize("fill", ["head -c 1m /dev/zero > /var/lib/anywhere/full", "true"])
def test_a_full_disk_is_refused_before_the_first_step(host: BareHost, fill: str) -> None:
    inodes = ",nr_inodes=4" if fill == "true" else ""
    host.sh(
        f"mkdir -p /var/lib/anywhere; mount -t tmpfs -o size=1m{inodes} t /var/lib/anywhere; {fill} || true",
        check=False,
    )
    with pytest.raises(ChangeFailed, match="has no room"):
        engine.apply(host, dying.JOURNAL, dying.plan)
    assert "anywhere-rules" not in host.sh("iptables-save")


@region
@root
def test_a_revert_is_refused_on_a_read_only_disk_and_goes_through_on_a_full_one(host: BareHost) -> None:
    before = snapshot(host)
    host.sh("mkdir -p /var/lib/anywhere; mount -t tmpfs -o size=1m t /var/lib/anywhere")
    engine.apply(host, dying.JOURNAL, dying.plan)
    wanted = snapshot(host)
    host.sh("mount -o remount,ro /var/lib/anywhere")
    with pytest.raises(ChangeFailed, match=r"nothing was undone .* read-only"):
        engine.revert(host, dying.JOURNAL)
    assert snapshot(host) == wanted
    host.sh("mount -o remount,rw /var/lib/anywhere; cat /dev/zero > /var/lib/anywhere/full 2>/dev/null || true")
    done = engine.revert(host, dying.JOURNAL)
    assert not done.failed and len(done.undone) == len(engine.observe(host, dying.plan))
    host.sh("umount /var/lib/anywhere; rmdir /var/lib/anywhere")
    assert snapshot(host) == before


@region
@root
def test_a_disk_that_fills_up_midway_stops_before_the_step_it_cannot_journal(host: BareHost) -> None:
    host.sh("mkdir -p /var/lib/anywhere; mount -t tmpfs -o size=1m t /var/lib/anywhere")
    host.sh("head -c 100000 /dev/zero > /etc/after")

    def plan(seen: Host) -> tuple[Step, ...]:
        fill = Step("fill", "fill", Command(("sh", "-c", "cat /dev/zero > /var/lib/anywhere/full 2>/dev/null; true")))
        return (fill, *file_step(seen, "/etc/after", b"1", "after"))

    with pytest.raises(ChangeFailed, match="journal"):
        engine.apply(host, "t", plan)
    assert len(host.read("/etc/after")) == 100000
    host.sh("rm /var/lib/anywhere/full")
    assert not engine.revert(host, "t").failed


@region
@root
def test_two_runs_never_change_one_host(host: BareHost) -> None:
    with locked(host, "first"):
        other = subprocess.run(
            [sys.executable, "-m", "tests.support.adverse.dying", str(host.pid), "apply"],
            capture_output=True,
            text=True,
        )
        assert "HostBusy" in other.stderr and "another run" in other.stderr
        with pytest.raises(HostBusy), locked(host, "second"):
            pass
    with locked(host, "third"):
        pass


@region
@root
def test_the_lock_of_a_killed_run_is_free_at_once(host: BareHost) -> None:
    code = (
        "import os,sys; from tests.support.barehost import BareHost; from anywhere.changes.lock import locked\n"
        "with locked(BareHost.attach(int(sys.argv[1])), 'x'): os.kill(os.getpid(), 9)"
    )
    died = subprocess.run([sys.executable, "-c", code, str(host.pid)], capture_output=True)
    assert died.returncode == -signal.SIGKILL
    with locked(host, "next"):
        pass


@region
@root
@pytest.mark.parametrize("look", [1, 2, 3])
def test_a_run_killed_while_its_lock_is_taken_holds_nothing(host: BareHost, look: int) -> None:
    """Whoever takes the lock looks for the holder in /proc: at the given look it has just died."""
    host.sh(
        "printf '%s\\n' '#!/bin/sh' 'read -r victim < /run/victim' '[ \"$1\" != /proc/$victim/stat ] || echo >> /run/looks'"
        f" '[ \"$(wc -l < /run/looks)\" != {look} ] || {{ kill -9 $victim && sleep 0.5; }}' 'exec /bin/cat \"$@\"'"
        " > /usr/local/sbin/cat; chmod 755 /usr/local/sbin/cat; : > /run/looks"
    )
    code = (
        "import os,sys; from tests.support.barehost import BareHost; from anywhere.changes.lock import locked\n"
        "host = BareHost.attach(int(sys.argv[1])); host.sh(f'echo {os.getpid()} > /run/victim')\n"
        "with locked(host, 'x'): os.kill(os.getpid(), 9)"
    )
    died = subprocess.run([sys.executable, "-c", code, str(host.pid)], capture_output=True)
    assert died.returncode == -signal.SIGKILL
    time.sleep(1.5)  # what takes the lock for it outlives it
    host.sh("rm /usr/local/sbin/cat")
    with locked(host, "next"):
        pass


@region
@root
def test_many_runs_at_once_leave_one_result(host: BareHost) -> None:
    argv = [sys.executable, "-m", "tests.support.adverse.dying", str(host.pid), "apply"]
    runs = [subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    ends = [run.communicate()[1] for run in runs]
    assert any(not end for end in ends) and all(not end or "HostBusy" in end for end in ends)
    assert host.sh("iptables-save").count("anywhere-rules-") == 5


# ---- killed


def run_dying(host: BareHost, command: str, point: str = "") -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "tests.support.adverse.dying", str(host.pid), command, *([point] if point else [])]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def prepare(host: BareHost) -> str:
    host.sh("mkdir -p /etc/ecs; printf 'ECS_CLUSTER=a\\n' > /etc/ecs/ecs.config; chmod 644 /etc/ecs/ecs.config")
    return snapshot(host)


def recover(host: BareHost, before: str, wanted: str, then: str, where: str) -> None:
    """After a death: the next command alone brings the wanted or the original state."""
    if then == "apply":
        assert not engine.apply(host, dying.JOURNAL, dying.plan).left, where
        assert files_of(snapshot(host)) == files_of(wanted), f"apply after {where}"
    done = engine.revert(host, dying.JOURNAL)
    assert not done.failed, f"{where}: {done.failed}"
    assert snapshot(host) == before, f"revert after {where}"


def files_of(text: str) -> str:
    """A snapshot without the journal and its backups, whose number depends on how often a run died."""
    return "\n".join(line for line in text.splitlines() if "/var/lib/anywhere" not in line)


def wanted_state(host: BareHost, before: str) -> tuple[str, int, int]:
    applied = run_dying(host, "apply").communicate()
    wanted = snapshot(host)
    reverted = run_dying(host, "revert").communicate()
    assert snapshot(host) == before, applied[1] + reverted[1]
    return wanted, int(applied[0]), int(reverted[0])


@region
@root
def test_a_run_killed_while_it_takes_the_lock_leaves_none(host: BareHost) -> None:
    """Its script goes on without it, as a child of init: a lock in init's name would never be free."""
    take = shlex.join(own_script("lock", "take", lock.LOCK, "x"))
    orphan = f"(sleep 0.3; exec {take}) >/dev/null 2>&1 & exit 0"
    host.sh(orphan)
    time.sleep(0.8)
    with locked(host, "next"):
        pass


@region
@root
@pytest.mark.soak
@pytest.mark.parametrize("then", ["apply", "revert"])
def test_killed_at_every_command_the_next_run_completes(host: BareHost, then: str) -> None:
    before = prepare(host)
    wanted, steps, undos = wanted_state(host, before)
    for point in range(1, steps + 1):
        for after in ("", "+"):
            run_dying(host, "apply", f"{point}{after}").communicate()
            recover(host, before, wanted, then, f"death in apply at {point}{after}")
    for point in range(1, undos + 1):
        engine.apply(host, dying.JOURNAL, dying.plan)
        run_dying(host, "revert", f"{point}+").communicate()
        recover(host, before, wanted, then, f"death in revert at {point}+")


@region
@root
@pytest.mark.parametrize("command", ["apply", pytest.param("revert", marks=pytest.mark.broad)])
def test_killed_at_some_commands_the_next_run_completes(host: BareHost, command: str) -> None:
    before = prepare(host)
    wanted, steps, undos = wanted_state(host, before)
    last = steps if command == "apply" else undos
    for point in range(3, last, 4):
        if command == "revert":
            engine.apply(host, dying.JOURNAL, dying.plan)
        run_dying(host, command, f"{point}+").communicate()
        recover(host, before, wanted, "apply" if point % 8 < 4 else "revert", f"death in {command} at {point}+")


@region
@root
@pytest.mark.soak
def test_killed_at_200_random_moments_the_next_run_completes(host: BareHost) -> None:
    before = prepare(host)
    wanted, _, _ = wanted_state(host, before)
    started = time.monotonic()
    run_dying(host, "apply").communicate()
    whole = time.monotonic() - started
    engine.revert(host, dying.JOURNAL)
    dice = random.Random(os.environ.get("KILL_SEED", "2026"))
    killed = 0
    for number in range(200):
        command = dice.choice(["apply", "revert"])
        if command == "revert":
            engine.apply(host, dying.JOURNAL, dying.plan)
        run = run_dying(host, command)
        moment = dice.uniform(0.1 * whole, whole)
        time.sleep(moment)
        # The tool alone, as the kernel kills it for memory; or it and its commands, as a power cut does.
        if run.poll() is None:
            killed += 1
            (os.killpg if dice.random() < 0.5 else os.kill)(run.pid, signal.SIGKILL)
        run.communicate()
        settle(host)
        then = dice.choice(["apply", "revert"])
        recover(host, before, wanted, then, f"number {number}: death of {command} after {moment:.3f} s, then {then}")
    assert killed > 100, "most of them have to die before they are done"


def settle(host: BareHost) -> None:
    """A command that outlived its run ends by itself within moments."""
    for _ in range(100):
        found = subprocess.run(["pgrep", "-f", "iptables.*-restore|install -D"], capture_output=True, text=True).stdout
        if not found.strip():
            return
        time.sleep(0.02)


# ---- what is undone first, and where nothing can be


def gated(host: Host) -> tuple[Step, ...]:
    back = Command(("sh", "-c", "test ! -e /etc/shut"))
    start = Step("unit:g", "start g", Command(("true",)), (back,), back="stop g", gate=True)
    return (
        *file_step(host, "/etc/f", b"ours\n", "write /etc/f"),
        start,
        *file_step(host, "/etc/g", b"x", "write /etc/g"),
    )


@region
@root
def test_nothing_before_a_gate_is_undone_while_the_gate_is_not(host: BareHost) -> None:
    before = snapshot(host)
    engine.apply(host, "t", gated)
    host.sh("touch /etc/shut")
    done = engine.revert(host, "t")
    assert done.undone == ("remove /etc/g",)
    assert dict(done.failed)["remove /etc/f"] == "not begun: first stop g" and "stop g" in dict(done.failed)
    assert host.sh("cat /etc/f") == "ours\n"
    host.sh("rm /etc/shut")
    assert engine.revert(host, "t").undone == ("stop g", "remove /etc/f")
    assert snapshot(host) == before


@region
@root
def test_a_revert_refuses_a_folder_that_is_read_only_before_its_first_step(host: BareHost) -> None:
    before = snapshot(host)
    engine.apply(host, "t", gated)
    host.sh("mount --bind /etc /etc && mount -o remount,bind,ro /etc")
    with pytest.raises(ChangeFailed, match="nothing was undone on bare: /etc is read-only"):
        engine.revert(host, "t")
    host.sh("umount /etc")
    assert not engine.revert(host, "t").missed
    assert snapshot(host) == before


SYSTEMCTL = """#!/bin/sh
case $1 in
  stop) rm -f /run/active ;;
  disable) case $* in *--now*) exit 1 ;; esac; rm -f /etc/enabled ;;
  is-active) test -e /run/active ;;
  is-enabled) if [ -e /etc/enabled ]; then echo enabled; else echo disabled; fi ;;
esac
"""


@region
@root
def test_a_guard_is_stopped_also_where_it_cannot_be_disabled(host: BareHost) -> None:
    stop = run_script(Path(persistence.__file__).with_name("stop.sh"), "g.service", "/run/metrics")
    host.run(
        ("sh", "-c", "cat > /usr/local/sbin/systemctl; chmod 755 /usr/local/sbin/systemctl"), input=SYSTEMCTL.encode()
    )
    host.sh("touch /run/active /etc/enabled; mount --bind /etc /etc && mount -o remount,bind,ro /etc")
    done = host.run(stop)
    assert not done.ok and "still enabled" in done.stderr
    assert host.run(("test", "-e", "/run/active")).rc == 1
    host.sh("umount /etc")
    assert host.run(stop).ok and host.run(("test", "-e", "/etc/enabled")).rc == 1


@region
@root
@pytest.mark.parametrize("program", ["od", "dd"])
def test_a_program_that_is_missing_is_not_needed_or_named(host: BareHost, program: str) -> None:
    host.sh(f"mount --bind /dev/null /usr/bin/{program}")
    if program == "od":
        assert engine.apply(host, "t", one_file("/etc/f", "ours\n")).done
        return
    with pytest.raises(ChangeFailed, match="dd is missing: install coreutils"):
        engine.apply(host, "t", one_file("/etc/f", "ours\n"))
    assert host.run(("test", "-e", "/etc/f")).rc == 1


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("", "it must run as root"),
        ("sudo: a password is required", r"asks for a password \(.*\): run it again with --ask-become-pass$"),
        ("sudo: 1 incorrect password attempt", "refused the password .* --ask-become-pass and the right one"),
        ("Sorry, try again.", "refused the password"),
        ("admin is not in the sudoers file.", "sudo on that host refuses: admin is not in the sudoers file"),
    ],
)
def test_rights_that_sudo_does_not_give_are_explained(refused: str, said: str) -> None:
    class Poor(FakeHost):
        def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 10.0) -> Completed:
            return Completed(tuple(argv), 4, "", "")

    with pytest.raises(ChangeFailed, match=said):
        engine.apply(Poor(found=Inventory(refused=refused)), "t", one_file("/etc/f", ""))
