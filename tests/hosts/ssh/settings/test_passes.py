"""ssh_config in the order of OpenSSH: files that are included, tokens when all is read, a second pass, the full name."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asyncssh.config import ConfigParseError

from anywhere.hosts.ssh.failures import Attempt
from anywhere.hosts.ssh.login import _settings
from anywhere.hosts.ssh.settings import canonical, reading
from anywhere.hosts.ssh.settings.bound import given
from anywhere.hosts.target import SSHOptions, SSHTarget
from tests.support.pace import within


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., reading.Config]:
    """Write files; what the first says of web1."""

    def read(text: str, host: str = "web1", **more: str) -> reading.Config:
        for name, content in {"config": text, **more}.items():
            path = tmp_path / name.replace("__", "/.").replace("_", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content.replace("HERE", str(tmp_path)))
        return reading.read([str(tmp_path / "config")], host, "", 0, 5)

    return read


def by_ssh(path: Path, keyword: str) -> str:
    done = subprocess.run(["ssh", "-G", "-F", str(path), "web1"], capture_output=True, text=True, check=True)
    return next(line.partition(" ")[2] for line in done.stdout.splitlines() if line.startswith(f"{keyword} "))


def test_included_files_come_in_the_order_of_their_names_and_hidden_ones_not(
    files: Callable[..., reading.Config], tmp_path: Path
) -> None:
    names = {f"conf.d_{number:02}": f"User u{number:02}\n" for number in range(20, 0, -1)}
    found = files("Include HERE/conf.d/*\n", **names, **{"conf.d__01.swp": "b0VIM \x00\x01\nUser vim\n"})
    assert found.get("User") == "u01" == by_ssh(tmp_path / "config", "user")


def test_files_that_include_each_other_are_one_line(files: Callable[..., reading.Config]) -> None:
    with pytest.raises(ConfigParseError, match="include each other"):
        files("Include HERE/config\n")


def test_tokens_are_filled_in_when_everything_is_read(files: Callable[..., reading.Config]) -> None:
    found = files(
        "Include HERE/x\nHost web1\n HostName 10.0.0.9\n User bob\n",
        x="IdentityFile /k/%h-%r-%n-%k-%%p\nProxyCommand nc %h %p\nControlPath /c/%k-%%\n",
    )
    assert found.get("IdentityFile") == ["/k/10.0.0.9-bob-web1-web1-%p"]
    assert (found.get("ProxyCommand"), found.get("ControlPath")) == ("nc 10.0.0.9 22", "/c/web1-%")


def test_a_command_of_an_inventory_gets_the_address_that_ssh_config_names(tmp_path: Path) -> None:
    """Its line comes before the files, and names %h."""
    (tmp_path / "config").write_text("Host web1\n HostName 10.0.0.9\n Port 2222\n")
    line = given(["ProxyCommand ssh -W %h:%p gate%%1"])
    found = reading.read([line, str(tmp_path / "config")], "web1", "", 0, 5)
    assert found.get("ProxyCommand") == "ssh -W 10.0.0.9:2222 gate%1"


def test_a_command_of_match_is_run_once_and_ends_with_the_time(
    files: Callable[..., reading.Config], tmp_path: Path
) -> None:
    path = tmp_path / "config"
    files(f'Match exec "echo x >> {tmp_path}/count"\n Port 2222\n')
    settings, _ = _settings(SSHTarget("web1"), SSHOptions(config=(str(path),)), Attempt(5))
    assert settings.port == 2222
    assert (tmp_path / "count").read_text() == "x\n" * 2  # by `files`, and by the login
    path.write_text('Match exec "sleep 60"\n Port 2222\n')
    started = time.monotonic()
    with pytest.raises(ConfigParseError, match="did not end in time: sleep 60"):
        reading.read([str(path)], "web1", "", 0, 0.5)
    assert time.monotonic() - started < within(2)


@pytest.fixture
def domains(monkeypatch: pytest.MonkeyPatch) -> None:
    """A nameserver that knows web1.lab.test, with a CNAME."""

    def ask(name: str, *_: object) -> list[tuple[Any, ...]]:
        if name != "web1.lab.test.":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "r1.rack.test", ("192.0.2.1", 0))]

    monkeypatch.setattr(canonical.socket, "getaddrinfo", ask)


CANONICAL = "CanonicalizeHostname yes\nCanonicalDomains office.test lab.test\n"


@pytest.mark.usefixtures("domains")
@pytest.mark.parametrize(
    ("lines", "host"),
    [
        ("", "web1.lab.test"),
        ("CanonicalizePermittedCNAMEs *.lab.test:*.rack.test\n", "r1.rack.test"),
        ("CanonicalizePermittedCNAMEs *.office.test:*.rack.test\n", "web1.lab.test"),
        ("CanonicalizeMaxDots 0\n", "web1.lab.test"),
        ("HostName 192.0.2.9\n", "192.0.2.9"),
        ("ProxyJump gate\n", "web1"),
        ("HostName db.office.example\n", "db.office.example"),
    ],
)
def test_the_full_name(files: Callable[..., reading.Config], lines: str, host: str) -> None:
    found = files(CANONICAL + lines + "Host *.test\n User full\nMatch originalhost web1\n Port 2222\n")
    assert (found.host, found.get("Port")) == (host, 2222)
    assert found.get("User") == ("full" if host.endswith(".test") else None)
    assert not found.get("CanonicalizeHostname")


@pytest.mark.usefixtures("domains")
def test_a_name_that_no_domain_knows(files: Callable[..., reading.Config]) -> None:
    assert files(CANONICAL, host="db1").host == "db1"
    with pytest.raises(ConfigParseError, match="no domain of CanonicalDomains knows db1"):
        files(CANONICAL + "CanonicalizeFallbackLocal no\n", host="db1")


def test_a_file_of_a_thousand_hosts_is_taken_apart_once(files: Callable[..., reading.Config]) -> None:
    """A fleet's own file, read for each of its hosts."""
    text = "".join(
        f"Host web{number}\n HostName 10.0.{number // 250}.{number % 250}\n Port 22\n" for number in range(1000)
    )
    files(text)
    started = time.monotonic()
    found = [files(text, f"web{number}").host for number in range(0, 1000, 20)]
    assert found[-1] == "10.0.3.230"
    assert time.monotonic() - started < within(1)


def test_a_user_without_a_name_is_one_line(
    files: Callable[..., reading.Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1000710000")

    monkeypatch.setattr(reading.getpass, "getuser", nobody)
    with pytest.raises(ValueError, match="set LOGNAME"):
        files("User bob\n")
