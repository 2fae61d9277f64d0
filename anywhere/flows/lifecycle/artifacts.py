"""Packages for a host: fetched once into a folder, verified each time, from AWS, from a mirror, or from the folder."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from anywhere.artifacts.download import DownloadFailed, Progress, download
from anywhere.artifacts.keys import SigningKey, load_keys
from anywhere.artifacts.manifest import NAME, Artifact, Manifest, parse_manifest, read_manifest, write_manifest
from anywhere.artifacts.sources import LATEST, Source, machine, sources
from anywhere.artifacts.verify import Untrusted, Vouched, sha256, verify
from anywhere.artifacts.version import package_version
from anywhere.catalogue.distros import FAMILIES, RELEASES
from anywhere.changes.agents.exec import PACKAGE as EXEC_BINARIES
from anywhere.changes.install.packages import LocalPackage
from anywhere.errors import BadInput
from anywhere.files import open_input
from anywhere.frozen import frozen
from anywhere.windows import IS_WINDOWS, is_root

FRESH = 24 * 3600.0  # seconds that a cached `latest` is taken as the latest


@frozen
class Origin:
    """Where packages come from: a folder, a mirror's URL, or AWS (both empty). `keyring` adds keys of the site's own,
    `exec_binaries` is a file of the binaries of ECS Exec, signed by one of them."""

    folder: str = ""
    url: str = ""
    keyring: str = ""
    ecs_version: str = LATEST
    ssm_version: str = LATEST
    dualstack: bool = False
    exec_binaries: str = ""


class Verified(NamedTuple):
    """An artifact and who vouches for it now, or why nobody does."""

    artifact: Artifact
    vouched: Vouched | None
    error: Untrusted | None


def _quiet(name: str, have: int, of: int) -> None:
    return


def kind_of(distro: str) -> str:
    """`deb` or `rpm` for a distribution by name (`debian`, `ubuntu-22.04`, `rhel9`, `amzn`), or the format itself.
    Raises BadInput."""
    name = distro.lower().rstrip("0123456789.").rstrip("-_:")
    if name in ("deb", "rpm"):
        return name
    families = {row.id: row.family for row in RELEASES if row.family and row.family != "windows"}
    families |= {"suse": "suse", "al": "rhel", "amazon": "rhel", "amazonlinux": "rhel", "opensuse": "suse"}
    if name not in families:
        raise BadInput.unknown("distribution", distro, (*families, "deb", "rpm"))
    return "deb" if FAMILIES[families[name]].manager == "apt" else "rpm"


def fetch(region: str, arch: str, distro: str, to: str, origin: Origin, progress: Progress = _quiet) -> Manifest:
    """Fill a folder; what is there and vouched for is not fetched again. Raises DownloadFailed, Untrusted, BadInput."""
    kind = kind_of(distro)
    keys = load_keys(origin.keyring)
    wanted = sources(region, arch, kind, origin.ecs_version, origin.ssm_version, origin.dualstack)
    _make(to)
    rows = tuple(_fetch_one(source, to, keys, progress) for source in wanted)
    when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    manifest = Manifest(region, machine(arch), kind, when, rows)
    write_manifest(to, manifest)
    return manifest


def _fetch_one(source: Source, folder: str, keys: Sequence[SigningKey], progress: Progress) -> Artifact:
    path, signature = os.path.join(folder, source.name), os.path.join(folder, source.signature_name)
    fresh = not os.path.exists(path)
    for again in (False, True):
        download(source.signature_url, signature, _quiet)
        download(source.url, path, progress)
        try:
            vouched = verify(path, _read(signature), keys, source.package, time.time())
            break
        except Untrusted:
            # What does not fit is not kept: the next run fetches both again. A file that lay here from before may be
            # of an earlier `latest`, so then both are fetched once more at once.
            for one in (path, signature):
                os.unlink(one)
            if fresh or again:
                raise
    size = os.path.getsize(path)
    return Artifact(
        source.package,
        source.name,
        source.signature_name,
        vouched.sha256,
        size,
        source.url,
        vouched.key,
        vouched.source,
    )


def verify_folder(folder: str, keyring: str = "", now: float | None = None) -> tuple[Manifest, tuple[Verified, ...]]:
    """Verify a folder again: the hashes of its manifest and every signature. Raises BadInput without a manifest."""
    manifest = read_manifest(folder)
    keys = load_keys(keyring)
    when = time.time() if now is None else now
    return manifest, tuple(_verify_one(folder, row, keys, when) for row in manifest.artifacts)


def _verify_one(folder: str, row: Artifact, keys: Sequence[SigningKey], now: float) -> Verified:
    path, signature = os.path.join(folder, row.name), os.path.join(folder, row.signature)
    try:
        if not os.path.exists(path):
            raise Untrusted("truncated", f"{row.name} is in the manifest, and not in {folder}: fetch again")
        size = os.path.getsize(path)
        if size < row.size:
            raise Untrusted("truncated", f"{row.name} has {size} of {row.size} bytes: copy or fetch it again")
        text = _read(signature) if os.path.exists(signature) else b""
        found = verify(path, text, keys, row.package, now)
        if found.sha256 != row.sha256:
            raise Untrusted("wrong-hash", f"{row.name} is not the file that the manifest lists: fetch again")
        return Verified(row, found, None)
    except Untrusted as error:
        return Verified(row, None, error)
    except OSError as error:
        return Verified(row, None, Untrusted("truncated", f"{row.name} cannot be read: {error.strerror}"))


def collect(
    needed: Sequence[str], region: str, arch: str, kind: str, origin: Origin, progress: Progress = _quiet
) -> tuple[LocalPackage, ...]:
    """Verified files of the needed packages on this machine. Raises DownloadFailed, Untrusted, BadInput."""
    if not needed:
        return ()
    folder = origin.folder or cache_folder(f"{region}-{machine(arch)}-{kind}-{origin.ecs_version}-{origin.ssm_version}")
    if origin.url:
        _mirror(origin.url, folder, progress)
    elif not origin.folder:
        _drop_old(folder)
        fetch(region, arch, kind, folder, origin, progress)
    manifest, rows = verify_folder(folder, origin.keyring)
    if (manifest.arch, manifest.kind) != (machine(arch), kind):
        raise BadInput(
            f"{folder} holds {manifest.kind} packages for {manifest.arch}; this host needs {kind}, {machine(arch)}"
        )
    return tuple(_needed(name, rows, folder) for name in needed)


def exec_binaries(origin: Origin) -> tuple[LocalPackage, ...]:
    """The binaries of ECS Exec, verified by the signature beside them. Raises Untrusted, BadInput."""
    path = origin.exec_binaries
    if not path:
        return ()
    signature = next((path + end for end in (".sig", ".asc") if os.path.exists(path + end)), "")
    if not os.path.isfile(path):
        raise BadInput(f"--exec-binaries {path}: no such file")
    if not signature:
        said = f"{path} has no signature beside it ({path}.sig or .asc): sign it with a key of --keyring"
        raise Untrusted("no-signature", said)
    vouched = verify(path, _read(signature), load_keys(origin.keyring), EXEC_BINARIES, time.time())
    return (LocalPackage(EXEC_BINARIES, os.path.basename(path), path, vouched.sha256, str(vouched)),)


def newest(folder: str, keyring: str = "") -> dict[str, str]:
    """The versions of the verified packages in a folder, by package. Raises BadInput, Untrusted."""
    _, rows = verify_folder(folder, keyring)
    for row in rows:
        if row.error:
            raise row.error
    return {row.artifact.package: package_version(os.path.join(folder, row.artifact.name)) for row in rows}


def planned(needed: Sequence[str], region: str, arch: str, kind: str, origin: Origin) -> tuple[LocalPackage, ...]:
    """The same without fetching or verifying anything: for a dry run."""
    if origin.folder:
        rows = {row.package: row.name for row in read_manifest(origin.folder).artifacts}
    else:
        rows = {one.package: one.name for one in sources(region, arch, kind, origin.ecs_version, origin.ssm_version)}
    return tuple(LocalPackage(name, rows[name]) for name in needed if name in rows)


def _needed(name: str, rows: Sequence[Verified], folder: str) -> LocalPackage:
    row = next((one for one in rows if one.artifact.package == name), None)
    if row is None:
        raise BadInput(f"{folder} holds no {name}: fetch again")
    if row.vouched is None:
        assert row.error
        raise row.error
    path = os.path.join(folder, row.artifact.name)
    return LocalPackage(name, row.artifact.name, path, row.vouched.sha256, str(row.vouched))


def _mirror(url: str, folder: str, progress: Progress) -> None:
    """A mirror is a folder of `artifacts fetch` behind a web server: the manifest first, then its files."""
    _make(folder)
    base = url.rstrip("/")
    fresh = os.path.join(folder, NAME + ".mirror")
    if os.path.exists(fresh):
        os.unlink(fresh)
    download(f"{base}/{NAME}", fresh, _quiet)
    manifest = parse_manifest(_read(fresh), f"{base}/{NAME}")
    os.unlink(fresh)
    for row in manifest.artifacts:
        path = os.path.join(folder, row.name)
        if os.path.exists(path) and (os.path.getsize(path) != row.size or sha256(path) != row.sha256):
            os.unlink(path)
        signature = os.path.join(folder, row.signature)
        if os.path.exists(signature):
            os.unlink(signature)
        download(f"{base}/{row.signature}", signature, _quiet)
        download(f"{base}/{row.name}", path, progress)
    write_manifest(folder, manifest)


def cache_folder(key: str) -> str:
    """Where this machine keeps what it fetched: root's cache, or the user's own."""
    if is_root() and not IS_WINDOWS:
        return f"/var/cache/anywhere/artifacts/{key}"
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "anywhere", "artifacts", key)


def _drop_old(folder: str) -> None:
    try:
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if LATEST in name and time.time() - os.path.getmtime(path) > FRESH:
                os.unlink(path)
    except OSError:
        return


def _make(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise BadInput(f"--to {folder}: a file has this name, or one of the folders above it: name a folder") from None
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}") from None


def _read(path: str) -> bytes:
    with open_input(path) as file:
        return file.read(1 << 20)


__all__ = [
    "DownloadFailed",
    "Origin",
    "Untrusted",
    "Verified",
    "collect",
    "exec_binaries",
    "fetch",
    "kind_of",
    "load_keys",
    "planned",
    "verify_folder",
]
