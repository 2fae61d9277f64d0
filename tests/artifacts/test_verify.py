"""Packages and their signatures: what is vouched for, and each way in which it is not."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from anywhere.artifacts.keys import load_keys, pinned_keys
from anywhere.artifacts.verify import Untrusted, verify
from anywhere.catalogue.signing_keys import ECS, PINNED, SSM
from anywhere.errors import BadInput

pytestmark = pytest.mark.skipif(not shutil.which("gpg"), reason="makes its signatures with gpg")
YEAR = 365 * 86400.0


def _member(name: str, body: bytes) -> bytes:
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(body):<10}`\n".encode()
    return head + body + b"\n" * (len(body) % 2)


DEB = b"!<arch>\n" + _member("debian-binary", b"2.0\n") + _member("data.tar.gz", b"\x1f\x8b" + b"x" * 5001)


class Maker:
    """Somebody with an OpenPGP key: a primary that certifies, a subkey that signs, as AWS has it."""

    def __init__(self, home: Path, name: str) -> None:
        self.home, self.name = home, name
        home.mkdir(mode=0o700)
        self.gpg("--quick-generate-key", f"{name} <{name}@example.com>", "rsa2048", "cert", "never")
        self.fingerprint = self._fingerprints()[0]
        self.gpg("--quick-add-key", self.fingerprint, "rsa2048", "sign", "1y")
        self.subkey = self._fingerprints()[1]

    def gpg(self, *words: str, input: str = "", mode: str = "--batch") -> bytes:
        argv = ["gpg", "--homedir", str(self.home), mode, "--quiet", "--yes", "--pinentry-mode", "loopback"]
        argv += ["--passphrase", "", *words]
        return subprocess.run(argv, input=input.encode(), capture_output=True, check=True).stdout

    def revoke_subkey(self) -> None:
        asked = "key 1\nrevkey\ny\n1\n\ny\nsave\n"
        self.gpg("--command-fd", "0", "--edit-key", self.fingerprint, input=asked, mode="--no-tty")

    def revoke(self) -> None:
        kept = (self.home / "openpgp-revocs.d" / f"{self.fingerprint}.rev").read_text()
        self.gpg("--import", input=kept.replace(":-----BEGIN", "-----BEGIN"))

    def _fingerprints(self) -> list[str]:
        rows = self.gpg("--with-colons", "--list-keys").decode().splitlines()
        return [row.split(":")[9] for row in rows if row.startswith("fpr")]

    def keyring(self, path: Path) -> str:
        path.write_bytes(self.gpg("--armor", "--export", self.fingerprint))
        return str(path)

    def sign(self, path: Path, *more: str) -> bytes:
        return self.gpg(*more, "--output", "-", "--detach-sign", str(path))

    def close(self) -> None:
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], capture_output=True)


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory):
    made = Maker(tmp_path_factory.mktemp("gpg") / "h", "site")
    yield made
    made.close()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "amazon-ecs-init-latest.amd64.deb"
    path.write_bytes(DEB)
    return path


def reason(path: Path, signature: bytes, keyring: str, package: str = ECS, now: float = 0.0) -> str:
    with pytest.raises(Untrusted) as caught:
        verify(str(path), signature, load_keys(keyring), package, now or time.time())
    assert caught.value.exit_code == 1 and "\n" not in str(caught.value)
    return caught.value.reason


def test_every_pinned_key_is_shipped_and_no_other_vouches() -> None:
    found = pinned_keys()
    wanted = {one for row in PINNED for one in (row.signing or (row.fingerprint,))}
    assert {key.fingerprint for key in found} == wanted
    for key in found:
        row = next(row for row in PINNED if row.fingerprint == key.primary)
        day = time.strftime("%Y-%m-%d", time.gmtime(key.ends)) if key.ends else ""
        assert (key.signs, day, key.owner, key.source) == (row.signs, row.ends, row.owner, "pinned")
    assert {row.signs for row in PINNED} == {ECS, SSM}


@pytest.mark.parametrize("more", [(), ("--armor",), ("--digest-algo", "SHA1")])
def test_a_key_of_the_site_vouches_and_is_named(
    maker: Maker, package: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    keyring = maker.keyring(tmp_path / "site.asc")
    found = verify(str(package), maker.sign(package, *more), load_keys(keyring), ECS, time.time())
    assert (found.key, found.primary, found.source) == (maker.subkey, maker.fingerprint, keyring)
    assert maker.subkey in str(found) and keyring in str(found) and "site" in str(found)


def test_every_change_of_a_package_is_seen(maker: Maker, package: Path, tmp_path: Path) -> None:
    keyring, signature = maker.keyring(tmp_path / "site.asc"), maker.sign(package)
    for place in range(70, len(DEB), 997):
        package.write_bytes(DEB[:place] + bytes([DEB[place] ^ 1]) + DEB[place + 1 :])
        assert reason(package, signature, keyring) in ("bad-signature", "truncated")


@pytest.mark.parametrize("length", [0, 7, 60, 100, 1000, len(DEB) - 3])
def test_a_truncated_package_is_named_so(maker: Maker, package: Path, tmp_path: Path, length: int) -> None:
    keyring, signature = maker.keyring(tmp_path / "site.asc"), maker.sign(package)
    package.write_bytes(DEB[:length])
    assert reason(package, signature, keyring) == ("not-a-package" if length < 8 else "truncated")


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><p>blocked", b"\r\n<html><body>login", b"<?xml version='1.0'?><Error/>"]
)
def test_a_web_page_in_place_of_package_or_signature(maker: Maker, package: Path, tmp_path: Path, page: bytes) -> None:
    keyring, signature = maker.keyring(tmp_path / "site.asc"), maker.sign(package)
    assert reason(package, page, keyring) == "proxy-page"
    package.write_bytes(page)
    assert reason(package, signature, keyring) == "proxy-page"


@pytest.mark.parametrize("revoke", [Maker.revoke_subkey, Maker.revoke])
def test_a_key_that_its_owner_has_revoked(tmp_path: Path, package: Path, revoke: Callable[[Maker], None]) -> None:
    maker = Maker(tmp_path / "h", "site")
    signature = maker.sign(package)
    revoke(maker)
    found = load_keys(maker.keyring(tmp_path / "site.asc"))
    maker.close()
    assert [key.revoked for key in found if key.fingerprint == maker.subkey] == [True]
    assert reason(package, signature, str(tmp_path / "site.asc")) == "revoked-key"


@pytest.mark.parametrize("signature", [b"", b"  \n"])
def test_no_signature(maker: Maker, package: Path, tmp_path: Path, signature: bytes) -> None:
    assert reason(package, signature, maker.keyring(tmp_path / "site.asc")) == "no-signature"


def test_a_signature_cut_short_or_of_another_file(maker: Maker, package: Path, tmp_path: Path) -> None:
    keyring, signature = maker.keyring(tmp_path / "site.asc"), maker.sign(package)
    for damaged in (signature[:40], signature[:-20], b"garbage", b"-----BEGIN PGP SIGNATURE-----\n\nabc"):
        assert reason(package, damaged, keyring) in ("bad-signature", "unknown-key")
    other = tmp_path / "other.deb"
    other.write_bytes(DEB + _member("more", b"more"))
    assert reason(other, signature, keyring) == "bad-signature"


def test_a_key_that_nobody_named(maker: Maker, package: Path) -> None:
    assert reason(package, maker.sign(package), "") == "unknown-key"


def test_a_key_that_has_expired(maker: Maker, package: Path, tmp_path: Path) -> None:
    keyring = maker.keyring(tmp_path / "site.asc")
    assert reason(package, maker.sign(package), keyring, now=time.time() + 2 * YEAR) == "expired-key"


def test_a_weak_digest(maker: Maker, package: Path, tmp_path: Path) -> None:
    signature = maker.sign(package, "--digest-algo", "RIPEMD160", "--allow-weak-digest-algos")
    assert reason(package, signature, maker.keyring(tmp_path / "site.asc")) == "weak-signature"


def test_a_text_signature_is_none_over_a_file(maker: Maker, package: Path, tmp_path: Path) -> None:
    signature = maker.sign(package, "--textmode")
    assert reason(package, signature, maker.keyring(tmp_path / "site.asc")) == "bad-signature"


def test_a_pinned_key_vouches_for_its_own_package_only(
    monkeypatch: pytest.MonkeyPatch, maker: Maker, package: Path, tmp_path: Path
) -> None:
    keyring = maker.keyring(tmp_path / "site.asc")
    keys = tuple(key for key in load_keys(keyring) if key.source == keyring)
    from dataclasses import replace

    for_ssm = tuple(replace(key, signs=SSM) for key in keys)
    with pytest.raises(Untrusted) as caught:
        verify(str(package), maker.sign(package), for_ssm, ECS, time.time())
    assert caught.value.reason == "unknown-key"


def test_without_the_verifier_nothing_is_taken(
    monkeypatch: pytest.MonkeyPatch, maker: Maker, package: Path, tmp_path: Path
) -> None:
    keys = load_keys(maker.keyring(tmp_path / "site.asc"))
    signature = maker.sign(package)
    monkeypatch.setitem(sys.modules, "openpgp.composed", None)
    with pytest.raises(Untrusted) as caught:
        verify(str(package), signature, keys, ECS, time.time())
    assert caught.value.reason == "no-verifier"


@pytest.mark.parametrize(
    "text", [b"", b"hello", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"]
)
def test_a_keyring_that_is_none(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "ring"
    path.write_bytes(text)
    with pytest.raises(BadInput):
        load_keys(str(path))
    with pytest.raises(BadInput):
        load_keys(str(tmp_path / "absent"))
