"""A host over a real sshd: the same verbs and values as the host itself, in few round trips."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anywhere.hosts.base import Completed, Deadline, Host, Inventory, ProbeSpec
from anywhere.hosts.local import DIVERTING, LocalHost
from anywhere.hosts.recording import Recording
from anywhere.hosts.ssh.connection import Connection
from anywhere.hosts.ssh.host import SSHHost
from anywhere.model import Reason, Stage
from tests.support.pace import within
from tests.support.ssh.sshd import Account, Server, serving

pytestmark = pytest.mark.region

NASTY = ["a b", "it's", 'say "hi"', "$HOME `id` $(id)", "new\nline", "*", "", "ünï", "-n", "\\t"]


@pytest.fixture(scope="module")
def server(shared_room: Path) -> Iterator[Server]:
    accounts = [
        Account("deploy", sudo="ALL=(ALL) NOPASSWD: ALL"),
        Account("plain"),
        Account("asks", sudo="ALL=(ALL) ALL", password="Hunter-2!x"),
        Account("noisy", shell="/bin/bash", files={".bashrc": "echo welcome; echo motd >&2\n"}),
        Account("slow", shell="/bin/bash", files={".bashrc": "sleep 2.5\n"}),
        Account("nologin", shell="/usr/sbin/nologin"),
    ]
    with serving(Server(shared_room, accounts=accounts)) as running:
        yield running


@pytest.fixture
def remote(server: Server) -> Iterator[SSHHost]:
    host = server.open()
    yield host
    host.close()


@pytest.fixture(params=["local", "ssh"])
def host(request: pytest.FixtureRequest, server: Server) -> Iterator[Host]:
    if request.param == "local":
        yield LocalHost(Deadline(60))
        return
    found = server.open(budget=60)
    yield found
    found.close()


# --- the same on every kind of host ------------------------------------------------------------------------------


def test_run_passes_arguments_as_they_are(host: Host) -> None:
    done = host.run(["printf", "%s|", *NASTY])
    assert (done.rc, done.stdout) == (0, "|".join(NASTY) + "|")


def test_run_keeps_the_streams_apart_and_the_exit_code(host: Host) -> None:
    done = host.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (done.rc, done.stdout, done.stderr) == (7, "out\n", "err\n")


def test_run_feeds_input(host: Host) -> None:
    assert host.run(["cat"], input=b"first\nsecond\n").stdout == "first\nsecond\n"


def test_a_package_of_a_hundred_mebibytes_arrives_whole(remote: SSHHost) -> None:
    """What we send is not on the host's account: a registration copies the agents' packages like this."""
    data = os.urandom(1 << 20) * 100
    done = remote.run(("sha256sum",), input=data, timeout=60)
    assert (done.rc, done.stdout.split()[0]) == (0, hashlib.sha256(data).hexdigest())


def test_an_absent_program_is_127(host: Host) -> None:
    done = host.run(["no-such-program-here", "x"])
    assert done.rc == 127
    assert not done.stdout


def test_a_file_that_is_no_program_is_126(host: Host, tmp_path: Path) -> None:
    (tmp_path / "text").touch(mode=0o644)
    assert host.run([str(tmp_path / "text")]).rc == 126


def test_a_command_that_hangs_is_124_at_its_timeout(host: Host) -> None:
    started = time.monotonic()
    done = host.run(["sleep", "30"], timeout=1)
    assert done.rc == 124
    assert time.monotonic() - started < within(3)


def test_run_has_a_plain_locale_and_the_administrators_path(host: Host) -> None:
    lines = host.run(["sh", "-c", "echo $LC_ALL $LANG; echo $PATH"]).stdout.splitlines()
    assert lines[0] == "C.UTF-8 C.UTF-8"
    assert {"/usr/sbin", "/sbin"} <= set(lines[1].split(":"))


def test_a_language_of_the_caller_is_no_language_of_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DIVERTING:
        monkeypatch.setenv(name, "de")
    assert not DIVERTING & {line.partition("=")[0] for line in LocalHost(Deadline(60)).run(["env"]).stdout.splitlines()}


def test_run_reads_no_standard_input(host: Host) -> None:
    assert host.run(["cat"], timeout=3) == Completed(("cat",), 0, "", "", pytest.approx(0, abs=3))


def test_read_gives_bytes_as_they_are(host: Host, tmp_path: Path) -> None:
    data = bytes(range(256)) * 50 + b"\n\n"
    (tmp_path / "binary").write_bytes(data)
    assert host.read(str(tmp_path / "binary")) == data
    assert host.read(str(tmp_path / "binary"), tail=10) == data[-10:]
    (tmp_path / "empty").write_bytes(b"")
    assert host.read(str(tmp_path / "empty")) == b""


def test_read_of_kernel_files(host: Host) -> None:
    assert host.read("/proc/sys/kernel/ostype") == b"Linux\n"
    assert b"processor" in host.read("/proc/cpuinfo")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/no/such/file", FileNotFoundError),
        ("/etc", IsADirectoryError),
        ("/etc/hostname/below", (NotADirectoryError, FileNotFoundError)),
    ],
)
def test_a_file_that_cannot_be_read(host: Host, path: str, error: type[OSError]) -> None:
    with pytest.raises(error):
        host.read(path)


def test_listdir(host: Host, tmp_path: Path) -> None:
    for name in ("b", "a", ".hidden", "with space", "ünï"):
        (tmp_path / name).touch()
    assert host.listdir(str(tmp_path)) == (".hidden", "a", "b", "with space", "ünï")
    with pytest.raises(FileNotFoundError):
        host.listdir(str(tmp_path / "none"))
    with pytest.raises(NotADirectoryError):
        host.listdir(str(tmp_path / "a"))


def test_a_thousand_names_in_a_folder(host: Host, tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"n{number:04}").touch()
    assert len(host.listdir(str(tmp_path))) == 1000


def test_inventory_is_that_of_the_machine(server: Server) -> None:
    for _ in range(5):  # other tests of this machine come and go with interfaces and listeners
        near, far = LocalHost(Deadline(60)).inventory(), server.open().inventory()
        if _stable(near) == _stable(far):
            break
    assert _stable(near) == _stable(far)
    assert abs(far.now - near.now) < 5
    assert abs(far.memory_available - near.memory_available) < 0.1 * near.memory_total
    assert any(one.port == server.port for one in far.listeners)


def _stable(inventory: Inventory) -> dict[str, object]:
    kept = {name: getattr(inventory, name) for name in ("memory_total", "cpus", "boot_time", "interfaces", "is_root")}
    sockets = {(one.address, one.port) for one in inventory.listeners}
    # The server has a /run of its own, which is another file system where this machine's is none.
    disks = {disk.path: disk.total for disk in inventory.disks if disk.path != "/run"}
    return kept | {"disks": disks, "sockets": sockets}


def test_a_running_agent_shows_its_network_environment_and_nothing_else(remote: SSHHost) -> None:
    in_place = "mount -t tmpfs tmpfs /opt; cp /bin/sleep /opt/dockerd; exec /opt/dockerd 60"
    environment = {"HTTPS_PROXY": "http://10.0.0.1:3128/ x", "no_proxy": "a,b", "SECRET": "s3cret", "PATH": "/bin"}
    with subprocess.Popen(["/usr/bin/unshare", "--mount", "sh", "-ec", in_place], env=environment) as process:
        time.sleep(0.3)
        daemons = [one for one in remote.inventory().daemons if one.pid == process.pid]
        process.kill()
    assert [(one.name, one.sure) for one in daemons] == [("docker", True)]
    assert daemons[0].environment == {"HTTPS_PROXY": "http://10.0.0.1:3128/ x", "no_proxy": "a,b"}


# --- gathered together -------------------------------------------------------------------------------------------


class Counted:
    """Counts the commands that a connection runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands = 0
        execute = Connection.execute

        def counted(connection: Connection, *words: object, **named: object) -> object:
            self.commands += 1
            return execute(connection, *words, **named)

        monkeypatch.setattr(Connection, "execute", counted)


