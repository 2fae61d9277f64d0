"""Lines that give a proxy to other programs, as the files of each have them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from anywhere.errors import NotRecorded
from anywhere.facts.ways.elsewhere import LOOK, other_proxy
from anywhere.hosts.base import Completed
from tests.support.fakehost import FakeHost

URL = "http://proxy.corp.example:3128"


def found(*rows: str) -> tuple[str, bool, str] | None:
    one = other_proxy(FakeHost(commands={LOOK: "".join(f"{row}\n" for row in rows)}))
    return (one.url, one.has_user, one.place) if one else None


@pytest.mark.parametrize(
    "row",
    [
        f"/etc/environment:3:https_proxy={URL}",
        f'/etc/environment:3:HTTPS_PROXY="{URL}/"',
        f"/etc/profile.d/proxy.sh:3:export http_proxy='{URL}'",
        f'/etc/apt/apt.conf.d/80proxy:3:Acquire::http::Proxy "{URL}/";',
        f"/etc/dnf/dnf.conf:3:proxy={URL}",
        f"/etc/wgetrc:3:https_proxy = {URL}/",
    ],
)
def test_a_proxy_is_found_wherever_it_is_written(row: str) -> None:
    assert found(row) == (URL, False, row.rsplit(":3:")[0] + ":3")


def test_a_password_is_not_handed_on() -> None:
    assert found("/etc/environment:1:https_proxy=http://edge:secret@proxy.corp.example:3128") == (
        URL,
        True,
        "/etc/environment:1",
    )


@pytest.mark.parametrize(
    "row",
    [
        '/etc/apt/apt.conf.d/01cache:1:Acquire::http::Proxy "http://10.9.9.9:3142";',
        '/etc/apt/apt.conf.d/01cache:1:Acquire::http::Proxy "DIRECT";',
        "/etc/yum.conf:1:proxy=_none_",
        '/etc/sysconfig/proxy:1:HTTP_PROXY=""',
        "/etc/environment:1:https_proxy=http://proxy.corp.example",
        "no row at all",
        "/etc/environment:1:https_proxy=https://proxy.corp.example:8443",
        "/etc/profile.d/p.sh:1:export http_proxy=http://$PROXY_HOST.corp:3128",
    ],
)
def test_what_is_no_way_out_is_none(row: str) -> None:
    assert found(row) is None


def test_a_proxy_without_a_scheme_gets_one() -> None:
    assert found("/etc/dnf/dnf.conf:5:proxy=***@proxy.corp.example:3128") == (URL, True, "/etc/dnf/dnf.conf:5")


def test_users_and_passwords_stay_on_the_host(tmp_path: Path) -> None:
    file = tmp_path / "dnf.conf"
    file.write_text(
        "proxy=user:S3cretPw@proxy.corp.example:3128\n"
        'https_proxy="http://edge:S3c/r=et@proxy.corp.example:3128"\n'
        f"http_proxy={URL}\n"
    )
    command = LOOK[-1].replace("/etc/dnf/dnf.conf", str(file))
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True).stdout
    rows = [row.partition(":")[2] for row in said.splitlines() if row.startswith(str(file))]
    assert rows == [
        "1:proxy=***@proxy.corp.example:3128",
        '2:https_proxy="http://***@proxy.corp.example:3128"',
        f"3:http_proxy={URL}",
    ]


def test_a_bundle_of_a_version_that_did_not_look_has_none() -> None:
    class Old(FakeHost):
        def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 10.0) -> Completed:
            raise NotRecorded("not in the bundle")

    assert other_proxy(Old()) is None
