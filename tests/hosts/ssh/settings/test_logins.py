"""What ssh_config says of keys, host keys and ways, against a real sshd; `ssh` with the same file is the measure."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from anywhere.errors import HostUnreachable
from anywhere.hosts.ssh.login import login
from anywhere.hosts.target import SSHOptions, SSHTarget
from tests.support.ssh.sshd import Server, keygen, serving

MAX_TRIES = 3
region = pytest.mark.region


@dataclass(frozen=True)
class Reach:
    """The host `web1` under some lines of ssh_config."""

    server: Server
    config: Path
    more: str = ""

    def write(self, text: str) -> SSHOptions:
        place = f"Host web1\n HostName 127.0.0.1\n Port {self.server.port}\n User root\n"
        self.config.write_text(f"{place}{text}\n{self.more}")
        return SSHOptions(config=(str(self.config),), connect_timeout=10)

    def by_us(self, text: str, host: str = "web1", *, accept_new: bool = False) -> str:
        """Empty where the login succeeds, else why not and what to do."""
        try:
            login(SSHTarget(host), replace(self.write(text), accept_new=accept_new), 10).close()
        except HostUnreachable as error:
            return f"{error} | {error.remedy}"
        return ""

    def by_ssh(self, text: str) -> bool:
        self.write(text)
        done = subprocess.run(["ssh", "-F", self.config, "-o", "BatchMode=yes", "web1", "true"], capture_output=True)
        return done.returncode == 0


@pytest.fixture(scope="module")
def server(shared_room: Path) -> Iterator[Server]:
    with serving(Server(shared_room, f"MaxAuthTries {MAX_TRIES}")) as found:
        yield found


@pytest.fixture
def reach(server: Server, tmp_path: Path) -> Reach:
    return Reach(server, tmp_path / "config")


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Iterator[None]:
    """More keys than the host allows, the right one last."""
    path = str(tmp_path / "agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL) as process:
        while not os.path.exists(path):
            time.sleep(0.01)
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        for key in (*(keygen(tmp_path / f"key{number}") for number in range(4)), server.key):
            subprocess.run(["ssh-add", "-q", key], check=True, capture_output=True)
        yield
        process.terminate()


def key_of(path: Path) -> str:
    return " ".join(Path(f"{path}.pub").read_text().split()[:2])


LOGINS = [
    "PKCS11Provider /usr/lib/none.so",
    "CASignatureAlgorithms ecdsa-sha2-nistp256",
    "EnableSSHKeysign yes",
    "ForwardAgent $NOT_SET_ANYWHERE",
    "BindInterface lo",
    "HostKeyAlias rack\n UserKnownHostsFile FOLDER/rack",
    "HostKeyAlias rack\n UserKnownHostsFile FOLDER/rack-port",
    "UserKnownHostsFile /dev/null\n KnownHostsCommand /bin/sh -c \"echo '%H' '$0'\" KEY",
    "UserKnownHostsFile /dev/null\n KnownHostsCommand /bin/false",
    "RevokedHostKeys FOLDER/revoked",
    "RevokedHostKeys FOLDER/missing",
    "RevokedHostKeys FOLDER/others",
]


@region
@pytest.mark.parametrize("lines", LOGINS)
def test_a_login_succeeds_where_that_of_ssh_does(reach: Reach, tmp_path: Path, lines: str) -> None:
    key = key_of(reach.server.host_key)
    other = key_of(keygen(tmp_path / "other"))
    texts = {"rack": f"rack {key}", "rack-port": f"[rack]:{reach.server.port} {key}", "revoked": key, "others": other}
    for name, text in texts.items():
        (tmp_path / name).write_text(f"{text}\n")
    text = f" IdentityFile {reach.server.key}\n {lines}".replace("FOLDER", str(tmp_path)).replace("KEY", key)
    text += f"\n UserKnownHostsFile {reach.server.known_hosts}\n"
    assert bool(reach.by_us(text)) != reach.by_ssh(text)


@region
@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("named", ["KEY", "KEY.pub"])
def test_the_agents_keys_that_are_named_come_first(reach: Reach, named: str) -> None:
    text = f" UserKnownHostsFile {reach.server.known_hosts}\n"
    assert "MaxAuthTries" in reach.by_us(text + " IdentityFile /none\n")
    text += f" IdentityFile {named}\n".replace("KEY", str(reach.server.key))
    assert reach.by_ssh(text)
    assert not reach.by_us(text)


@region
@pytest.mark.parametrize("held", ["file", "agent", "agent and default name"])
@pytest.mark.parametrize("lines", ["", " CertificateFile /none-cert.pub\n", " CertificateFile APART\n"])
def test_a_certificate_counts_for_the_key_wherever_that_is(
    room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: None, held: str, lines: str
) -> None:
    """The key that a host knows is that of the authority; the user's may be locked, and in the agent."""
    ca, home = keygen(tmp_path / "ca"), tmp_path / ".ssh"
    home.mkdir()
    key = keygen(home / "id_ed25519")
    subprocess.run(["ssh-keygen", "-q", "-s", ca, "-I", "x", "-n", "root", f"{key}.pub"], check=True)
    if "APART" in lines:
        Path(f"{key}-cert.pub").rename(tmp_path / "apart")
    if held != "file":
        subprocess.run(["ssh-add", "-q", "-D"], check=True, capture_output=True)
        subprocess.run(["ssh-add", "-q", key], input=b"", check=True, capture_output=True)
        subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", key], check=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    lines += "" if "default" in held else f" IdentityFile {key}\n"
    server = Server(room / "certified", f"TrustedUserCAKeys {ca}.pub")
    (server.folder / "authorized_keys").write_text("")
    with serving(server):
        text = lines.replace("APART", str(tmp_path / "apart")) + f" UserKnownHostsFile {server.known_hosts}\n"
        assert not Reach(server, tmp_path / "config").by_us(text)


