"""Lines that give a proxy to other programs, as the files of each have them."""

from __future__ import annotations

import pytest

from anywhere.facts.ways.elsewhere import LOOK, other_proxy
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
    ],
)
def test_what_is_no_way_out_is_none(row: str) -> None:
    assert found(row) is None
