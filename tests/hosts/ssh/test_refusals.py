"""Each kind of failed login in its own words, and ways there that OpenSSH takes too."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from anywhere.errors import HostUnreachable
from anywhere.hosts.ssh import login as module
from anywhere.hosts.ssh.login import login
from anywhere.hosts.target import SSHOptions, SSHTarget
from tests.support.ssh.sshd import Server, keygen, serving

pytestmark = pytest.mark.region
PIPE = """
import socket, sys, threading
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := sys.stdin.buffer.raw.read(65536):
        sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := sock.recv(65536):
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
    print("a warning", file=sys.stderr, flush=True)
"""


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    module._jumps.clear()
    yield
    module._jumps.clear()


def said(server: Server, options: SSHOptions | None = None, host: str = "") -> HostUnreachable:
    target = SSHTarget(host) if host else server.target()
    with pytest.raises(HostUnreachable) as caught:
        login(target, options or server.options, 5).execute("true")
    return caught.value


@pytest.mark.parametrize(
    ("lines", "text", "remedy", "code"),
    [
        (("AllowUsers nobody",), "accepts none of the keys offered for root", "AllowUsers", "permission"),
        (
            ("AuthenticationMethods publickey,keyboard-interactive", "KbdInteractiveAuthentication yes"),
            "also asks root for a code or a password",
            "AuthenticationMethods publickey",
            "permission",
        ),
        (
            ("PubkeyAuthentication no", "PasswordAuthentication yes", "KbdInteractiveAuthentication no"),
            "takes a password, and no key",
            "PubkeyAuthentication yes",
            "permission",
        ),
        (
            ("KexAlgorithms diffie-hellman-group1-sha1",),
            "only diffie-hellman-group1-sha1",
            "KexAlgorithms +",
            "unreach",
        ),
        (
            ("Ciphers aes128-cbc",),
            "encryption algorithm: the host offers only aes128-cbc",
            "Ciphers +aes128",
            "unreach",
        ),
        (("MaxSessions 0",), "sshd gives no session", "MaxSessions", "unreach"),
    ],
)
def test_why_a_login_fails(room: Path, lines: tuple[str, ...], text: str, remedy: str, code: str) -> None:
    with serving(Server(room / "sshd", *lines)) as server:
        error = said(server)
    assert text in str(error)
    assert remedy in error.remedy and error.remedy[0].isupper() and error.remedy.endswith(".")
    assert code in error.code


@pytest.fixture(scope="module")
def server(shared_room: Path) -> Iterator[Server]:
    with serving(Server(shared_room / "plain")) as running:
        yield running


def configured(server: Server, path: Path, *lines: str) -> SSHOptions:
    text = [f"Host {path.name}", " HostName 127.0.0.1", f" Port {server.port}", " User root", *lines]
    path.write_text("\n".join(text) + "\n")
    return replace(server.options, config=(str(path),))


def test_no_key_and_a_key_with_a_passphrase(server: Server, tmp_path: Path) -> None:
    options = configured(server, tmp_path / "t", " IdentityFile ~/none", " IdentitiesOnly yes")
    assert "this computer has no key" in str(said(server, replace(options, identities=()), "t"))
    locked = str(keygen(tmp_path / "locked", "-N", "secret"))
    assert f"({locked} has a passphrase)" in str(said(server, replace(server.options, identities=(locked,))))


def test_more_keys_than_the_host_allows(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent full of keys (MaxAuthTries): ssh itself fails there with "Too many authentication failures"."""
    keys = [keygen(room / f"key{number}") for number in range(4)]
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", room / "agent"], stdout=subprocess.DEVNULL)
    try:
        while not (room / "agent").exists():
            time.sleep(0.02)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(room / "agent"))
        subprocess.run(["ssh-add", "-q", *keys], check=True)
        with serving(Server(room / "sshd", "MaxAuthTries 2")) as server:
            error = said(server)
            assert (error.code, "IdentitiesOnly yes" in error.remedy) == ("host.permission", True)
            lines = (f" IdentityFile {server.key}", " IdentitiesOnly yes")
            options = replace(configured(server, room / "t", *lines), identities=())
            assert login(SSHTarget("t"), options, 5).execute("echo in").stdout == b"in\n"
    finally:
        agent.kill()
        agent.wait()


def test_the_command_to_try_is_one_of_ssh(server: Server, tmp_path: Path) -> None:
    """`ssh host:port` is not: the port is an option."""
    target = SSHTarget("10.0.0.1", "CORP\\bob", 2222, "web1", "/k")
    assert shlex.split(target.by_hand(SSHOptions(config=("/c",)))) == [
        *("ssh", "-F", "/c", "-i", "/k", "-p", "2222", "CORP\\bob@10.0.0.1")
    ]


