"""bootstrap.sh: from a mirror, a folder or a file; nothing that is not vouched for; root at the end alone."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.barehost import BareHost

SCRIPT = Path(__file__).parent.parent.parent / "installers" / "bootstrap.sh"
NAME = "ecs-anywhere-toolkit_0.1.0_amd64.deb"
TOOL = '#!/bin/sh\n[ "$1" = --version ] && { echo "anywhere 0.1.0"; exit; }\necho "called: $*" > /run/called\n'
region = pytest.mark.region
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
deb = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("deb")
    (folder / "t/DEBIAN").mkdir(parents=True)
    (folder / "t/DEBIAN/control").write_text(
        "Package: ecs-anywhere-toolkit\nVersion: 0.1.0\nArchitecture: amd64\nMaintainer: x <x@example.com>\nDescription: x\n"
    )
    path = folder / "t/usr/local/bin/anywhere"
    path.parent.mkdir(parents=True)
    path.write_text(TOOL)
    path.chmod(0o755)
    argv = ["dpkg-deb", "--root-owner-group", "-b", str(folder / "t"), str(folder / NAME)]
    subprocess.run(argv, check=True, capture_output=True)
    return (folder / NAME).read_bytes()


@pytest.fixture
def release(tmp_path: Path, package: bytes) -> Path:
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / NAME).write_bytes(package)
    (folder / NAME.replace("amd64", "arm64")).write_bytes(b"other")
    sums(folder)
    return folder


def sums(folder: Path) -> None:
    rows = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}" for p in sorted(folder.glob("ecs*"))]
    (folder / "SHA256SUMS").write_text("\n".join(rows) + "\n")


def bootstrap(*words: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path or os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(["sh", str(SCRIPT), *words], capture_output=True, text=True, env=environment)


@deb
def test_a_dry_run_verifies_and_changes_nothing(release: Path) -> None:
    done = bootstrap("--from", str(release), "--dry-run", "--", "--region", "us-east-1")
    assert done.returncode == 0, done.stderr
    assert "verified" in done.stderr and "would run: " in done.stdout and "dpkg -i" in done.stdout
    assert "register" in done.stdout


@deb
@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_a_mirror_with_only_curl_or_only_wget(release: Path, tmp_path: Path, tool: str) -> None:
    if not shutil.which(tool):
        pytest.skip(f"no {tool} here")
    folder = tmp_path / "bin"
    folder.mkdir()
    words = (
        "sh cp cut sed grep head tail tr uname mktemp rm id basename dirname getconf sha256sum dpkg apt-get chmod cat"
    )
    for word in [*words.split(), tool]:
        (folder / word).symlink_to(shutil.which(word) or "/bin/false")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(release))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        done = bootstrap("--from", url, "--dry-run", path=str(folder))
        assert done.returncode == 0 and "dpkg -i" in done.stdout, done.stderr
        assert "neither curl nor wget" in _without(folder, tool, url)
        server.shutdown()


def _without(folder: Path, tool: str, url: str) -> str:
    (folder / tool).unlink()
    return bootstrap("--from", url, "--dry-run", path=str(folder)).stderr


def _truncate(folder: Path) -> None:
    (folder / NAME).write_bytes((folder / NAME).read_bytes()[:-10])


def _page(folder: Path) -> None:
    (folder / NAME).write_text("<!DOCTYPE HTML><title>Blocked</title>")


def _page_for_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").write_text("<html>login</html>")


@deb
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_truncate, "is not what SHA256SUMS lists"),
        (_page, "a web page came"),
        (_page_for_sums, "a web page came"),
        (lambda folder: (folder / "SHA256SUMS").unlink(), "no SHA256SUMS"),
        (lambda folder: (folder / "SHA256SUMS").write_text(f"{'0' * 64}  x_ppc64.deb\n"), "lists no package"),
        (lambda folder: (folder / NAME).unlink(), "cannot be fetched"),
        (lambda folder: (folder / "SHA256SUMS").write_text(f"{'0' * 64}  ../../{NAME}\n"), "strange name"),
    ],
)
def test_what_is_not_vouched_for_is_not_installed(release: Path, spoil, said: str) -> None:
    spoil(release)
    done = bootstrap("--from", str(release), "--dry-run")
    assert done.returncode == 1 and said in done.stderr, done.stderr
    assert "would run" not in done.stdout


@deb
def test_one_file_needs_its_digest(release: Path, tmp_path: Path) -> None:
    alone = tmp_path / NAME
    alone.write_bytes((release / NAME).read_bytes())
    digest = hashlib.sha256(alone.read_bytes()).hexdigest()
    assert "cannot be verified" in bootstrap("--from", str(alone), "--dry-run").stderr
    assert bootstrap("--from", str(alone), "--sha256", digest.upper(), "--dry-run").returncode == 0
    assert bootstrap("--from", str(alone), "--sha256", "0" * 64, "--dry-run").returncode == 1
    assert bootstrap("--from", str(release / NAME), "--dry-run").returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--from",),
        ("--from", ""),
        ("--wrong",),
        ("--from", "x", "--sha256", "12"),
        ("--from", "x", "--sha256", "z" * 64),
    ],
)
def test_wrong_words_are_exit_2(words: tuple[str, ...]) -> None:
    done = bootstrap(*words)
    assert done.returncode == 2 and done.stderr


@deb
@pytest.mark.skipif(not (shutil.which("gpg") and shutil.which("gpgv")), reason="needs gpg and gpgv")
def test_a_release_key(release: Path, tmp_path: Path) -> None:
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--yes", "--passphrase", ""]
    try:
        for name in ("ours", "theirs"):
            subprocess.run(
                [*gpg, "--quick-generate-key", f"{name}@example.com", "rsa2048", "sign", "never"], check=True
            )
            out = subprocess.run([*gpg, "--armor", "--export", f"{name}@example.com"], check=True, capture_output=True)
            (tmp_path / f"{name}.asc").write_bytes(out.stdout)
        assert (
            "SHA256SUMS.asc"
            in bootstrap("--from", str(release), "--key", str(tmp_path / "ours.asc"), "--dry-run").stderr
        )
        argv = [*gpg, "--local-user", "ours@example.com", "--armor", "--detach-sign", str(release / "SHA256SUMS")]
        subprocess.run(argv, check=True)
        good = bootstrap("--from", str(release), "--key", str(tmp_path / "ours.asc"), "--dry-run")
        assert good.returncode == 0, good.stderr
        bad = bootstrap("--from", str(release), "--key", str(tmp_path / "theirs.asc"), "--dry-run")
        assert bad.returncode == 1 and "not signed by the key" in bad.stderr
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], capture_output=True)


@pytest.fixture
def host() -> Iterator[BareHost]:
    with BareHost() as made:
        yield made


@region
@root
@deb
def test_it_installs_and_goes_on_to_register(host: BareHost, release: Path) -> None:
    argv = ("sh", str(SCRIPT), "--from", str(release), "--", "--region", "us-east-1", "--cluster", "a b")
    done = host.run(argv, timeout=60)
    assert done.ok, done.stderr
    assert host.read("/run/called").decode() == "called: register --region us-east-1 --cluster a b\n"
    assert "anywhere 0.1.0" in done.stderr
    assert host.run(("sh", "-c", "ls -d /tmp/tmp.* 2>/dev/null | wc -l")).ok
