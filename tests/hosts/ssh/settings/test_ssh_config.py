"""ssh_config as OpenSSH reads it: the values are those that `ssh -G` of OpenSSH 9.2 prints for the same file."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from anywhere.hosts.ssh.failures import Attempt
from anywhere.hosts.ssh.known_hosts import KnownHosts, Place
from anywhere.hosts.ssh.login import _known_hosts, _settings
from anywhere.hosts.ssh.settings.key_files import sorted_out
from anywhere.hosts.ssh.settings.keywords import expanded
from anywhere.hosts.ssh.settings.own_addresses import own_addresses
from anywhere.hosts.ssh.settings.words import lines, words
from anywhere.hosts.target import SSHOptions, SSHTarget
from tests.support.ssh.sshd import keygen


def read(path: Path, text: str) -> Any:
    path.write_text(text)
    return _settings(SSHTarget("web1"), SSHOptions(config=(str(path),)), Attempt(5))[0]


def seen(path: Path, text: str) -> dict[str, str]:
    """What we make of a file, by the names of `ssh -G`."""
    settings = read(path, text)
    found = {"hostname": settings.host, "port": str(settings.port), "user": settings.username}
    found["proxyjump"] = expanded(settings.config, settings.tunnel or "")
    found["proxycommand"] = settings.config.get("ProxyCommand") or ""
    return {name: value for name, value in found.items() if value}


TEXTS = [
    "Host web1 # bob's\n Port 2222 # odd\n User bob\n",
    "Host web1\n User CORP\\bob\n",
    'Host web1\n User "CORP\\\\bob smith"\n',
    "Host *\n ServerAliveInterval 1m\n ConnectTimeout 10s\n",
    "Host *\n PubkeyAuthentication unbound\n",
    'Match host web1 exec "test %h = web1"\n Port 2222\n',
    'Match host web1 !exec "test %n = web1"\n Port 2222\n',
    "Match host=web1 user=root\n Port 2222\n",
    "Host web1\n HostName web1.internal\nMatch final host *.internal\n Port 2222\n User fin\n",
    "Host=web1\nPort=2222\nUser = bob\n",
    "Host web1\n Port ssh\n",
    'Host web1\n ProxyCommand=nc -q "0" x 22 2>/dev/null # it\'s not ours\n',
    "Host web1\n ProxyCommand sh -c 'nc x 22'\n",
    "Host web1\n ProxyJump bastion\n ProxyCommand nc x 22\n",
    "Host web1\n ProxyCommand nc x 22\n ProxyJump bastion\n",
    "Host web1\n ProxyJump none\nHost *\n ProxyCommand nc x 22\n",
    "Host web1\n ProxyCommand none\nHost *\n ProxyJump bastion\n",
    "Host web1,web2\n Port 2222\n",
    "Host !web1 web*\n Port 2222\n",
    "Host web1\n HostName WEB1.internal\nHost *.internal\n User fin\nMatch final\n Port 2222\n",
    "HostName WEB1.LAB\nMatch host *.Lab originalhost Web1\n Port 2222\n",
    "Match !final\n Port 2222\nMatch final\n User fin\n",
    "Host web1\n CanonicalizeHostname yes\nMatch canonical\n User fin\nMatch final\n Port 2222\n",
    "Host web1\n RemoteCommand tmux attach # it's\n RequestTTY force\n",
]


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_read_as_openssh_reads_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    ours = seen(path, text)
    argv = ["ssh", "-G", "-F", str(path), "web1"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    rows = [line.partition(" ") for line in done.stdout.splitlines()]
    theirs = {
        name: value for name, _, value in rows if name in ("hostname", "port", "user", "proxyjump", "proxycommand")
    }
    assert ours == {name: value for name, value in theirs.items() if value != "none"}


@pytest.mark.parametrize(
    ("criteria", "holds"),
    [
        ("sessiontype exec", True),
        ("sessiontype shell", False),
        ("!sessiontype shell", True),
        ("version OpenSSH_9*", False),
        ("localnetwork 127.0.0.0/8", True),
        ("localnetwork 203.0.113.0/24", False),
    ],
)
def test_criteria_of_newer_releases(tmp_path: Path, criteria: str, holds: bool) -> None:
    """OpenSSH 9.4 and later have them (release notes; readconf.c, match_cfg_line)."""
    settings = read(tmp_path / "config", f"Match {criteria}\n Port 2222\nHost *\n User bob\n")
    assert (settings.port == 2222, settings.username) == (holds, "bob")


def test_tokens_of_a_jump_host_and_of_known_hosts(tmp_path: Path) -> None:
    settings = read(
        tmp_path / "config",
        "Host web1\n User bob\n HostName 10.0.0.9\n HostKeyAlias rack\n ProxyJump %r@gate-%n\n"
        " UserKnownHostsFile /kh/%k /kh/%h\n",
    )
    assert expanded(settings.config, settings.tunnel) == "bob@gate-web1"
    assert _known_hosts(settings.config)[:2] == ("/kh/rack", "/kh/10.0.0.9")
    assert "/etc/ssh/ssh_known_hosts" in _known_hosts(settings.config)


@pytest.mark.parametrize("value", ["SSH_AUTH_SOCK", "$SSH_AUTH_SOCK", "${SSH_AUTH_SOCK}"])
def test_the_agent_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    assert read(tmp_path / "config", f"Host *\n IdentityAgent {value}\n").agent_path == "/run/agent"
    assert not read(tmp_path / "config", "Host *\n IdentityAgent $NOT_SET_ANYWHERE\n").agent_path


def test_key_files_that_serve_and_those_that_do_not(tmp_path: Path) -> None:
    good, locked = keygen(tmp_path / "good"), keygen(tmp_path / "locked", "-N", "secret")
    putty, gone = tmp_path / "key.ppk", keygen(tmp_path / "gone")
    putty.write_text("PuTTY-User-Key-File-3: ssh-ed25519\n")
    gone.unlink()
    paths = [str(path) for path in (good, locked, putty, gone, tmp_path / "none", Path(f"{good}.pub"))]
    files = sorted_out(paths)
    assert (files.private, files.locked, files.unusable) == ((paths[0],), (paths[1],), (paths[2],))
    assert files.public == (f"{gone}.pub", f"{good}.pub")
    text = "Host *\n" + "".join(f" IdentityFile {path}\n" for path in paths)
    assert len(read(tmp_path / "config", text).client_keys) == 1
    only = read(tmp_path / "config", text + " IdentitiesOnly yes\n")
    assert len(only.agent_identities) == 3


def test_words() -> None:
    assert words("a \"b c\" d\\ e 'f' # g") == ["a", "b c", "d e", "f"]
    assert words('x#y \\z "\\""') == ["x#y", "\\z", '"']
    assert words('"open') is None
    assert lines("\ufeff# it's\n\n Port 22 # x\nhost=a 'b\nProxyCommand x # y\nUser") == (
        *((3, "port", ("22",)), (4, "host", None)),
        *((5, "proxycommand", ("x # y",)), (6, "user", ())),
    )


def test_our_own_addresses() -> None:
    assert "127.0.0.1" in own_addresses()


@pytest.mark.parametrize("line", ["web2", "=======", "|1|abc|def KEY", "@foo web2 KEY", "<html>", "\x00\x01"])
def test_a_bad_line_of_known_hosts_hides_no_other(tmp_path: Path, line: str) -> None:
    key = " ".join(Path(f"{keygen(tmp_path / 'key')}.pub").read_text().split()[:2])
    (tmp_path / "known").write_text(f"{line.replace('KEY', key)}\nweb1 {key}\n@revoked web3 {key}\n")
    known = KnownHosts((str(tmp_path / "known"),))
    assert Place(known, "web1", 22).is_known()
    assert not Place(known, "web9", 22).is_known()
    assert known.parsed.match("web3", "10.0.0.3", 22)[2]