def test_the_key_to_remove_is_found_under_the_name_it_has(server: Server, tmp_path: Path) -> None:
    kind, key, *_ = Path(f"{keygen(tmp_path / 'other')}.pub").read_text().split()
    (tmp_path / "known").write_text(f"[127.0.0.1]:{server.port} {kind} {key}\n")
    options = configured(server, tmp_path / "t", f" UserKnownHostsFile {tmp_path}/known")
    error = said(server, replace(options, known_hosts=()), "t")
    assert f"ssh-keygen -f {tmp_path}/known -R '[127.0.0.1]:{server.port}'" in error.remedy


@pytest.mark.parametrize(
    "form", ["{}", "sh -c 'exec {} 2>/dev/null'", "{} 2>&1 >&1 2>/dev/null # it's ours", "env A=1 {}"]
)
def test_a_proxy_command_is_run_by_the_shell(server: Server, tmp_path: Path, form: str) -> None:
    (tmp_path / "pipe.py").write_text(PIPE)
    command = form.format(f"{sys.executable} {tmp_path}/pipe.py %h %p")
    options = configured(server, tmp_path / "t", f" ProxyCommand {command}")
    connection = login(SSHTarget("t"), options, 10)
    assert connection.execute("echo in").stdout == b"in\n"
    connection.close()


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("/no/such/program %h", "its ProxyCommand ended (exit code 12"),
        ("sh -c 'echo no way >&2; exit 3'", "its ProxyCommand ended (exit code 3: no way)"),
        ("sleep 30", "no answer within 2 s (ProxyCommand)"),
    ],
)
def test_a_proxy_command_that_fails_is_named(server: Server, tmp_path: Path, command: str, text: str) -> None:
    options = configured(server, tmp_path / "t", f" ProxyCommand {command}")
    with pytest.raises(HostUnreachable) as caught:
        login(SSHTarget("t"), options, 2)
    assert text in str(caught.value)
    assert "ProxyCommand" in caught.value.remedy


@pytest.mark.parametrize("line", ["AllowTcpForwarding no", "PermitOpen 10.9.9.9:1"])
def test_a_jump_host_that_forbids_it(server: Server, room: Path, line: str) -> None:
    jump = Server(room / "jump", line)
    jump.host_key, jump.key = server.host_key, server.key
    with serving(jump):
        options = configured(server, room / "t", " ProxyJump 127.0.0.1:" + str(jump.port))
        known = room / "known"
        jump.trust(server.host_key)
        known.write_text(server.known_hosts.read_text() + jump.known_hosts.read_text())
        error = said(server, replace(options, known_hosts=(str(known),)), "t")
    assert "the jump host does not allow connections to this host" in str(error)
    assert "AllowTcpForwarding" in error.remedy


def test_behind_a_jump_host_a_refusal_is_about_the_host_itself(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "t"
    configured(server, path, f" ProxyJump root@127.0.0.1:{server.port}")
    path.write_text(path.read_text().replace(" User root", " User nobody"))
    error = said(server, replace(server.options, config=(str(path),)), "t")
    assert str(error).startswith("t: login refused: the host accepts none of the keys offered for nobody")


def test_an_address_to_come_from(server: Server, tmp_path: Path) -> None:
    options = configured(server, tmp_path / "t", " BindAddress 127.0.0.9")
    connection = login(SSHTarget("t"), options, 5)
    assert connection.execute("echo $SSH_CLIENT").stdout.startswith(b"127.0.0.9 ")
    connection.close()


def test_no_command_of_a_way_is_left_behind(server: Server, tmp_path: Path) -> None:
    with pytest.raises(HostUnreachable):
        login(SSHTarget("t"), configured(server, tmp_path / "t", f" ProxyCommand sleep 97.{os.getpid()}"), 1)
    until = time.monotonic() + 5
    found = ["pgrep", "-f", f"^sleep 97.{os.getpid()}"]
    while subprocess.run(found, stdout=subprocess.DEVNULL).returncode == 0 and time.monotonic() < until:
        time.sleep(0.05)
    assert subprocess.run(found, stdout=subprocess.DEVNULL).returncode == 1


def test_lines_of_an_inventory_come_before_the_files(server: Server, tmp_path: Path) -> None:
    options = configured(server, tmp_path / "t", " BindAddress 127.0.0.9")
    connection = login(SSHTarget("t", lines=("BindAddress 127.0.0.8",)), options, 5)
    assert connection.execute("echo $SSH_CLIENT").stdout.startswith(b"127.0.0.8 ")
    connection.close()
