"""What a user's login scripts print or wait for is no output of ours, and no verdict about the host.

bash(1), INVOCATION: where bash determines that it is run by sshd it reads ~/.bashrc, also for `bash -c` (why, and whom it
hits: unix.stackexchange.com/questions/257571).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from anywhere.errors import HostUnreachable
from anywhere.hosts.local import DIVERTING
from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.names.dns import is_digits
from anywhere.hosts.ssh.names.edns import Samples
from anywhere.hosts.ssh.names.records import take_records
from anywhere.hosts.ssh.sudo import Action
from tests.support.ssh.remote import remote
from tests.support.ssh.shells import run_script
from tests.support.ssh.sshd import Account, Server, serving

NOISE = "echo WELCOME to 10.0.0.1; echo last login >&2; printf 'no newline'\n"


@pytest.fixture(scope="module")
def server(shared_room: Path) -> Iterator[Server]:
    sudo = "ALL=(ALL) NOPASSWD: ALL"
    accounts = [Account("noisy", shell="/bin/bash", files={".bashrc": NOISE}), Account("sudoer", sudo, files={})]
    accounts += [Account("silent", shell="/bin/bash", files={".bashrc": "exec 2>/dev/null\n"})]
    accounts += [Account("leaves", shell="/bin/bash", files={".bashrc": "exit 1\n"})]
    accounts += [Account("another", shell="/bin/bash", files={".bashrc": "exec bash\n"})]
    accounts += [Account("lost", sudo, shell="/bin/bash", files={".bashrc": "export PATH=/nowhere\n"})]
    german = "export LC_ALL=de_DE.UTF-8 LANGUAGE=de POSIXLY_CORRECT=1 DF_BLOCK_SIZE=1M DOCKER_TLS_VERIFY=1\n"
    accounts += [Account("german", sudo, shell="/bin/bash", files={".bashrc": german})]
    accounts += [Account("both", sudo, shell="/bin/bash", files={".bashrc": NOISE})]
    with serving(Server(shared_room, accounts=accounts)) as running:
        yield running


@pytest.mark.region
@pytest.mark.parametrize("user", ["noisy", "both"])
def test_a_command_prints_what_it_prints(server: Server, user: str) -> None:
    host = server.open(user)
    done = host.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (done.rc, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert host.run(["cat"], input=b"given\n").stdout == "given\n"


@pytest.mark.region
@pytest.mark.parametrize(
    ("user", "said", "remedy"),
    [
        ("silent", "standard error does not arrive", "exec 2>"),
        ("leaves", "no shell answers: no output", "~/.bashrc"),
        ("another", "no shell answers: a login script starts another shell in place of the command", "~/.bashrc"),
    ],
)
def test_a_login_script_that_takes_the_shell_away_is_named(server: Server, user: str, said: str, remedy: str) -> None:
    with pytest.raises(HostUnreachable, match=said) as caught:
        server.open(user).inventory()
    assert remedy in caught.value.remedy
    assert "anywhere-" not in str(caught.value)


@pytest.mark.region
@pytest.mark.parametrize("user", ["german", "lost"])
def test_programs_print_what_they_print_for_anybody(server: Server, user: str) -> None:
    """A language of the user, other units, a PATH that leads nowhere: the programs are found, and speak one language."""
    host = server.open(user)
    shown = ["sh", "-c", 'echo "$LC_ALL:${LANGUAGE-}:${POSIXLY_CORRECT-}:${DF_BLOCK_SIZE-}:${DOCKER_TLS_VERIFY-}"']
    assert host.run(shown).stdout == "C.UTF-8::::\n"
    assert host.inventory().is_root
    with pytest.raises(FileNotFoundError):
        host.read("/nowhere/file")
    host.close()


def test_both_ways_leave_out_what_diverts_programs() -> None:
    """A host over SSH and this machine run commands in the same environment."""
    words = script.text("base.sh").split()
    assert set(words) >= DIVERTING


def test_what_comes_before_a_command_is_not_its_output() -> None:
    action = Action("mark", "", b"", 100)
    assert action.feed(b"WELCOME\n\nma", False) is None
    assert action.output == b""
    action.feed(b"rk go\nout", False)
    assert action.output == b"out"


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_our_own_bash_reads_no_script_of_the_user(tmp_path: Path, shell: str) -> None:
    (tmp_path / ".bashrc").write_text(NOISE)
    mark = script.token()
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SSH_CLIENT": "10.0.0.9 1 22"}
    text = script.jobs(mark, [script.udp_line("key", "127.0.0.1", 0.1, [[b"x"]])], 5)
    done = run_script((shutil.which(shell) or shell,), text, environment=environment)
    assert [record[2] for record in take_records(mark, bytearray(done.stdout))] == [""]


def test_what_is_no_reply_tells_nothing_of_a_nameserver() -> None:
    samples = Samples()
    samples.lines(["a.example"])
    assert samples.learn("edns 10.0.0.53", 0, "WELCOME to 10.0.0.1")
    assert not samples.visible
    assert not samples.is_plain("10.0.0.53", 0.05)
    assert is_digits("01 00 8181") and is_digits("") and not is_digits("LC")


@pytest.mark.region
def test_a_healthy_host_with_a_welcome_is_healthy(room: Path) -> None:
    with remote(room, files={"/root/.bashrc": NOISE}) as far:
        target = far.check("--region", "us-east-1")
    assert (target["verdict"], target["causes"]) == ("ready", [])