@region
@pytest.mark.parametrize("value", ["none", "/nowhere/key", "NOKEY"])
def test_where_key_files_are_named_no_other_is_offered(
    reach: Reach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """The default key would get in."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_bytes(reach.server.key.read_bytes())
    (tmp_path / "nokey").write_text("PuTTY-User-Key-File-3: ssh-ed25519\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    text = f" UserKnownHostsFile {reach.server.known_hosts}\n"
    assert not reach.by_us(text)
    assert "no key to log in with" in reach.by_us(
        text + f" IdentityFile {value}\n".replace("NOKEY", str(tmp_path / "nokey"))
    )


@region
def test_an_address_that_another_host_had_is_nothing_against_a_new_name(reach: Reach, tmp_path: Path) -> None:
    """The key that known_hosts has for the address is the old host's; the name decides (ssh_config(5), CheckHostIP)."""
    (tmp_path / "known").write_text(f"[127.0.0.1]:{reach.server.port} {key_of(keygen(tmp_path / 'other'))}\n")
    place = f"Host web1\n HostName localhost\n AddressFamily inet\n UserKnownHostsFile {tmp_path}/known\n"
    reach.config.write_text(f"{place} Port {reach.server.port}\n User root\n IdentityFile {reach.server.key}\n")
    options = SSHOptions(config=(str(reach.config),))
    with pytest.raises(HostUnreachable, match="is not in known_hosts"):
        login(SSHTarget("web1"), options, 10)
    login(SSHTarget("web1"), replace(options, accept_new=True), 10).close()
    assert f"[localhost]:{reach.server.port} " in (tmp_path / "known").read_text()


@region
@pytest.mark.parametrize(("lines", "name"), [("HostKeyAlias rack", "rack"), ("", "[127.0.0.1]:PORT")])
def test_a_new_key_is_stored_under_the_name_that_ssh_looks_for(
    reach: Reach, tmp_path: Path, lines: str, name: str
) -> None:
    known = tmp_path / "known"
    text = f" IdentityFile {reach.server.key}\n {lines}\n UserKnownHostsFile {known}\n HashKnownHosts yes\n"
    assert not reach.by_us(text, accept_new=True)
    assert reach.by_ssh(text)
    assert known.read_text().startswith("|1|")
    name = name.replace("PORT", str(reach.server.port))
    assert subprocess.run(["ssh-keygen", "-F", name, "-f", known], capture_output=True).returncode == 0


@region
def test_a_user_without_known_hosts_writes_to_none(reach: Reach, tmp_path: Path) -> None:
    text = f" IdentityFile {reach.server.key}\n UserKnownHostsFile none\n GlobalKnownHostsFile {tmp_path}/system\n"
    assert not reach.by_us(text, accept_new=True)
    assert not (tmp_path / "system").exists()


@region
@pytest.mark.parametrize("kind", ["ecdsa", "rsa", "ed25519"])
@pytest.mark.parametrize("accept_new", [False, True])
def test_a_host_that_was_rebuilt_has_a_changed_key_of_whatever_type(
    reach: Reach, tmp_path: Path, kind: str, accept_new: bool
) -> None:
    """The host has an Ed25519 key alone, known_hosts another one."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", tmp_path / "old"], check=True)
    (tmp_path / "known").write_text(f"[127.0.0.1]:{reach.server.port} {key_of(tmp_path / 'old')}\n")
    text = f" IdentityFile {reach.server.key}\n UserKnownHostsFile {tmp_path}/known\n"
    assert "is not the one in known_hosts" in reach.by_us(text, accept_new=accept_new)
    assert "is not the one in known_hosts" in reach.by_us(text + " HostKeyAlgorithms +ssh-rsa\n", accept_new=accept_new)
    assert "is not the one in known_hosts" in reach.by_us(text + " HostKeyAlgorithms -ecdsa*\n", accept_new=accept_new)
    assert "`HostKeyAlgorithms -ssh-ed*`" in reach.by_us(text + " HostKeyAlgorithms -ssh-ed*\n")


@region
@pytest.mark.parametrize("accept_new", [False, True])
def test_an_old_host_has_a_key_that_ssh_takes_only_where_that_is_allowed(
    room: Path, tmp_path: Path, accept_new: bool
) -> None:
    server = Server(room / "old", "HostKeyAlgorithms ssh-rsa")
    for path in (server.host_key, Path(f"{server.host_key}.pub")):
        path.unlink()
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", server.host_key], check=True)
    with serving(server):
        old = Reach(server, tmp_path / "config")
        text = f" IdentityFile {server.key}\n UserKnownHostsFile {tmp_path}/known\n"
        said = old.by_us(text, accept_new=accept_new)
        assert "no common server host key algorithm: the host offers only ssh-rsa" in said
        assert "`HostKeyAlgorithms +ssh-rsa`" in said
        assert not old.by_us(text + " HostKeyAlgorithms +ssh-rsa\n", accept_new=True)


@region
def test_an_algorithm_that_only_ssh_has_is_named(reach: Reach) -> None:
    said = reach.by_us(" KexAlgorithms sntrup761x25519-sha512@openssh.com\n")
    assert "~/.ssh/config has `KexAlgorithms sntrup761x25519-sha512@openssh.com`" in said
    assert "`KexAlgorithms +curve25519-sha256`" in said


# --- a connection that ssh has open ------------------------------------------------------------------------------


@pytest.fixture
def master(reach: Reach, tmp_path: Path) -> Iterator[str]:
    """Lines of the jump host `gate`, to which only the connection that is open leads."""
    path, server = tmp_path / "master", reach.server
    argv = ["ssh", "-F", "/dev/null", "-N", "-M", "-S", str(path), "-i", str(server.key), "-p", str(server.port)]
    argv += ["-o", f"UserKnownHostsFile={server.known_hosts}", "root@127.0.0.1"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as process:
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.02)
        yield f"Host gate\n HostName 127.0.0.1\n Port {server.port}\n User root\n IdentityFile none\n ControlPath {path}\n"
        process.terminate()


@region
def test_a_jump_host_is_reached_by_the_connection_that_ssh_has_open(
    reach: Reach, master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may want a code that only a person has."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with ExitStack() as stack:
        behind = stack.enter_context(serving(Server(tmp_path / "behind")))
        both = f" UserKnownHostsFile {behind.known_hosts} {reach.server.known_hosts}\n"
        reach = Reach(behind, tmp_path / "config", master + both)
        text = f" IdentityFile {behind.key}\n ProxyJump gate\n{both}"
        assert reach.by_ssh(text)
        assert not reach.by_us(text)
    said = reach.by_us(text)
    assert said.startswith("web1: the open connection to the jump host gate did not carry it: ")
    assert f"only ssh can use the connection that it has open ({tmp_path}/master)" in reach.by_us(text, "gate")
    assert "`ssh -o ControlPath=none -F" in reach.by_us(text, "gate")


@region
def test_a_jump_host_that_refuses_is_asked_once(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand refused logins lock an account."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    place = f" HostName 127.0.0.1\n Port {reach.server.port}\n User guest\n IdentityFile none\n"
    reach = replace(reach, more=f"Host gate\n{place} UserKnownHostsFile {reach.server.known_hosts}\n")

    def connections() -> int:
        return (reach.server.folder / "log").read_text().count("Invalid user guest from")

    reach.write("")
    before = connections()
    said = {reach.by_us(" ProxyJump gate\n") for _ in range(3)}
    assert len(said) == 1
    assert said.pop().startswith("jump host gate: login refused")
    assert connections() == before + 1
