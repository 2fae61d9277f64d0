"""sudo's password over a real sshd and a real sudo: it goes to sudo's own prompt, once, and nowhere else."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anywhere.errors import HostUnreachable
from anywhere.hosts.ssh.sudo import Action, Prompt
from anywhere.redact import redact
from tests.support.pace import within
from tests.support.ssh.sshd import Account, Server, serving

pytestmark = pytest.mark.region
RIGHT, WRONG = "Pl4nted-r1ght x", "Pl4nted-wr0ng x"
ALL, NOPASSWD = "ALL=(ALL) ALL", "ALL=(ALL) NOPASSWD: ALL"
SETTINGS = {
    "plain": "",
    "use_pty": "use_pty",
    "no_timestamp": "timestamp_timeout=0",
    "lecture": "lecture=always",
    "insults": "insults",
    "feedback": "pwfeedback",
    "long_timestamp": "timestamp_timeout=60, timestamp_type=global",
    "own_prompt": 'passprompt="Passwort: "',
}


def _account(name: str, sudo: str, settings: str = "", **more: str) -> Account:
    lines = f"{sudo}\nDefaults:{name} {settings}" if settings else sudo
    return Account(name, sudo=lines, password=RIGHT, **more)


@pytest.fixture(scope="module")
def server(shared_room: Path) -> Iterator[Server]:
    # Accounts of their own for the wrong password: a right one is remembered for a while.
    accounts = [
        _account(f"{kind}_{name}", ALL, chosen) for name, chosen in SETTINGS.items() for kind in ("asks", "wrong")
    ]
    accounts += [_account(f"free_{name}", NOPASSWD, settings) for name, settings in SETTINGS.items()]
    accounts += [_account("tty", ALL, "requiretty"), _account("nosudo", "")]
    accounts += [
        _account("noexec", "ALL=(ALL) NOPASSWD: NOEXEC: ALL"),
        _account("other", NOPASSWD, "runas_default=nobody"),
    ]
    accounts += [_account("path", NOPASSWD, "secure_path=/nowhere")]
    with serving(Server(shared_room, accounts=accounts)) as running:
        yield running


PAYLOAD = b"first line\nsecond\0line\n\n"


@pytest.mark.parametrize("password", [RIGHT, WRONG], ids=["right", "wrong"])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("asks", ["asks", "free"])
def test_a_payload_arrives_as_it_is_or_not_at_all(
    server: Server, room: Path, asks: str, setting: str, password: str
) -> None:
    is_refused = asks == "asks" and password == WRONG
    host = server.open(f"{'wrong' if is_refused else asks}_{setting}", budget=30, become_password=password)
    path = room / "written"
    path.touch()
    path.chmod(0o600)
    done = host.run(["sh", "-c", f"cat >{path} && id -u"], input=PAYLOAD, timeout=15)
    if not is_refused:
        assert (done.rc, done.stdout) == (0, "0\n"), done.stderr
        assert path.read_bytes() == PAYLOAD
    else:
        assert done.rc != 0
        assert path.read_bytes() == b""
        assert "incorrect password" in host.inventory().refused or "no password" in host.inventory().refused
    assert "Pl4nted" not in done.stdout + done.stderr + repr(host.shell.login)
    host.close()


def test_a_sudo_that_wants_a_terminal_refuses_and_gets_no_password(server: Server) -> None:
    host = server.open("tty", become_password=RIGHT)
    inventory = host.inventory()
    assert not inventory.is_root
    assert "must have a tty" in inventory.refused or "terminal" in inventory.refused


def test_a_user_without_rights_is_refused(server: Server) -> None:
    host = server.open("nosudo", budget=20, become_password=RIGHT)
    inventory = host.inventory()
    assert not inventory.is_root
    assert "not in the sudoers file" in inventory.refused or "may not run sudo" in inventory.refused


def test_a_sudo_whose_shell_can_start_nothing_is_a_refusal(server: Server) -> None:
    """sudoers(5), NOEXEC: with it every program would seem to be missing."""
    host = server.open("noexec", budget=20)
    host.prefetch([("uname", "-s")], ["/etc/hostname"], [])
    assert "NOEXEC" in host.inventory().refused
    assert host.run(("uname", "-s")).stdout == "Linux\n"
    assert host.read("/etc/hostname") == Path("/etc/hostname").read_bytes()


def test_root_is_who_sudo_is_asked_for(server: Server) -> None:
    """sudoers(5), runas_default: without -u it may be somebody else."""
    host = server.open("other", budget=20)
    assert host.inventory().is_root
    assert host.run(["id", "-un"]).stdout == "root\n"


def test_programs_are_found_where_sudo_sets_another_path(server: Server) -> None:
    host = server.open("path", budget=20)
    host.prefetch([("uname", "-s")], [], [])
    assert host.inventory().is_root
    assert host.run(("uname", "-s")).stdout == "Linux\n"


def test_a_wrong_password_is_tried_once(server: Server) -> None:
    """A second try could lock the account."""
    host = server.open("wrong_plain", budget=20, become_password=WRONG)
    assert "1 incorrect password attempt" in host.inventory().refused


def test_a_login_that_repeats_its_input_gets_no_password(room: Path) -> None:
    for number, command in enumerate(("cat", "tee /dev/stderr", "stdbuf -o0 cat -A")):
        with serving(
            Server(room / f"echo{number}", f"ForceCommand {command}", accounts=[_account("one", ALL)])
        ) as server:
            host = server.open("one", budget=2, become_password=RIGHT)
            with pytest.raises(HostUnreachable) as failure:
                host.inventory()
            assert "Pl4nted" not in str(failure.value) + failure.value.remedy
            assert "repeats what it is sent" in str(failure.value)


def test_a_far_side_that_says_the_password_itself_is_not_quoted(room: Path) -> None:
    """It knows the password from elsewhere; what it says is searched all the same."""
    with serving(
        Server(room / "says", f"ForceCommand echo '{RIGHT}' is what I heard", accounts=[_account("one", ALL)])
    ) as server:
        host = server.open("one", budget=5, become_password=RIGHT)
        with pytest.raises(HostUnreachable, match=r"\*\*\* is what I heard"):
            host.inventory()


def test_a_sudo_in_the_users_own_folder_is_not_run(room: Path) -> None:
    """The password would be read by whoever put it there."""
    thief = room / "bin"
    thief.mkdir()
    (thief / "sudo").write_text(f'#!/bin/sh\nprintf \'%s\' "$4" >&2; read -r line; echo "$line" >{room}/stolen\n')
    (thief / "sudo").chmod(0o755)
    os.chmod(room, 0o777)
    with serving(Server(room / "s", f"SetEnv PATH={thief}:/usr/bin:/bin", accounts=[_account("one", ALL)])) as server:
        host = server.open("one", budget=20, become_password=RIGHT)
        assert host.inventory().is_root
    assert not (room / "stolen").exists()


def test_the_prompt_is_answered_once_and_only_as_it_is() -> None:
    prompt = Prompt("mark", "secret")
    assert prompt.answer(b"[sudo] password for x: ") is None
    assert prompt.answer(b"mark-su") is None
    answer = prompt.answer(b"do")
    assert answer and (answer.data, answer.last) == (b"secret\n", False)
    again = prompt.answer(b"Sorry, try again.\nmark-sudo")
    assert again and (again.data, again.last) == (b"", True)
    assert Prompt("mark", "").answer(b"mark-sudo") is None


def test_the_input_waits_for_the_command() -> None:
    action = Action("mark", "secret", b"payload", 100)
    assert action.feed(b"lecture\nmark-sudo", True).data == b"secret\n"
    assert action.feed(b"\nmark g", True) is None
    sent = action.feed(b"o\nerr", True)
    assert sent and (sent.data, sent.last) == (b"mark 7\npayload", True)
    assert (action.errors, action.runs) == (b"err", True)


def test_a_password_is_hidden_in_every_form() -> None:
    import base64
    import html
    import json
    import shlex
    from urllib.parse import quote

    from anywhere.held import hold

    secret = 'Pl4nted "q\'uote" <&> ü%'
    hold(secret)
    basic = base64.b64encode(f"user:{secret}".encode()).decode()
    for text in (secret, json.dumps(secret), json.dumps(json.dumps(secret)), quote(secret), html.escape(secret), basic):
        assert "Pl4nted" not in redact(f"a {text} b"), text
        assert redact(f"a {text} b") != f"a {text} b"
    assert "Pl4nted" not in redact(shlex.join(["x", secret]))
    hold("x1")
    assert redact("x1 ax1b") == "*** ax1b"


def test_a_stuck_sudo_is_left_after_a_while(room: Path) -> None:
    """As with a second factor: what it asks for is no password, and gets none."""
    started = time.monotonic()
    pam = room / "pam"
    pam.write_text("auth required pam_exec.so stdout /bin/sleep 60\naccount required pam_permit.so\n")
    with serving(Server(room / "pam2", accounts=[_account("one", ALL)])) as server:
        pids = server.pids()
        assert pids
        os.system(f"nsenter -t {pids[0]} -m mount --bind {pam} /etc/pam.d/sudo")
        host = server.open("one", budget=20, become_password=RIGHT)
        inventory = host.inventory()
        assert not inventory.is_root
        assert "did not finish within 5 s" in inventory.refused
        assert time.monotonic() - started < within(20)