def test_what_is_prefetched_costs_one_command_in_all(remote: SSHHost, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    commands = [("uname", "-m"), ("no-such-program",), ("mount", "--version"), ("sh", "-c", "exit 3")]
    files = ["/etc/hostname", "/proc/uptime", "/no/such/file", "/etc"]
    remote.prefetch(commands, files, ["/etc/ssh", "/no/such/folder"])
    recording = Recording(remote)
    assert [recording.run(argv).rc for argv in commands[1::2]] == [127, 3]
    assert recording.run(commands[0]).stdout.strip() == os.uname().machine
    assert recording.run(commands[2]).rc == subprocess.run(commands[2], capture_output=True).returncode
    assert recording.read("/etc/hostname") == Path("/etc/hostname").read_bytes()
    assert recording.read("/proc/uptime")
    for path, error in (("/no/such/file", FileNotFoundError), ("/etc", IsADirectoryError)):
        with pytest.raises(error):
            recording.read(path)
    assert "sshd_config" in recording.listdir("/etc/ssh")
    with pytest.raises(FileNotFoundError):
        recording.listdir("/no/such/folder")
    assert recording.inventory().is_root
    assert counted.commands == 1


def test_the_end_of_a_gathered_log_is_at_hand_and_its_whole_is_asked_for(remote: SSHHost, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 400_000 + b"end\n")
    remote.prefetch([], [str(log)], [])
    assert remote.read(str(log), tail=4) == b"end\n"
    remote.prefetch([], [str(log)], [])
    assert len(remote.read(str(log))) == 400_004


def test_what_hangs_is_cut_off_and_delays_only_its_own_kind(remote: SSHHost, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    remote.prefetch(
        [("docker", "--help"), ("sh", "-c", "sleep 20 # docker"), ("uname",)], [str(pipe), "/etc/hostname"], []
    )
    started = time.monotonic()
    assert remote.read("/etc/hostname")
    assert remote.run(("uname",)).rc == 0
    with pytest.raises(OSError, match="is a pipe, not a file"):
        remote.read(str(pipe))
    assert time.monotonic() - started < within(5)
    assert remote.run(("sh", "-c", "sleep 20 # docker")).rc == 124
    assert time.monotonic() - started < within(10)


def test_what_a_finished_command_leaves_behind_is_ended(remote: SSHHost) -> None:
    command = ("sh", "-c", "setsid sleep 4321 >/dev/null 2>&1 & echo begun")
    remote.prefetch([command], [], [])
    assert remote.run(command).stdout == "begun\n"
    end = time.monotonic() + within(3)
    while (
        left := subprocess.run(["pgrep", "-fx", "sleep 4321"], check=False).returncode == 0
    ) and time.monotonic() < end:
        time.sleep(0.05)
    assert not left


def test_a_process_that_cannot_be_killed_is_left_and_the_rest_goes_on(
    remote: SSHHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anywhere.hosts.ssh.batch.QUIET", 1.0)
    # Nobody limits this one on the far side, as with a process in the kernel's uninterruptible sleep.
    parts = remote.shell.gather(["echo one; mark 0", "sleep 30; mark 0", "echo three; mark 0"], {})
    assert [(part.rc, part.stdout) for part in parts] == [(0, b"one\n"), (137, b""), (0, b"three\n")]


def test_a_slow_login_shell_is_waited_for_as_long_as_the_run_has_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anywhere.hosts.ssh.batch.QUIET", 1.0)
    host = server.open("slow", budget=30)
    try:
        assert host.shell.login.rights == "none"
        assert host.run(("echo", "here"), timeout=1).stdout == "here\n"
        assert host.run(("sleep", "20"), timeout=1).rc == 124
    finally:
        host.close()


def test_an_action_makes_what_was_gathered_void(remote: SSHHost, tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_text("before")
    remote.prefetch([("cat", str(note))], [str(note)], [])
    remote.run(["install", "-m", "600", "/dev/stdin", str(note)], input=b"after")
    assert remote.run(("cat", str(note))).stdout == "after"
    assert remote.read(str(note)) == b"after"


def test_many_threads_share_a_connection_within_its_sessions(remote: SSHHost) -> None:
    results: list[str] = []
    work = [
        threading.Thread(target=lambda n=n: results.append(remote.run(["echo", str(n)]).stdout.strip()))
        for n in range(40)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert sorted(results, key=int) == [str(n) for n in range(40)]


@pytest.mark.parametrize("sessions", [1, 3])
def test_fewer_sessions_than_we_want_are_enough(room: Path, sessions: int) -> None:
    with serving(Server(room / "few", f"MaxSessions {sessions}")) as server:
        host = server.open()
        host.prefetch([("uname",), ("docker", "x")], ["/etc/hostname"], [])
        results: list[int] = []
        threads = [threading.Thread(target=lambda: results.append(host.run(["true"]).rc)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [0] * 12
        assert host.read("/etc/hostname")
        host.close()


def test_output_without_end_is_cut(remote: SSHHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anywhere.hosts.ssh.connection.LARGEST_OUTPUT", 1_000_000)
    done = remote.run(["yes"], timeout=20)
    assert done.rc != 0
    assert len(done.stdout) < 8_000_000


# --- rights ------------------------------------------------------------------------------------------------------


@pytest.fixture
def secret_file(room: Path) -> Path:
    path = room / "secret"
    path.write_text("root only")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("user", ["root", "deploy"])
def test_root_or_sudo_without_a_password_reads_what_root_may(server: Server, user: str, secret_file: Path) -> None:
    host = server.open(user)
    host.prefetch([("id", "-u")], [str(secret_file)], [])
    assert host.read(str(secret_file)) == b"root only"
    assert host.run(("id", "-u")).stdout == "0\n"
    assert host.run(["id", "-u"]).stdout == "0\n"
    assert (host.inventory().is_root, host.inventory().refused) == (True, "")


def test_without_root_it_says_why_and_reads_what_it_may(server: Server, secret_file: Path) -> None:
    host = server.open("plain")
    host.prefetch([], [str(secret_file), "/etc/hostname"], [])
    with pytest.raises(PermissionError):
        host.read(str(secret_file))
    assert host.read("/etc/hostname")
    inventory = host.inventory()
    assert not inventory.is_root
    assert "password is required" in inventory.refused


def test_sudo_is_not_asked_where_the_user_does_not_want_it(server: Server) -> None:
    host = server.open("deploy", become=False)
    assert host.run(["id", "-u"]).stdout != "0\n"
    assert not host.inventory().is_root


def test_the_password_goes_to_sudo_by_stdin_only(server: Server, secret_file: Path) -> None:
    host = server.open("asks", become_password="Hunter-2!x")
    host.prefetch([], [str(secret_file)], [])
    assert host.read(str(secret_file)) == b"root only"
    done = host.run(["sh", "-c", "cat; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ"], input=b"given\n")
    assert done.stdout.startswith("given\n")
    assert "Hunter" not in done.stdout


def test_a_wrong_password_is_a_refusal_and_no_more(server: Server) -> None:
    host = server.open("asks", become_password="wrong")
    inventory = host.inventory()
    assert not inventory.is_root
    assert "incorrect password" in inventory.refused
    assert "wrong" not in repr(host.shell.login)


def test_the_login_environment_is_seen_through_sudo(room: Path) -> None:
    lines = "SetEnv HTTPS_PROXY=http://10.1.2.3:3128 OTHER=x"
    with serving(Server(room / "env", lines, accounts=[Account("deploy", "ALL=(ALL) NOPASSWD: ALL")])) as server:
        assert server.open("deploy").inventory().environment == {"HTTPS_PROXY": "http://10.1.2.3:3128"}


def test_words_of_the_login_shell_do_not_get_in_between(server: Server) -> None:
    host = server.open("noisy")
    host.prefetch([], ["/etc/hostname"], [])
    assert host.read("/etc/hostname") == Path("/etc/hostname").read_bytes()


# --- the connection goes away ------------------------------------------------------------------------------------


def test_a_connection_lost_on_the_way_is_no_verdict_about_the_network(server: Server) -> None:
    from anywhere.errors import HostUnreachable

    host = server.open()
    assert host.run(["true"]).ok
    threading.Timer(0.5, server.drop).start()
    with pytest.raises(HostUnreachable, match="connection was lost"):
        host.run(["sleep", "10"])
    with pytest.raises(HostUnreachable):
        host.probe(ProbeSpec("localhost", 9, "http", address="127.0.0.1"))
    with pytest.raises(HostUnreachable):
        host.read("/etc/hostname")


def test_a_connection_lost_among_observations_cuts_none_of_them_off(server: Server) -> None:
    """What had hung would be a part of its own; here nothing is known of the rest."""
    from anywhere.errors import HostUnreachable
    from anywhere.hosts.ssh.script import Part

    host, told = server.open(), list[Part]()

    def tell(_number: int, part: Part) -> None:
        told.append(part)
        threading.Thread(target=server.drop).start()

    with pytest.raises(HostUnreachable, match="connection was lost"):
        host.shell.gather(["echo one; mark 0", "sleep 30; mark 0", "echo three; mark 0"], {}, tell)
    assert [(part.rc, part.stdout) for part in told] == [(0, b"one\n")]


def test_a_stopped_far_side_ends_at_the_time_limit(server: Server) -> None:
    host = server.open()
    host.run(["true"])
    children = server.serving()
    assert children
    for pid in children:
        os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        assert host.run(["true"], timeout=1).rc == 124
        assert host.probe(ProbeSpec("localhost", 9, "http", address="127.0.0.1")).reason is Reason.TIMEOUT
        assert time.monotonic() - started < within(10)
    finally:
        for pid in children:
            os.kill(pid, signal.SIGCONT)


def test_probe_reasons_through_a_channel(remote: SSHHost) -> None:
    probe = remote.probe(ProbeSpec("localhost", 1, "http", address="127.0.0.1"))
    assert (probe.stage, probe.reason) == (Stage.CONNECT, Reason.REFUSED)
    spec = ProbeSpec("localhost", 1, "http", address="127.0.0.1", mss=536)
    assert remote.probe(spec).reason is Reason.REFUSED
    assert remote.probe(spec).spec == spec
