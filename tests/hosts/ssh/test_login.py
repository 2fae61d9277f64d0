"""Logging in as OpenSSH does: host keys, agent, certificates, ssh_config, jump hosts; and servers that misbehave."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from anywhere.errors import BadInput, HostUnreachable
from anywhere.hosts.open import open_live
from anywhere.hosts.ssh.login import login
from anywhere.hosts.target import SSHOptions, SSHTarget, parse_target
from tests.support.pace import within
from tests.support.ssh.sshd import Account, Server, free_port, keygen, serving

region = pytest.mark.region


@pytest.fixture(scope="module")
def server(shared_room: Path) -> Iterator[Server]:
    accounts = [Account("nologin", shell="/usr/sbin/nologin"), Account("deploy")]
    with serving(Server(shared_room, accounts=accounts)) as running:
        yield running


def reach(server: Server, options: SSHOptions, user: str = "root", host: str = "") -> str:
    """What a login says: `root` and so on."""
    target = SSHTarget(host, user) if host else server.target(user)
    connection = login(target, options, 10)
    try:
        return connection.execute("id -un").stdout.decode().strip()
    finally:
        connection.close()


def refusal(server: Server, options: SSHOptions, user: str = "root") -> HostUnreachable:
    with pytest.raises(HostUnreachable) as caught:
        reach(server, options, user)
    assert caught.value.remedy[0].isupper() and caught.value.remedy.endswith(".")
    assert caught.value.exit_code == 3
    return caught.value


# --- host keys ---------------------------------------------------------------------------------------------------


@region
def test_an_unknown_host_key_is_refused(server: Server, tmp_path: Path) -> None:
    error = refusal(server, replace(server.options, known_hosts=(str(tmp_path / "none"),)))
    assert error.code == "host.unreachable"
    assert "not in known_hosts" in str(error)
    assert "--ssh-accept-new" in error.remedy
    assert not (tmp_path / "none").exists()


@region
def test_a_new_host_key_is_stored_where_that_is_allowed_and_checked_from_then_on(
    server: Server, tmp_path: Path
) -> None:
    known = tmp_path / "folder" / "known_hosts"
    options = replace(server.options, known_hosts=(str(known),), accept_new=True)
    assert reach(server, options) == "root"
    assert reach(server, options) == "root"
    lines = known.read_text().splitlines()
    assert [line.split()[0] for line in lines] == [f"[127.0.0.1]:{server.port}"]
    assert lines[0].split()[1] == "ssh-ed25519"
    assert known.stat().st_mode & 0o777 == 0o600
    found = subprocess.run(["ssh-keygen", "-F", f"[127.0.0.1]:{server.port}", "-f", known], capture_output=True)
    assert found.returncode == 0
    assert reach(server, replace(options, accept_new=False)) == "root"


@region
@pytest.mark.parametrize("accept_new", [False, True])
def test_a_changed_host_key_is_never_accepted(server: Server, tmp_path: Path, accept_new: bool) -> None:
    other = Path(f"{keygen(tmp_path / 'other')}.pub").read_text().split()
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {other[0]} {other[1]}\n")
    error = refusal(server, replace(server.options, known_hosts=(str(known),), accept_new=accept_new))
    assert "not the one in known_hosts" in str(error)
    assert f"ssh-keygen -f {known} -R '[127.0.0.1]:{server.port}'" in error.remedy


@region
def test_a_revoked_host_key_is_never_accepted(server: Server, tmp_path: Path) -> None:
    key = Path(f"{server.host_key}.pub").read_text().split()
    known = tmp_path / "known_hosts"
    known.write_text(f"@revoked * {key[0]} {key[1]}\n[127.0.0.1]:{server.port} {key[0]} {key[1]}\n")
    assert "revoked" in str(refusal(server, replace(server.options, known_hosts=(str(known),), accept_new=True)))


@region
@pytest.mark.parametrize(
    "place", ["*", "127.0.0.*", "127.0.0.1", "[127.0.0.1]:PORT", "[127.0.0.*]:*", "hashed", "hashed port"]
)
@pytest.mark.parametrize("beside", ["", "[127.0.0.1]:PORT OTHER\n", "@cert-authority * OTHER\n"])
def test_a_key_that_is_only_revoked_is_not_taken_as_new(
    server: Server, tmp_path: Path, place: str, beside: str
) -> None:
    kind, text, *_ = Path(f"{server.host_key}.pub").read_text().split()
    other = " ".join(Path(f"{keygen(tmp_path / 'other')}.pub").read_text().split()[:2])
    known = tmp_path / "known_hosts"
    if place.startswith("hashed"):
        name = f"[127.0.0.1]:{server.port}" if "port" in place else "127.0.0.1"
        known.write_text(f"{name} {kind} {text}\n")
        subprocess.run(["ssh-keygen", "-H", "-f", known], check=True, capture_output=True)
        place = known.read_text().split()[0]
    lines = f"@revoked {place} {kind} {text}\n{beside}".replace("PORT", str(server.port)).replace("OTHER", other)
    known.write_text(lines)
    error = refusal(server, replace(server.options, known_hosts=(str(known),), accept_new=True))
    assert "is revoked in known_hosts" in str(error)
    assert known.read_text() == lines


@region
def test_a_revoked_authority_is_trusted_at_no_port(tmp_path: Path) -> None:
    ca = keygen(tmp_path / "ca")
    certified = Server(tmp_path / "certified", f"HostCertificate {tmp_path}/certified/host_key-cert.pub")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", ca, "-I", "x", "-h", "-n", "127.0.0.1", f"{certified.host_key}.pub"], check=True
    )
    public, known = Path(f"{ca}.pub").read_text(), tmp_path / "known_hosts"
    known.write_text(f"@cert-authority 127.0.0.1 {public}@revoked [127.0.0.1]:{certified.port} {public}")
    with serving(certified):
        assert "revoked" in str(refusal(certified, replace(certified.options, known_hosts=(str(known),))))


@region
@pytest.mark.parametrize("kind", ["zero", "pipe", "large"])
@pytest.mark.parametrize("option", ["identities", "known_hosts", "config", "named by config"])
def test_a_file_without_end_is_not_read(server: Server, tmp_path: Path, option: str, kind: str) -> None:
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "large":
        with path.open("wb") as file:
            file.truncate(1 << 33)
    else:
        path = Path("/dev/zero")
    options = server.options
    if option == "named by config":
        (tmp_path / "config").write_text(f"IdentityFile {path}\n")
        options = replace(options, identities=(), config=(str(tmp_path / "config"),))
    else:
        options = replace(options, **{option: (str(path),)})
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    said = str(refusal(server, options))
    assert str(path) in said or "login refused" in said
    assert time.monotonic() - started < within(3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


@region
def test_a_hashed_known_hosts_and_a_host_certificate(server: Server, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(server.known_hosts.read_text())
    subprocess.run(["ssh-keygen", "-H", "-f", known], check=True, capture_output=True)
    assert reach(server, replace(server.options, known_hosts=(str(known),))) == "root"
    ca = keygen(tmp_path / "ca")
    certified = Server(tmp_path / "certified", f"HostCertificate {tmp_path}/certified/host_key-cert.pub")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", ca, "-I", "x", "-h", "-n", "127.0.0.1", f"{certified.host_key}.pub"], check=True
    )
    known.write_text("@cert-authority * " + Path(f"{ca}.pub").read_text())
    with serving(certified):
        assert reach(certified, replace(certified.options, known_hosts=(str(known),))) == "root"


# --- keys --------------------------------------------------------------------------------------------------------


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    path = str(tmp_path / "agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL) as process:
        while not os.path.exists(path):
            time.sleep(0.01)
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        yield lambda key: subprocess.run(["ssh-add", "-q", key], check=True, capture_output=True) and None
        process.terminate()


@region
def test_a_key_that_the_host_does_not_know(server: Server, tmp_path: Path) -> None:
    error = refusal(server, replace(server.options, identities=(str(keygen(tmp_path / "other")),)))
    assert error.code == "host.permission"
    assert "login refused" in str(error)
    assert "ssh-add" in error.remedy


@region
def test_the_agent_is_asked_and_stands_in_for_a_key_with_a_passphrase(
    server: Server, tmp_path: Path, agent: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert refusal(server, replace(server.options, identities=())).code == "host.permission"
    locked = tmp_path / "locked"
    locked.write_bytes(server.key.read_bytes())
    locked.chmod(0o600)
    agent(server.key)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", locked], check=True, capture_output=True)
    assert reach(server, replace(server.options, identities=())) == "root"
    assert reach(server, replace(server.options, identities=(str(locked),))) == "root"


@region
def test_a_user_certificate(room: Path) -> None:
    ca, key = keygen(room / "ca"), keygen(room / "mine")
    subprocess.run(["ssh-keygen", "-q", "-s", ca, "-I", "me", "-n", "root", f"{key}.pub"], check=True)
    own = Server(room / "certs", f"TrustedUserCAKeys {ca}.pub")
    (own.folder / "authorized_keys").write_text("")
    config = room / "config"
    config.write_text(f"Host *\n  IdentityFile {key}\n  CertificateFile {key}-cert.pub\n")
    with serving(own):
        assert reach(own, replace(own.options, identities=(), config=(str(config),))) == "root"


# --- ssh_config and jump hosts -----------------------------------------------------------------------------------


@region
def test_an_alias_of_ssh_config(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"Host web1\n  HostName 127.0.0.1\n  Port {server.port}\n  User deploy\n  IdentityFile {server.key}\n"
        f"  UserKnownHostsFile {server.known_hosts}\n"
    )
    options = SSHOptions(config=(str(config),))
    connection = login(parse_target("web1"), options, 10)
    assert connection.name == "web1"
    assert connection.execute("id -un").stdout == b"deploy\n"
    connection.close()


@region
def test_a_jump_host_is_logged_in_to_once_for_many_hosts(room: Path) -> None:
    inner = Server(room / "inner", addresses=("127.0.1.1", "127.0.1.2", "127.0.1.3"))
    jump = Server(room / "jump", f"PermitOpen 127.0.1.1:{inner.port} 127.0.1.2:{inner.port} 127.0.1.3:{inner.port}")
    known = room / "known_hosts"
    known.write_text(inner.known_hosts.read_text() + jump.known_hosts.read_text())
    config = room / "config"
    config.write_text(
        f"Host inner*\n  ProxyJump bastion\n  Port {inner.port}\n"
        + "".join(f"Host inner{n}\n  HostName 127.0.1.{n}\n" for n in (1, 2, 3))
        + f"Host bastion\n  HostName 127.0.0.1\n  Port {jump.port}\n"
        + f"Host *\n  User root\n  IdentityFile {inner.key}\n  IdentityFile {jump.key}\n  UserKnownHostsFile {known}\n"
    )
    options = SSHOptions(config=(str(config),))
    with serving(inner), serving(jump):
        threads = [
            threading.Thread(target=lambda n=n: names.append(reach(inner, options, "root", f"inner{n}")))
            for n in (1, 2, 3)
        ]
        names: list[str] = []
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert names == ["root"] * 3
        assert (jump.folder / "log").read_text().count("Accepted publickey") == 1
        assert (inner.folder / "log").read_text().count("Accepted publickey") == 3


@region
def test_a_jump_host_that_is_down_is_named(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(f"Host *\n  ProxyJump root@127.0.0.1:{free_port()}\n")
    with pytest.raises(HostUnreachable, match=r"jump host root@127.0.0.1:\d+: connection refused"):
        login(SSHTarget("db7"), replace(server.options, config=(str(config),)), 5)


@region
def test_a_jump_through_itself_or_in_a_circle(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  ProxyJump 127.0.0.1\n")
    assert reach(server, replace(server.options, config=(str(config),))) == "root"
    config.write_text("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    started = time.monotonic()
    with pytest.raises(HostUnreachable, match="circle"):
        login(SSHTarget("a"), replace(server.options, config=(str(config),)), 5)
    assert time.monotonic() - started < within(2)


@region
def test_a_proxy_command(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "config"
    script = "import socket,sys,threading,os;s=socket.create_connection((sys.argv[1],int(sys.argv[2])));"
    script += (
        "threading.Thread(target=lambda:[s.sendall(d) for d in iter(lambda:os.read(0,65536),b'')],daemon=True).start();"
    )
    script += "[os.write(1,d) for d in iter(lambda:s.recv(65536),b'')]"
    (tmp_path / "pipe.py").write_text(script)
    config.write_text(f"Host *\n  ProxyCommand /usr/bin/env python3 {tmp_path}/pipe.py %h %p\n")
    assert reach(server, replace(server.options, config=(str(config),))) == "root"


def test_a_broken_ssh_config_is_one_line(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  Port none-at-all\n")
    with pytest.raises(HostUnreachable, match="Invalid") as caught:
        login(SSHTarget("127.0.0.1"), SSHOptions(config=(str(config),)), 5)
    assert "\n" not in str(caught.value)


# --- what is no good host ----------------------------------------------------------------------------------------


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Callable[[bytes, bool], SSHTarget]]:
    """Starts a server that sends these bytes to whoever connects, and then closes or stays."""
    sockets: list[socket.socket] = []

    def start(data: bytes, stays: bool) -> SSHTarget:
        listening = socket.create_server(("127.0.0.1", 0))
        sockets.append(listening)

        def serve() -> None:
            while True:
                try:
                    sock, _ = listening.accept()
                except OSError:
                    return
                try:
                    sock.sendall(data)
                except OSError:
                    pass
                if stays:
                    sockets.append(sock)
                else:
                    sock.close()

        threading.Thread(target=serve, daemon=True).start()
        return SSHTarget("127.0.0.1", "root", listening.getsockname()[1])

    yield start
    for sock in sockets:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()


PLAIN = SSHOptions(config=("/dev/null",), known_hosts=("/dev/null",))


def failure(target: SSHTarget, seconds: float = 2) -> str:
    started = time.monotonic()
    with pytest.raises(HostUnreachable) as caught:
        login(target, PLAIN, seconds)
    assert time.monotonic() - started < seconds + within(1)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nothing_listens() -> None:
    assert "connection refused" in failure(SSHTarget("127.0.0.1", "root", free_port()))


def test_a_name_that_is_not_known() -> None:
    assert "cannot resolve the host name no-such-host.invalid" in failure(SSHTarget("no-such-host.invalid"), 5)


@pytest.mark.parametrize(
    ("data", "stays", "said"),
    [
        (b"", True, "no answer within 2 s (SSH handshake)"),
        (b"", False, "the connection was closed (SSH handshake)"),
        (b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", False, "the connection was closed"),
        (b"\x00\xff\x16\x03\x01" * 4000, True, "no SSH server answers"),
        (b"SSH-1.5-old\r\n", True, "no SSH server answers"),
        (b"SSH-2.0-x\r\n" + b"\xff" * 5000, True, "no SSH server answers"),
        (b"SSH-2.0-x\r\n", True, "no answer within 2 s"),
        (b"SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a\x14", False, "the connection was closed"),
        (b"a line before the banner\r\n" * 5000, True, "no SSH server answers"),
        (b"Not allowed at this time\r\n", False, "the connection was closed"),
    ],
)
def test_a_server_that_is_no_sshd(
    listener: Callable[[bytes, bool], SSHTarget], data: bytes, stays: bool, said: str
) -> None:
    assert said in failure(listener(data, stays))


@region
def test_a_user_without_a_shell(server: Server) -> None:
    host = server.open("nologin")
    with pytest.raises(HostUnreachable, match="no shell answers: This account is currently not available"):
        host.inventory()


@region
def test_a_forced_command_is_said(room: Path) -> None:
    with serving(Server(room / "forced", "ForceCommand echo only backups here")) as server:
        host = server.open()
        with pytest.raises(HostUnreachable, match="no shell answers: only backups here"):
            host.read("/etc/hostname")


@region
@pytest.mark.second_try(reason="once in many runs dropbear closes a channel before it has sent the exit status")
def test_dropbear_is_as_good(room: Path) -> None:
    server = Server(room / "keys")
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", room / "host"], check=True, capture_output=True)
    home = room / "home"
    (home / ".ssh").mkdir(parents=True)
    home.chmod(0o700)
    (home / ".ssh").chmod(0o700)
    (home / ".ssh" / "authorized_keys").write_text(Path(f"{server.key}.pub").read_text())
    (home / ".ssh" / "authorized_keys").chmod(0o600)
    passwd = room / "passwd"
    passwd.write_text(f"root:x:0:0::{home}:/bin/sh\n")
    (room / "shadow").write_text("root:*:19000:0:99999:7:::\n")
    script = (
        f"mount --bind {passwd} /etc/passwd; mount --bind {room}/shadow /etc/shadow; chown root {home} {home}/.ssh; "
    )
    script += f"exec dropbear -F -E -s -r {room}/host -p 127.0.0.1:{server.port} -P {room}/pid"
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            options = replace(server.options, known_hosts=(str(room / "known"),), accept_new=True)
            host = _patiently(lambda: open_live(server.target(), 6, options))
            host.prefetch([("uname", "-s")], ["/etc/hostname"], ["/etc"])
            assert host.run(("uname", "-s")).stdout == "Linux\n"
            assert host.read("/etc/hostname") == Path("/etc/hostname").read_bytes()
            assert host.run(["cat"], input=b"given").stdout == "given"
            assert host.inventory().cpus == os.cpu_count()
        finally:
            process.kill()


def _patiently(work: Callable[[], object]) -> object:
    for _ in range(50):
        try:
            return work()
        except HostUnreachable:
            time.sleep(0.1)
    return work()


# --- how hosts are written ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("web1", SSHTarget("web1")),
        ("root@web1", SSHTarget("web1", "root")),
        ("root@web1:2222", SSHTarget("web1", "root", 2222)),
        ("10.0.0.1:22", SSHTarget("10.0.0.1", "", 22)),
        ("::1", SSHTarget("::1")),
        ("root@[2001:db8::1]:22", SSHTarget("2001:db8::1", "root", 22)),
        ("ssh://root@web1:22", SSHTarget("web1", "root", 22)),
        ("first.last@web-1.example.com", SSHTarget("web-1.example.com", "first.last")),
    ],
)
def test_a_target(text: str, target: SSHTarget) -> None:
    assert parse_target(text) == target
    assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@web1",
        "root@",
        "web1:0",
        "web1:99999",
        "web1:port",
        "-oProxyCommand=x",
        "root@-oX",
        "we b1",
        "a;b",
        "-l@web",
    ]
    + ["web1:22:22x", "[::1", "ü"],
)
def test_no_target(text: str) -> None:
    with pytest.raises(BadInput):
        parse_target(text)
