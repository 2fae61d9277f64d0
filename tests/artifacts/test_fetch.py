"""`anywhere artifacts` against the region's package buckets: fetched, resumed, verified, and refused by its own reason."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anywhere.errors import BadInput
from anywhere.flows.lifecycle.artifacts import kind_of
from tests.region import Region
from tests.region.site import Site

region = [
    pytest.mark.region,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not (shutil.which("gpg") and shutil.which("dpkg-deb")), reason="needs gpg and dpkg"),
]


@pytest.mark.parametrize(
    ("distro", "kind"),
    [
        *[(name, "deb") for name in ("debian", "debian-12", "Ubuntu-22.04", "raspbian", "deb")],
        *[
            (name, "rpm")
            for name in ("rhel9", "rhel-8.10", "amzn2023", "amzn2", "fedora", "sles15", "centos", "rocky", "rpm")
        ],
    ],
)
def test_distributions_by_name(distro: str, kind: str) -> None:
    assert kind_of(distro) == kind


@pytest.mark.parametrize("distro", ["", "windows", "alpine", "debain"])
def test_distributions_without_a_package(distro: str) -> None:
    with pytest.raises(BadInput):
        kind_of(distro)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Region() as made, Site(made) as site:
        site.publish("amd64")
        yield site


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path.cwd() / f".artifacts-{os.getpid()}"  # survives outside the region's host
    shutil.rmtree(path, ignore_errors=True)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def fetch(site: Site, folder: Path, *more: str, own: bool = True) -> subprocess.CompletedProcess[str]:
    ring = ["--keyring", str(site.keyring)] if own else []
    words = ["fetch", "--region", "us-east-1", "--distro", "debian", "--to", str(folder), *ring, *more]
    return site.region.run([sys.executable, "-m", "anywhere", "artifacts", *words])


def verify(site: Site, folder: Path) -> subprocess.CompletedProcess[str]:
    words = ["verify", str(folder), "--keyring", str(site.keyring), "--format", "json"]
    return site.region.run([sys.executable, "-m", "anywhere", "artifacts", *words])


class TestInTheRegion:
    pytestmark = region

    def test_fetched_once_and_verified(self, site: Site, folder: Path) -> None:
        done = fetch(site, folder)
        assert done.returncode == 0, done.stderr
        names = {path.name for path in folder.iterdir()}
        assert "manifest.json" in names and len(names) == 5 and not [name for name in names if name.endswith(".part")]
        asked = len(site.control.calls("GetObject"))
        assert fetch(site, folder).returncode == 0
        assert len(site.control.calls("GetObject")) == asked, "what is there is not fetched again"
        rows = json.loads(verify(site, folder).stdout)["artifacts"]
        assert all(row["ok"] and row["source"] == str(site.keyring) for row in rows)

    def test_without_the_keyring_nobody_vouches(self, site: Site, folder: Path) -> None:
        done = fetch(site, folder, own=False)
        assert done.returncode == 1 and "neither pinned nor in --keyring" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert not (folder / "manifest.json").exists()

    @pytest.mark.parametrize("how", ["reset", "close", "truncate"])
    def test_a_download_that_is_cut_goes_on(self, site: Site, folder: Path, how: str) -> None:
        site.control.fail("GetObject", how=how, count=2)
        done = fetch(site, folder)
        site.control.heal()
        assert done.returncode == 0, done.stderr
        assert verify(site, folder).returncode == 0

    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            ({"how": "page"}, "a proxy or portal answered"),
            ({"error": "AccessDenied", "status": 403}, "HTTP 403"),
            ({"error": "SlowDown", "status": 503}, "HTTP 503"),
        ],
    )
    def test_what_does_not_come_has_its_own_reason(
        self, site: Site, folder: Path, fault: dict[str, str], said: str
    ) -> None:
        site.control.fail("GetObject", **fault)
        done = fetch(site, folder)
        site.control.heal()
        assert done.returncode == 1 and said in done.stderr, done.stderr
        assert fetch(site, folder).returncode == 0, "and afterwards it goes on"

    def test_a_damaged_folder(self, site: Site, folder: Path) -> None:
        assert fetch(site, folder).returncode == 0
        deb = next(folder.glob("amazon-ecs*.deb"))
        good = deb.read_bytes()
        for bad, reason in ((good[:-9], "truncated"), (good[:-9] + b"x" * 9, "bad-signature")):
            deb.write_bytes(bad)
            done = verify(site, folder)
            assert done.returncode == 1
            assert [row["reason"] for row in json.loads(done.stdout)["artifacts"] if not row["ok"]] == [reason]
        deb.unlink()
        assert verify(site, folder).returncode == 1
        (folder / "manifest.json").write_text('{"schema": "anywhere/artifacts/1", "artifacts": [{"name": "../x"}]}')
        assert verify(site, folder).returncode == 2
