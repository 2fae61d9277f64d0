"""A CA that lies on the host and is not in its store: found by its name, wherever it was put and in whatever form."""

from __future__ import annotations

import pytest

from anywhere.catalogue.distros import FAMILIES
from anywhere.checks.endpoints.own_cas import own_ca
from tests.region.certificates import _authority, _pem
from tests.support.fakehost import FakeHost

DEBIAN, RHEL = FAMILIES["debian"], FAMILIES["rhel"]
NAMES = ("Example Gateway", "Gateway Root")
FOLDER = DEBIAN.ca_folder


def pem(organization: str = "Example Gateway", name: str = "Gateway Root") -> bytes:
    return _pem(_authority(organization, name, 0))


def der() -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    made: bytes = _authority(*NAMES, 0).public_bytes(Encoding.DER)
    return made


@pytest.mark.parametrize(
    ("path", "content", "command"),
    [
        (f"{FOLDER}/gateway.pem", pem(), "mv"),
        (f"{FOLDER}/gateway.crt", pem(), "update-ca-certificates"),
        (f"{FOLDER}/gateway.crt", der(), "openssl"),
        (f"{RHEL.ca_folder}/gateway.pem", pem(), "install"),
        ("/etc/pki/trust/anchors/gateway.pem", pem("Other", "Gateway Root"), "install"),
    ],
)
def test_a_ca_that_the_store_lacks_is_found(path: str, content: bytes, command: str) -> None:
    found = own_ca(FakeHost(files={path: content}), DEBIAN, NAMES)
    assert found is not None and found.path == path
    assert [words[0] for words in found.commands] == [command]


@pytest.mark.parametrize(
    "files",
    [
        {f"{FOLDER}/other.crt": pem("Other", "Other Root")},
        {f"{FOLDER}/gateway.crt": pem(), "/etc/ssl/certs/gateway.pem": pem()},
        {f"{FOLDER}/site (old), 2.crt": pem(), "/etc/ssl/certs/site_=old=__2.pem": pem()},
        {f"{FOLDER}/README": b"Put CAs here.\n"},
        {},
    ],
)
def test_another_ca_or_one_that_the_store_has_is_not(files: dict[str, bytes]) -> None:
    assert own_ca(FakeHost(files=files), DEBIAN, NAMES) is None


def test_the_folder_of_the_distribution_itself_is_no_other() -> None:
    host = FakeHost(files={f"{RHEL.ca_folder}/gateway.pem": pem()})
    assert own_ca(host, RHEL, NAMES) is None
