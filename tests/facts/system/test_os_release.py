"""os-release in all its shapes, and the dated table of releases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anywhere.catalogue.distros import (
    CHECKED,
    FAMILIES,
    RELEASES,
    DockerSource,
    Listing,
    OsRelease,
    family_of,
    judge_release,
)
from anywhere.facts.system.machine import today
from anywhere.facts.system.os_release import os_release, parse_os_release
from tests.support.fakehost import FakeHost

CASES = Path(__file__).parent.parent.parent / "cases" / "facts"
EXPECTED = json.loads((CASES / "os-release.json").read_text())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_release_file_is_read_and_judged(name: str) -> None:
    expected = EXPECTED[name]
    found = parse_os_release((CASES / "os-release" / name).read_bytes().decode())
    judgement = judge_release(found, "2026-11-22")
    assert (found.id, found.version, found.name) == (expected["id"], expected["version"], expected["name"])
    assert list(judgement.codes) == expected["codes"]
    assert (judgement.family.name if judgement.family else "") == expected["family"]


def test_every_case_file_is_expected() -> None:
    assert sorted(path.name for path in (CASES / "os-release").iterdir()) == sorted(EXPECTED)


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    found = parse_os_release(text)
    assert judge_release(found, "2026-11-22").codes is not None


@given(st.lists(st.sampled_from(["ID=", "VERSION_ID", '"', "'", "\\", "\n", "=", "debian", "#", " ", "12"])))
def test_no_heap_of_its_own_signs_breaks_the_parser(parts: list[str]) -> None:
    parse_os_release("".join(parts))


def test_the_second_place_is_read_where_the_first_is_missing() -> None:
    assert os_release(FakeHost({"/usr/lib/os-release": "ID=debian\n"})).id == "debian"
    assert os_release(FakeHost({"/etc/os-release": None})) == OsRelease()


@pytest.mark.parametrize(
    ("day", "codes"),
    [("2026-08-31", ()), ("2026-09-01", ("os.end-of-life",)), ("", ())],
)
def test_a_release_ends_by_the_hosts_own_clock(day: str, codes: tuple[str, ...]) -> None:
    assert judge_release(OsRelease("debian", "11"), day).codes == codes


def test_an_unknown_clock_has_no_day() -> None:
    assert today(0.0) == ""
    assert today(1_790_000_000) == "2026-09-21"


@pytest.mark.parametrize(
    ("release", "codes", "docker"),
    [
        (OsRelease("rhel", "9.4"), (), DockerSource.BRING_YOUR_OWN),
        (OsRelease("rhel", "10.0"), ("os.unlisted",), DockerSource.BRING_YOUR_OWN),
        (OsRelease("ubuntu", "24.04"), (), DockerSource.DISTRIBUTION),
        (OsRelease("ubuntu", "25.10"), ("os.end-of-life", "os.unlisted"), DockerSource.DISTRIBUTION),
        (OsRelease("ubuntu", "20.04"), ("os.end-of-life",), DockerSource.DISTRIBUTION),
        (OsRelease("sles", "15.4"), ("os.end-of-life",), DockerSource.DISTRIBUTION),
        (OsRelease("sles", "15.7"), (), DockerSource.DISTRIBUTION),
        (OsRelease("fedora", "42"), ("os.end-of-life", "os.unlisted"), DockerSource.REPOSITORY),
        (OsRelease("pop", "22.04", like=("ubuntu", "debian")), ("os.unlisted",), DockerSource.DISTRIBUTION),
        (OsRelease("ol", "9.3", like=("fedora",)), ("os.unlisted",), DockerSource.REPOSITORY),
        (OsRelease("eurolinux", "9.3", like=("rhel", "fedora")), ("os.unlisted",), DockerSource.REPOSITORY),
        (OsRelease("alpine", "3.20.1"), ("os.unsupported",), None),
        (OsRelease("amzn", "2018.03", like=("rhel", "fedora")), ("os.unsupported",), None),
        (OsRelease("postmarketos", "v24.12", like=("alpine",)), ("os.unsupported",), None),
        (
            OsRelease("bluefin", "43", like=("fedora",), variant="silverblue"),
            ("os.known-broken",),
            DockerSource.REPOSITORY,
        ),
        (OsRelease("debian", "12", image_based=True), ("os.known-broken",), DockerSource.DISTRIBUTION),
        (OsRelease("sl-micro", "6.1", like=("suse",)), ("os.known-broken",), DockerSource.DISTRIBUTION),
        (OsRelease("ubuntu-core", "22"), ("os.known-broken",), DockerSource.DISTRIBUTION),
        (OsRelease("windows", "20H2"), ("os.known-broken",), DockerSource.DISTRIBUTION),
        (OsRelease("haiku", "1"), ("os.unknown",), None),
        (OsRelease("", ""), ("os.unknown",), None),
        # Version 1 is neither 10 nor 12.
        (OsRelease("debian", "1"), ("os.unlisted",), DockerSource.DISTRIBUTION),
    ],
)
def test_releases_are_judged(release: OsRelease, codes: tuple[str, ...], docker: DockerSource | None) -> None:
    judgement = judge_release(release, "2026-11-22")
    assert (judgement.codes, judgement.docker) == (codes, docker)


def test_the_table_is_whole() -> None:
    keys = [(row.id, row.version) for row in RELEASES]
    assert len(keys) == len(set(keys))
    for row in RELEASES:
        assert row.source and row.name and row.checked == CHECKED
        assert row.family in FAMILIES or row.listing in (Listing.UNSUPPORTED, Listing.BROKEN)
        assert not row.ends or (len(row.ends) == 10 and row.ends[4] == row.ends[7] == "-")


def test_the_dates_of_debian_and_ubuntu_are_those_of_distro_info() -> None:
    folder = Path("/usr/share/distro-info")
    if not folder.exists():
        pytest.skip("needs the distro-info-data package")
    for id, column in (("debian", "eol-lts"), ("ubuntu", "eol")):
        head, *rows = [line.split(",") for line in (folder / f"{id}.csv").read_text().splitlines()]
        ends = {row[0].removesuffix(" LTS"): dict(zip(head, row, strict=False)).get(column) for row in rows}
        for release in RELEASES:
            if release.id == id and release.ends:
                assert release.ends == ends[release.version], release


@pytest.mark.parametrize(
    ("id", "version", "family"),
    [("ol", "7.9", "rhel-yum"), ("scientific", "7.9", "rhel-yum"), ("ol", "8.9", "rhel"), ("nobara", "41", "rhel")],
)
def test_release_7_has_no_dnf(id: str, version: str, family: str) -> None:
    found = family_of(OsRelease(id, version, like=("rhel", "centos", "fedora")))
    assert found is not None and found.name == family
