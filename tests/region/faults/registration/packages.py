"""The packages do not come, or are not what they should be."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.region.faults.registration import Rehearsal, setback
from tests.region.packages.build import packages
from tests.region.packages.keys import sign

GET = "GetObject"


@setback("bucket-down", "the package buckets reset every connection", "package", "reset")
def bucket_down(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(GET, how="reset")


@setback("bucket-503", "S3 answers 503 Slow Down", "package", "503")
def bucket_503(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(GET, how="status", status=503)


@setback("mirror-down", "the distribution's mirror resets every connection", "docker", "InRelease")
def mirror_down(rehearsal: Rehearsal) -> None:
    rehearsal.break_call("GetFile", how="reset")


@setback("mirror-is-a-page", "a portal's page answers in place of the distribution's mirror", "docker", "InRelease")
def mirror_is_a_page(rehearsal: Rehearsal) -> None:
    rehearsal.break_call("GetFile", how="page")


@setback("package-is-a-page", "a proxy's page comes in place of each package", "package")
def package_is_a_page(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(GET, how="page")


@setback("package-truncated", "downloads end in the middle", "package")
def package_truncated(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(GET, how="truncate")


@setback("package-truncated-once", "the first two downloads end in the middle", "package", final=False)
def package_truncated_once(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(GET, how="truncate", count=2)


@setback("packages-missing", "the buckets hold no packages for this architecture", "package", "403")
def packages_missing(rehearsal: Rehearsal) -> None:
    _publish(rehearsal, lambda path: path.unlink())


@setback("signature-missing", "the packages have no signatures", "package", "403")
def signature_missing(rehearsal: Rehearsal) -> None:
    _publish(rehearsal, lambda path: _signature(path).unlink())


@setback("signature-of-a-stranger", "a key that is in no keyring signed the packages", "package", "NO_PUBKEY")
def signature_of_a_stranger(rehearsal: Rehearsal) -> None:
    _publish(rehearsal, lambda path: _sign(path, "stranger"))


@setback(
    "signature-of-an-expired-key", "a key of the keyring that has expired signed the packages", "package", "EXPKEYSIG"
)
def signature_of_an_expired_key(rehearsal: Rehearsal) -> None:
    _publish(rehearsal, lambda path: _sign(path, "expired"))


@setback("package-changed", "the packages are not those that were signed", "package", "BADSIG")
def package_changed(rehearsal: Rehearsal) -> None:
    _publish(rehearsal, lambda path: path.write_bytes(path.read_bytes() + b"\n"))


def _signature(path: Path) -> Path:
    return path.with_name(path.name + (".sig" if "ssm" in path.name else ".asc"))


def _sign(path: Path, name: str) -> None:
    sign(path, _signature(path), name, armor="ssm" not in path.name)


def _publish(rehearsal: Rehearsal, spoil: Callable[[Path], object]) -> None:
    """Serve a copy of the buckets with every package spoiled."""
    folder = Path(tempfile.mkdtemp(prefix="anywhere-buckets-"))
    made = folder / "buckets"
    shutil.copytree(packages(), made)
    for path in made.rglob("*.deb"):
        spoil(path)
    rehearsal.site.publish(folder=made)
    rehearsal.healers.append(lambda: shutil.rmtree(folder))
    rehearsal.healers.append(rehearsal.site.publish)
